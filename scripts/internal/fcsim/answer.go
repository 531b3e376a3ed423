package fcsim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxResponseHeaderBytes = 8 << 10
	maxResultBytes         = 32 << 20
	contentTypeJSON        = "application/json"
)

// answer is what the trigger's caller gets.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// write adds what FC adds itself. Content-Length is always FC's own: event functions cannot stream.
func (a answer) write(w http.ResponseWriter, requestID string) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	h.Set("X-Fc-Request-Id", requestID)
	h.Set("Content-Disposition", "attachment") // forced on the default domain
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // fails if the caller has gone or the status allows no body
}

// mapResult turns a handler's result into the answer. A result without a statusCode is passed on whole as a success: a function
// that returns null or {} by mistake looks fine to OSS.
func mapResult(result []byte) answer {
	r, ok := parseResult(result)
	if !ok {
		return answer{http.StatusOK, http.Header{"Content-Type": {contentTypeJSON}}, result}
	}
	body := []byte(r.body)
	if r.isBase64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.body); err != nil {
			return badResponse("body is not base64")
		}
	}
	if r.status < 200 || r.status > 599 {
		return badResponse("statusCode " + strconv.Itoa(r.status) + " is out of range")
	}
	header := http.Header{"Content-Type": {contentTypeJSON}} // the default is an assumption; ours is always given
	for name, value := range r.headers {
		if !isForbidden(name) {
			header.Set(name, value)
		}
	}
	if headerBytes(header) > maxResponseHeaderBytes {
		return badResponse("response headers are larger than 8 KiB")
	}
	return answer{r.status, header, body}
}

type result struct {
	status   int
	headers  map[string]string
	isBase64 bool
	body     string
}

// parseResult reads the names exactly as documented; encoding/json alone would take STATUSCODE for statusCode. Whatever has the
// wrong type makes the whole result foreign to FC, which is the worse case.
func parseResult(b []byte) (r result, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil || fields["statusCode"] == nil {
		return result{}, false
	}
	for name, into := range map[string]any{"statusCode": &r.status, "headers": &r.headers, "isBase64Encoded": &r.isBase64, "body": &r.body} {
		if raw := fields[name]; raw != nil && json.Unmarshal(raw, into) != nil {
			return result{}, false
		}
	}
	return r, true
}

// isForbidden tells the response headers a function cannot set.
func isForbidden(name string) bool {
	switch name = strings.ToLower(name); name {
	case "connection", "content-disposition", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade":
		return true
	default:
		return strings.HasPrefix(name, "x-fc-")
	}
}
