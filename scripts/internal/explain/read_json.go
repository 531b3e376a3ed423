package explain

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
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
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return Capture{}, formatError("JSON that is cut off, no object, or followed by something else")
	}
	switch {
	case members["requestContext"] != nil || members["rawPath"] != nil:
		return readEvent(text)
	case members["log"] != nil:
		return readHAR(members["log"])
	case members["request"] != nil:
		return readHARRequest(members["request"])
	case members["url"] != nil:
		return readHARRequest(text)
	case members["path"] != nil:
		return readOwn(text)
	}
	return Capture{}, formatError(`a JSON object without "path", "url", "request", "log" or "rawPath"`)
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

// ownRequest is our own format, for those who log requests themselves. Headers are {"name":"value"}, {"name":["value"]} or
// [{"name":…,"value":…}]. Query is the raw query, or an object of decoded parameters where the raw one is lost.
type ownRequest struct {
	Method     string          `json:"method"`
	Path       string          `json:"path"` // as in the request line; it may hold the query, too
	Query      json.RawMessage `json:"query"`
	Headers    json.RawMessage `json:"headers"`
	Body       json.RawMessage `json:"body"`
	BodyBase64 []byte          `json:"bodyBase64"`
}

func readOwn(text []byte) (Capture, error) {
	var r ownRequest
	if err := json.Unmarshal(text, &r); err != nil {
		return Capture{}, formatError("a JSON request with a member of the wrong type: method and path are strings, bodyBase64 is base64")
	}
	c := Capture{Format: "JSON", Method: r.Method, Header: http.Header{}, Body: r.BodyBase64}
	c.setTarget(r.Path)
	if !absent(r.Query) {
		var raw string
		switch {
		case json.Unmarshal(r.Query, &raw) == nil:
			c.Query.Raw = strings.TrimPrefix(raw, "?")
		case json.Unmarshal(r.Query, &c.Query.Params) != nil:
			return Capture{}, formatError("a JSON request whose query is neither a string nor an object of strings")
		default:
			c.Query.Raw = ""
		}
	}
	if err := c.readHeaderJSON(r.Headers); err != nil {
		return Capture{}, err
	}
	if len(c.Body) == 0 && !absent(r.Body) {
		var body string
		if json.Unmarshal(r.Body, &body) != nil {
			body = string(r.Body)
			c.Notes = append(c.Notes, "The body of the capture is parsed JSON instead of a string; its text was taken as it stands.")
		}
		c.Body = []byte(body)
	}
	return c, nil
}

func (c *Capture) readHeaderJSON(text json.RawMessage) error {
	if absent(text) {
		return nil
	}
	var (
		plain map[string]string
		many  map[string][]string
		list  []nameAndValue
	)
	switch {
	case json.Unmarshal(text, &plain) == nil:
		for name, value := range plain {
			list = append(list, nameAndValue{name, value})
		}
	case json.Unmarshal(text, &many) == nil:
		for name, values := range many {
			for _, value := range values {
				list = append(list, nameAndValue{name, value})
			}
		}
	case json.Unmarshal(text, &list) != nil:
		return formatError("a JSON request whose headers are no object of strings")
	}
	slices.SortStableFunc(list, func(a, b nameAndValue) int { return strings.Compare(a.Name, b.Name) })
	for _, h := range list {
		c.addHeader(h.Name, h.Value)
	}
	return nil
}

func absent(text json.RawMessage) bool { return len(text) == 0 || bytes.Equal(text, []byte("null")) }
