package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// errLimited says that the endpoint limits how often it may be called. Nothing more is sent then, and what was not judged is skipped.
var errLimited = errors.New("limited")

const limitCure = "take this path out of the rate limit, or raise it, since OSS sends one callback per upload from a few addresses; " +
	"on Function Compute raise the limit on instances"

// maxControls bounds the requests that only tell a limit from a fault.
const maxControls = 3

// ask sends one request, unless an earlier answer told of a limit. With errLimited, wrapped, comes the answer that told of it, if it was
// this one's. Other errors are those of exchange.
func (e *exam) ask(ctx context.Context, request []byte) (answer, error) {
	if e.limit != nil {
		return answer{}, e.limit
	}
	before := e.sent
	a, err := e.exchange(ctx, request)
	if err == nil && e.limited(ctx, a) {
		e.limit = fmt.Errorf("%w after %d requests: the next one gets %d; %s", errLimited, before, a.status, limitCure)
		e.stop(e.limit.Error())
		return a, e.limit
	}
	return a, err
}

// limited tells whether an answer is that of a limiter: 429, or 503 if the first callback passed, but now gets that too.
func (e *exam) limited(ctx context.Context, a answer) bool {
	if a.status == http.StatusTooManyRequests {
		return true
	}
	_, known := refusals[a.code()]
	if a.status != http.StatusServiceUnavailable || known || !e.passed || e.controls == maxControls {
		return false
	}
	e.controls++
	request, _ := e.best() // it could be made before
	control, err := e.exchange(ctx, request)
	return err == nil && (control.status == http.StatusServiceUnavailable || control.status == http.StatusTooManyRequests)
}
