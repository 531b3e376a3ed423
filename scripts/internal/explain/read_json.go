package explain

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"oss-callback/function/callback"
	"oss-callback/function/trigger"
)

// readJSON tells the JSON formats apart by members that only one of them has.
func readJSON(text []byte, depth int) (Capture, error) {
	var quoted string
	if depth == 0 && json.Unmarshal(text, &quoted) == nil { // logs quote what they hold
		return read([]byte(quoted), depth+1)
	}
	var m members
	if err := json.Unmarshal(text, &m); err != nil {
		return Capture{}, formatError("JSON that is cut off, no object, or followed by something else")
	}
	switch {
	case m["log"] != nil:
		return readHAR(m["log"])
	case m["request"] != nil && depth < 2:
		return readJSON(m["request"], depth+1)
	case isEvent(m):
		return readEvent(text)
	case m["postData"] != nil, m["url"] != nil && bytes.HasPrefix(m["headers"], []byte("[")):
		return readHARRequest(text)
	}
	return readOwn(m)
}

// isEvent tells Function Compute's events from those of API gateways, which keep the query.
func isEvent(m members) bool {
	return m["httpMethod"] == nil && m["rawQueryString"] == nil && (m["requestContext"] != nil || m["rawPath"] != nil)
}

// readEvent reads the event of an HTTP trigger just as the function does.
func readEvent(text []byte) (Capture, error) {
	var r trigger.Request
	_, _ = trigger.Event(func(_ context.Context, got trigger.Request) trigger.Response { // its error is always nil
		r = got
		return trigger.Response{}
	})(context.Background(), text)
	if r.Err != nil {
		return Capture{}, formatError("an event of Function Compute that the function cannot read: %v", r.Err)
	}
	return Capture{Format: "Function Compute event", Method: r.Method, Path: r.Path, Query: callback.Query{Params: r.Params},
		Header: r.Header, Body: r.Body}, nil
}

type harRequest struct {
	Method   string         `json:"method"`
	URL      string         `json:"url"`
	Headers  []nameAndValue `json:"headers"`
	PostData *struct {
		Text     string         `json:"text"`
		Encoding string         `json:"encoding"` // not in HAR 1.2 for requests, but some tools write it
		Params   []nameAndValue `json:"params"`
	} `json:"postData"`
}

type nameAndValue struct{ Name, Value string }

// readHAR picks the entry that looks most like a callback.
func readHAR(text []byte) (Capture, error) {
	var har struct {
		Entries []struct {
			Request json.RawMessage `json:"request"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(text, &har); err != nil {
		return Capture{}, formatError("a HAR file whose log.entries cannot be read")
	}
	var best Capture
	bestScore, callbacks := -1, 0
	for _, entry := range har.Entries {
		c, err := readHARRequest(entry.Request)
		if err != nil {
			continue
		}
		score := likeness(c)
		if score >= 2 {
			callbacks++
		}
		if score > bestScore {
			best, bestScore = c, score
		}
	}
	switch {
	case bestScore < 0:
		return Capture{}, formatError("a HAR file without a request that could be read")
	case callbacks > 1:
		best.Notes = append(best.Notes, "The HAR file holds several callbacks; this is about the first. Give the entry of another one alone.")
	}
	return best, nil
}

// likeness counts what makes a request look like a callback.
func likeness(c Capture) (n int) {
	if c.Method == http.MethodPost {
		n++
	}
	for _, name := range []string{"Authorization", keyURLHeader, "X-Oss-Request-Id"} {
		if c.Header.Get(name) != "" {
			n++
		}
	}
	return n
}

func readHARRequest(text []byte) (Capture, error) {
	var r harRequest
	if err := json.Unmarshal(text, &r); err != nil || r.URL == "" {
		return Capture{}, formatError("a HAR entry whose request has no url, or headers that are no list of name and value")
	}
	c := Capture{Format: "HAR entry", Method: r.Method, Header: http.Header{}}
	c.setTarget(r.URL)
	for _, h := range r.Headers {
		c.addHeader(h.Name, h.Value)
	}
	if r.PostData == nil {
		return c, nil
	}
	c.Body = []byte(r.PostData.Text)
	if r.PostData.Encoding == "base64" {
		body, err := base64.StdEncoding.DecodeString(r.PostData.Text)
		if err != nil {
			return Capture{}, formatError("a HAR entry whose postData is no base64, although it says so")
		}
		c.Body = body
	}
	if len(c.Body) == 0 && len(r.PostData.Params) > 0 {
		var pairs []string
		for _, p := range r.PostData.Params {
			pairs = append(pairs, p.Name+"="+url.QueryEscape(p.Value))
		}
		c.Body = []byte(strings.Join(pairs, "&"))
		c.Notes = append(c.Notes, "The HAR entry holds parsed parameters instead of the body; the body was rebuilt from them.")
	}
	return c, nil
}
