package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// ProcessFunc does the work of one job. It is called concurrently, up to ConsumerConfig.Concurrency times at once, and may be
// called again for a job that was already done: delivery is at least once. What it returns decides what becomes of the job:
//
//   - nil: done, the job is gone.
//   - Permanent(err): never worth another try, the job goes to the dead letters.
//   - Later(d): not now; the job comes again after d and no attempt is used.
//   - any other error, or a panic: tried again after a backoff, and a dead letter after MaxAttempts.
//
// ctx ends after JobTimeout, and at shutdown when DrainTimeout is over. A job interrupted by shutdown goes back to the queue
// without using an attempt. A ProcessFunc that ignores ctx keeps its slot, and nsqd delivers its message again.
type ProcessFunc func(ctx context.Context, job Job) error

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks an error that no further attempt can cure. It may be wrapped; Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err is, or wraps, an error made by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

type laterError struct{ after time.Duration }

func (e *laterError) Error() string { return fmt.Sprintf("again after %v", e.after) }

// Later asks for the job to be run again after d, however long, without using an attempt. Nothing bounds how often a job may say
// so. If Permanent and Later are both in an error's chain, Permanent wins.
func Later(d time.Duration) error { return &laterError{max(d, 0)} }

// IsLater reports whether err is, or wraps, an error made by Later, and after which time.
func IsLater(err error) (after time.Duration, ok bool) {
	later, ok := errors.AsType[*laterError](err)
	if !ok {
		return 0, false
	}
	return later.after, true
}

// Outcome is what became of one delivery. The values are stable: they are metric labels.
type Outcome string

// Outcomes of a delivery.
const (
	OutcomeDone      Outcome = "done"
	OutcomeRetried   Outcome = "retried"   // failed, or its new copy or dead letter could not be published: comes again
	OutcomeDead      Outcome = "dead"      // kept as a DeadLetter, see Result.Reason
	OutcomePostponed Outcome = "postponed" // Later
	OutcomePutBack   Outcome = "put_back"  // no attempt used: shutdown, or the same job is being run right now
	OutcomeForeign   Outcome = "foreign"   // not run: a copy that another channel sent again for itself
	OutcomeParked    Outcome = "parked"    // not run: a postponed job on its way to its time
)

// Result describes one delivery, for logs and metrics.
type Result struct {
	Job     Job // zero when the message was no job
	Outcome Outcome
	Reason  Reason        // of the dead letter, else empty
	Attempt int           // 1 for the first
	Took    time.Duration // from delivery to answer
	Err     error         // what Process returned, and what failed while answering; nil if nothing did
}

// Backoff is the schedule of retries: First, then four times as long each time, never more than Max, each delay varied by a
// quarter up or down so that jobs that failed together do not come back together. The default, 2 s to 10 min, waits about
// 2 s, 8 s, 32 s, 2 min, 8.5 min, 10 min, 10 min, …
type Backoff struct{ First, Max time.Duration }

// Delay is the wait after the given attempt, 1 or more, has failed.
func (b Backoff) Delay(attempt int) time.Duration {
	schedule := backoff.ExponentialBackOff{InitialInterval: b.First, Multiplier: 4, MaxInterval: b.Max, RandomizationFactor: 0.25}
	delay := schedule.NextBackOff()
	for range min(attempt, 64) - 1 {
		delay = schedule.NextBackOff()
	}
	return min(delay, b.Max)
}
