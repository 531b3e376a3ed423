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
)

// The rule by which the steps share what is left of the deadline: image info may use all but afterImage of it, so that the queue
// can still try two nsqd, each with a new connection, and the outbox; publishing may use all but afterQueue, so that the
// outbox can still write one object. Where little is left, each share is its part of that.
var (
	afterImage = share{part: 0.5, most: 1600 * time.Millisecond}
	afterQueue = share{part: 0.4, most: 600 * time.Millisecond}
)

// share is a part of what is left, and never more than most.
type share struct {
	part float64
	most time.Duration
}

// keep returns a context that ends early enough for the share to be left. Contexts without a deadline get none.
func (s share) keep(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	reserve := min(time.Duration(s.part*float64(time.Until(end))), s.most)
	return context.WithDeadline(ctx, end.Add(-reserve))
}

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
