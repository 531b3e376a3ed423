// Package trigger turns the ways in which a callback reaches the function into one Request and one Response. It is the only
// place that knows the shapes of Function Compute: the HTTP-trigger event of built-in runtimes (Event), and plain HTTP, as
// custom runtimes and containers get it (Web).
package trigger

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Request is one HTTP request as the client sent it.
type Request struct {
	ID       string // Function Compute's request id; empty outside it
	Method   string
	Path     string // percent-encoded, as on the wire
	RawQuery string // as on the wire, without "?"; empty when it is lost: see Params
	Params   map[string]string
	Header   http.Header // canonical names
	Body     []byte      // at most one byte more than the limit given to Web: too long then

	// Received is when Function Compute's gateway got the request, so that a cold start is paid from the deadline; it is the
	// time of arrival elsewhere, and zero if the event does not tell.
	Received time.Time

	// Credentials of the function's role, handed over with each event; empty on the web door, where the environment has them.
	Credentials Credentials

	// Err tells why the request could not be read in full: ErrTooLarge, or anything else. The other fields hold what could be.
	Err error
}

// ErrTooLarge is the Err of an event so large that it was not even parsed.
var ErrTooLarge = errors.New("trigger: event too large")

// Credentials are temporary keys of the function's role. They are never logged.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Response is the answer: JSON, sent with its exact Content-Length.
type Response struct {
	Status int
	Body   []byte
}

// Handler answers one request. It must not panic, and must answer before the context ends.
type Handler func(context.Context, Request) Response

// headers are those of every answer. Function Compute replaces Content-Length of events by its own, equal one.
func (r Response) headers() map[string]string {
	return map[string]string{
		"Content-Type":   "application/json",
		"Content-Length": strconv.Itoa(len(r.Body)),
	}
}
