package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// DeadLetterVersion is the newest version of the dead letter's wire format.
const DeadLetterVersion = 1

const (
	maxErrorText = 1 << 10
	// maxDeadBody keeps a dead letter, base64 included, below the 1 MiB that nsqd takes by default. Jobs are far smaller.
	maxDeadBody = 512 << 10
)

// DeadTopic is where the dead letters of a topic go.
func DeadTopic(topic string) string { return topic + ".dead" }

// Reason says why a message became a dead letter. The values are stable: they travel, and are metric labels.
type Reason string

// Reasons of dead letters.
const (
	ReasonPermanent         Reason = "permanent"
	ReasonAttemptsExhausted Reason = "attempts_exhausted"
	ReasonMalformedJob      Reason = "malformed_job"
	ReasonUnknownVersion    Reason = "unknown_version"
)

// ErrMalformedDeadLetter is returned, wrapped, by DecodeDeadLetter.
var ErrMalformedDeadLetter = errors.New("queue: malformed dead letter")

// DeadLetter is a message that will not be tried again, with all that is needed to understand it and to send it once more.
type DeadLetter struct {
	V        int       `json:"v"`
	Reason   Reason    `json:"reason"`
	Attempts int       `json:"attempts"` // deliveries used, the last one included
	Error    string    `json:"error"`    // the last one, cut at 1 KiB
	Topic    string    `json:"topic"`    // where it came from
	At       time.Time `json:"at"`       // UTC

	// Job is the original body if that is JSON, otherwise Raw holds it. Of bodies above 512 KiB, which no publisher of this project
	// sends, Raw holds the beginning.
	Job json.RawMessage `json:"job,omitempty"`
	Raw []byte          `json:"raw,omitempty"`
}

// NewDeadLetter makes the dead letter of a message body.
func NewDeadLetter(topic string, body []byte, reason Reason, attempts int, err error, at time.Time) DeadLetter {
	l := DeadLetter{V: DeadLetterVersion, Reason: reason, Attempts: attempts, Topic: topic, At: at.UTC()}
	if err != nil {
		text := err.Error()
		l.Error = strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "")
	}
	if len(body) <= maxDeadBody && json.Valid(body) {
		l.Job = body
	} else {
		l.Raw = body[:min(len(body), maxDeadBody)]
	}
	return l
}

// Encode is the dead letter as it travels.
func (l DeadLetter) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the job's own text stays as it is
	if err := e.Encode(l); err != nil {
		return nil, fmt.Errorf("queue: encode dead letter: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Message is what to publish to Topic to try once more: the original body, its count of attempts set back to none. It returns
// ErrMalformedDeadLetter for an empty one, which nsqd does not take.
func (l DeadLetter) Message() ([]byte, error) {
	if fresh, err := reschedule(l.Job, 0, time.Time{}, ""); err == nil {
		return fresh, nil
	}
	if body := append(l.Raw, l.Job...); len(body) > 0 { // one of them is empty
		return body, nil
	}
	return nil, fmt.Errorf("%w: it holds no message", ErrMalformedDeadLetter)
}

// DecodeDeadLetter reads what Encode wrote. It returns ErrMalformedDeadLetter, or ErrUnknownVersion for a newer one, wrapped.
func DecodeDeadLetter(b []byte) (DeadLetter, error) {
	var l DeadLetter
	if err := json.Unmarshal(b, &l); err != nil {
		return DeadLetter{}, fmt.Errorf("%w: %v", ErrMalformedDeadLetter, err)
	}
	switch {
	case l.V > DeadLetterVersion:
		return DeadLetter{}, fmt.Errorf("%w: dead letter %d is newer than %d", ErrUnknownVersion, l.V, DeadLetterVersion)
	case l.V < 1 || l.Reason == "" || l.Topic == "":
		return DeadLetter{}, fmt.Errorf("%w: v, reason and topic are required", ErrMalformedDeadLetter)
	}
	return l, nil
}
