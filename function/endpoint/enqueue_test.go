package endpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"oss-callback/function/imageinfo"
	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

// TestOutboxModes: what is published and written, and what the client is told, for every mode and every fault.
func TestOutboxModes(t *testing.T) {
	const nsqd, outbox = "nsqd down", "outbox down"
	for name, tc := range map[string]struct {
		mode  OutboxMode
		down  string
		steps string // in their order
		want  string
	}{
		"off":                      {OutboxOff, "", "publish", "queued"},
		"off, no nsqd":             {OutboxOff, nsqd, "publish", "queue_unavailable"},
		"on-failure":               {OutboxOnFailure, "", "publish", "queued"},
		"on-failure, no nsqd":      {OutboxOnFailure, nsqd, "publish put-0", "queued"},
		"on-failure, nothing":      {OutboxOnFailure, nsqd + outbox, "publish put-0", "queue_unavailable"},
		"on-failure, no outbox":    {OutboxOnFailure, outbox, "publish", "queued"},
		"always":                   {OutboxAlways, "", "put-1 publish-entry", "queued"},
		"always, no nsqd":          {OutboxAlways, nsqd, "put-1 publish-entry", "queued"},
		"always, no outbox":        {OutboxAlways, outbox, "put-1", "queue_unavailable"},
		"unset is on-failure":      {"", nsqd, "publish put-0", "queued"},
		"on-failure, all well-ish": {OutboxOnFailure, "", "publish", "queued"},
	} {
		t.Run(name, func(t *testing.T) {
			var steps []string
			c, _ := working()
			c.OutboxMode = tc.mode
			c.Queue = publishFunc(func(_ context.Context, j queue.Job) (string, error) {
				step := "publish"
				if j.Outbox != "" {
					step += "-entry"
				}
				steps = append(steps, step)
				if strings.Contains(tc.down, nsqd) {
					return "", fmt.Errorf("%w: refused", queue.ErrUnavailable)
				}
				return "n", nil
			})
			c.Outbox = putFunc(func(_ context.Context, j queue.Job, published int) (queue.Job, error) {
				steps = append(steps, fmt.Sprint("put-", published))
				if strings.Contains(tc.down, outbox) {
					return j, fmt.Errorf("%w: refused", queue.ErrOutbox)
				}
				j.Outbox = "entry"
				return j, nil
			})
			got := New(c).Handle(t.Context(), post)
			if !strings.Contains(string(got.Body), tc.want) || strings.Join(steps, " ") != tc.steps {
				t.Errorf("%s after %v, want %s after %s", got.Body, steps, tc.want, tc.steps)
			}
		})
	}
}

// TestSharesOfTheDeadline: with OSS and every nsqd silent from the first moment, the outbox still gets its time, and with nothing
// silent but OSS's image info two nsqd do. On simulated time.
func TestSharesOfTheDeadline(t *testing.T) {
	for _, late := range []time.Duration{0, 2 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := working()
			c.OutboxMode = OutboxOnFailure
			began := time.Now()
			left := max(c.Budget-late, least)
			end := began.Add(left)
			c.Images = fetchFunc(func(ctx context.Context, _ ossclient.Credentials, _, _ string) (imageinfo.Info, int, error) {
				<-ctx.Done()
				return imageinfo.Info{}, 1, imageinfo.ErrUnavailable
			})
			c.Queue = publishFunc(func(ctx context.Context, _ queue.Job) (string, error) {
				if got, want := time.Until(end), min(left/2, afterImage.most); got < want-time.Millisecond {
					t.Errorf("%v late: %v are left for the queue, want %v", late, got, want)
				}
				<-ctx.Done()
				return "", fmt.Errorf("%w: %w", queue.ErrUnavailable, ctx.Err())
			})
			c.Outbox = putFunc(func(ctx context.Context, j queue.Job, _ int) (queue.Job, error) {
				if got, want := time.Until(end), min(left/5, afterQueue.most); got < want-time.Millisecond {
					t.Errorf("%v late: %v are left for the outbox, want %v", late, got, want)
				}
				<-ctx.Done()
				return j, fmt.Errorf("%w: %w", queue.ErrOutbox, ctx.Err())
			})
			r := post
			r.Received = began.Add(-late)
			got := New(c).Handle(t.Context(), r)
			if took := time.Since(began); took > left+grace || !strings.Contains(string(got.Body), "queue_unavailable") {
				t.Errorf("%v late: %s after %v", late, got.Body, took)
			}
		})
	}
}

func TestOutboxModeText(t *testing.T) {
	for text, want := range map[string]OutboxMode{"": OutboxOnFailure, "on-failure": OutboxOnFailure, "always": OutboxAlways, "off": OutboxOff} {
		var m OutboxMode
		if err := m.UnmarshalText([]byte(text)); err != nil || m != want {
			t.Errorf("%q: %q, %v", text, m, err)
		}
	}
	var m OutboxMode
	if err := m.UnmarshalText([]byte("sometimes")); err == nil || errors.Unwrap(err) != nil {
		t.Error(err)
	}
}
