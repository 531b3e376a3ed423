package trigger

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

// EventResponse is what Function Compute turns into the HTTP answer. Without a status code it would answer 200, which OSS takes
// for success; with null headers nobody knows: both are always set.
type EventResponse struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	Body            string            `json:"body"`
}

// Event is the handler for fc.Start: HTTP-trigger events, version "v1". Its error is always nil, because Function Compute may
// show an error to the caller as HTTP 200.
func Event(handle Handler) func(context.Context, []byte) (EventResponse, error) {
	return func(ctx context.Context, payload []byte) (EventResponse, error) {
		r := parseEvent(payload)
		if fc, ok := fccontext.FromContext(ctx); ok {
			r.ID = fc.RequestID
			r.Credentials = Credentials{
				AccessKeyID:     fc.Credentials.AccessKeyId,
				AccessKeySecret: fc.Credentials.AccessKeySecret,
				SecurityToken:   fc.Credentials.SecurityToken,
			}
		}
		answer := handle(ctx, r)
		return EventResponse{StatusCode: answer.Status, Headers: answer.headers(), Body: string(answer.Body)}, nil
	}
}

// event has the fields we use of https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-trigger-invoking-function.
// There is no raw query in it. Every field may be null or missing.
type event struct {
	RawPath         *string           `json:"rawPath"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	Headers         map[string]string `json:"headers"`
	QueryParameters map[string]string `json:"queryParameters"`
	RequestContext  struct {
		RequestID string          `json:"requestId"`
		TimeEpoch json.RawMessage `json:"timeEpoch"` // milliseconds; a string, but who knows for how long
		HTTP      struct {
			Method string `json:"method"`
			Path   string `json:"path"` // decoded
		} `json:"http"`
	} `json:"requestContext"`
}

var errNoHTTPEvent = errors.New("not the event of an HTTP trigger: requestContext.http.method is missing")

// maxEvent bounds an event, in bytes: the largest callback, as base64, with Function Compute's 12 KB of headers, path and query.
// Function Compute itself takes 32 MB, which would cost several times as much to parse as an instance has.
const maxEvent = 512 << 10

func parseEvent(payload []byte) Request {
	if len(payload) > maxEvent {
		return Request{Err: fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxEvent)}
	}
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return Request{Err: fmt.Errorf("not the event of an HTTP trigger: %w", err)}
	}
	r := Request{
		ID:       e.RequestContext.RequestID,
		Method:   e.RequestContext.HTTP.Method,
		Path:     (&url.URL{Path: e.RequestContext.HTTP.Path}).EscapedPath(),
		Params:   e.QueryParameters,
		Header:   make(http.Header, len(e.Headers)),
		Body:     []byte(e.Body),
		Received: epoch(e.RequestContext.TimeEpoch),
	}
	if e.RawPath != nil {
		r.Path = *e.RawPath
	}
	for name, value := range e.Headers {
		r.Header.Set(name, value) // callers other than the gateway may send any case
	}
	if r.Method == "" {
		r.Err = errNoHTTPEvent
	}
	if e.IsBase64Encoded { // the flag alone tells: content types that are encoded are not documented
		body, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			r.Err = fmt.Errorf("body is not base64 although the event says so: %w", err)
		}
		r.Body = body
	}
	return r
}

func epoch(raw json.RawMessage) time.Time {
	ms, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
