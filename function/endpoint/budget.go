package endpoint

import (
	"context"
	"time"
)

// The deadline is one for all steps. OSS hangs up 5 s after it connected; the default budget of 3.5 s leaves the rest to the
// network and to Function Compute's gateway.
const (
	// least is what remains to a callback that arrives late, as after a long cold start: enough to verify and to refuse.
	least = 500 * time.Millisecond
	// margin is kept from the platform's own deadline, at which it kills the invocation.
	margin = 100 * time.Millisecond
	// grace is how long steps that heed the deadline may take to say so.
	grace = 50 * time.Millisecond
	// queueShare of the time left, and at most queueReserve, is kept for the queue when the image is asked for: enough to
	// try two nsqd, each with a new connection.
	queueShare   = 0.4
	queueReserve = 1200 * time.Millisecond
)

// deadline counts the budget from the moment the gateway got the request, so that a cold start is paid from it. A time of
// receipt in the future is a clock that is wrong: it is ignored.
func deadline(ctx context.Context, now, received time.Time, budget time.Duration) time.Time {
	from := now
	if !received.IsZero() && received.Before(now) {
		from = received
	}
	end := from.Add(budget)
	if soonest := now.Add(least); end.Before(soonest) {
		end = soonest
	}
	if platform, ok := ctx.Deadline(); ok && platform.Add(-margin).Before(end) {
		end = platform.Add(-margin)
	}
	return end
}

// imageContext ends early enough for the queue.
func imageContext(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	reserve := min(time.Duration(queueShare*float64(time.Until(end))), queueReserve)
	return context.WithDeadline(ctx, end.Add(-reserve))
}
