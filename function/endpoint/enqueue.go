package endpoint

import (
	"context"
	"errors"
	"fmt"

	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

// OutboxMode says when a job is written to the outbox. The zero value is OutboxOnFailure.
type OutboxMode string

// The modes of OUTBOX.
const (
	OutboxOnFailure OutboxMode = "on-failure" // when no nsqd takes the job
	OutboxAlways    OutboxMode = "always"     // before it is published: survives the loss of every nsqd's disk
	OutboxOff       OutboxMode = "off"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *OutboxMode) UnmarshalText(text []byte) error {
	switch mode := OutboxMode(text); mode {
	case "":
		*m = OutboxOnFailure
	case OutboxOnFailure, OutboxAlways, OutboxOff:
		*m = mode
	default:
		return fmt.Errorf("%.32q is not on-failure, always or off", text)
	}
	return nil
}

// Entries in the outbox tell how often their job had been published when they were written.
const (
	notPublished = 0
	published    = 1 // or about to be: the sweep waits until the worker has had its chance
)

// enqueue puts the job where it cannot be lost any more, and tells where that is: the address of an nsqd, "outbox", or both.
func (e *Endpoint) enqueue(ctx context.Context, keys ossclient.Credentials, job queue.Job) (string, error) {
	switch e.OutboxMode {
	case OutboxOff:
		return e.Queue.Publish(ctx, job)
	case OutboxAlways:
		// Without its entry the job would not be as safe as the operator asked for: no entry, no success.
		entry, err := e.Outbox.Put(ctx, keys, job, published)
		if err != nil {
			return "", err
		}
		nsqd, err := e.Queue.Publish(ctx, entry)
		if err != nil {
			return "outbox", nil // the worker's sweep publishes it
		}
		return nsqd + "+outbox", nil
	default:
		publishing, cancel := afterQueue.keep(ctx)
		nsqd, err := e.Queue.Publish(publishing, job)
		cancel()
		if err == nil {
			return nsqd, nil
		}
		if _, outboxErr := e.Outbox.Put(ctx, keys, job, notPublished); outboxErr != nil {
			return "", errors.Join(err, outboxErr)
		}
		return "outbox", nil
	}
}
