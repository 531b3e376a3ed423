package imageinfo

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/cenkalti/backoff/v5"
)

const (
	// AttemptTimeout bounds one attempt, so that one lost packet or one stuck server does not cost the whole deadline.
	AttemptTimeout = time.Second
	// minAttempt is the least time worth starting an attempt with: OSS answers image/info of an ordinary photo in 20 to 80 ms.
	minAttempt = 100 * time.Millisecond
	// goneRetries is how often a missing object is asked for again: with backoff, about half a second in all.
	goneRetries = 3
)

// newSchedule yields the pauses between attempts: 80, 160, 320 ms, then 640 ms each, every one varied by up to a half.
func newSchedule() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 80 * time.Millisecond, Multiplier: 2, MaxInterval: 640 * time.Millisecond, RandomizationFactor: 0.5,
	}
}

// classify sorts what the SDK returns: answers of OSS by status and code, everything else as a fault of the way there.
func classify(err error) error {
	var answer oss.ServiceError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	kind := ErrUnavailable
	switch status := answer.StatusCode; {
	case status == http.StatusNotFound && answer.Code == "NoSuchKey", status == http.StatusNotFound && answer.Code == "":
		kind = ErrGone
	case status == http.StatusBadRequest && aboutTheRequest(answer):
		kind = ErrDenied
	case status == http.StatusBadRequest, status == http.StatusNotImplemented:
		kind = ErrNotAnImage
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		// throttled or stumbling: kind stays
	default: // 403, NoSuchBucket
		kind = ErrDenied
	}
	return fmt.Errorf("%w: %d %s %s (request %s)", kind, answer.StatusCode, answer.Code, answer.Ec, answer.RequestID)
}

// aboutTheRequest tells a 400 for our request's signature from one for the image. 0002 is OSS's group for signatures.
func aboutTheRequest(e oss.ServiceError) bool {
	return strings.HasPrefix(e.Ec, "0002-") || strings.Contains(e.Message, "Authorization") || strings.Contains(e.Code, "Signature")
}
