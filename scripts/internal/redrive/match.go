package redrive

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"oss-callback/queue"
)

// reasons are the ones that dead letters have.
var reasons = []queue.Reason{
	queue.ReasonPermanent, queue.ReasonAttemptsExhausted, queue.ReasonMalformedJob, queue.ReasonUnknownVersion,
}

// Match selects dead letters; the zero value selects all. A letter that cannot be read, or whose message is no job, has neither bucket
// nor object.
type Match struct {
	Reason       queue.Reason
	Bucket       string
	ObjectPrefix string
	OlderThan    time.Duration // since it died
}

func (m Match) check() error {
	if m.Reason != "" && !slices.Contains(reasons, m.Reason) {
		return fmt.Errorf("%w: reason %q is none of %q", ErrConfig, m.Reason, reasons)
	}
	return nil
}

func (m Match) ok(l Letter, now time.Time) bool {
	return (m.Reason == "" || l.Reason == m.Reason) &&
		(m.Bucket == "" || l.Job.Bucket == m.Bucket) &&
		strings.HasPrefix(l.Job.Object, m.ObjectPrefix) &&
		(m.OlderThan == 0 || now.Sub(l.At) > m.OlderThan)
}
