package explain

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// The members of a request as people log it, and as gateways and frameworks name them. Of each list the first that is there counts. Headers
// are {"name":"value"}, {"name":["value"]} or [{"name":…,"value":…}]; a query is the raw one, or an object of decoded parameters where that is lost.
var (
	methodMembers = []string{"method", "httpMethod"}
	targetMembers = []string{"originalUrl", "path", "rawPath", "url"} // as in the request line; Express takes its mount off path and url
	queryMembers  = []string{"query", "rawQueryString", "multiValueQueryStringParameters", "queryStringParameters", "queryParameters"}
	headerMembers = []string{"headers", "multiValueHeaders"}
	bodyMembers   = []string{"bodyBase64", "rawBody", "body"}
	// otherMembers say nothing of what is signed.
	otherMembers = []string{"isBase64Encoded", "requestContext", "pathParameters", "stageVariables", "resource", "version", "routeKey", "baseUrl", "params",
		"hostname", "host", "ip", "ips", "protocol", "scheme", "secure", "xhr", "subdomains", "fresh", "stale", "httpVersion", "cookies", "route",
		"time", "timestamp", "remoteAddress", "remoteAddr"}
)

type members map[string]json.RawMessage

// pick returns the first of these members that is there and not null.
func (m members) pick(names []string) json.RawMessage {
	for _, name := range names {
		if text := m[name]; len(text) > 0 && !bytes.Equal(text, []byte("null")) {
			return text
		}
	}
	return nil
}

func readOwn(m members) (Capture, error) {
	var method, target string
	if text := m.pick(targetMembers); text != nil && json.Unmarshal(text, &target) != nil {
		return Capture{}, formatError("a JSON request with a member of the wrong type: the path is no string")
	} else if text == nil || m.pick(headerMembers) == nil && m.pick(bodyMembers) == nil {
		return Capture{}, formatError(`a JSON object without "path", or with neither "headers" nor "body". It has %s`, m.quoted())
	}
	if text := m.pick(methodMembers); text != nil && json.Unmarshal(text, &method) != nil {
		return Capture{}, formatError("a JSON request with a member of the wrong type: the method is no string")
	}
	c := Capture{Format: "JSON", Method: method, Header: http.Header{}}
	c.setTarget(target)
	for _, read := range []func(members) error{c.readQuery, c.readHeaderJSON, c.readBody} {
		if err := read(m); err != nil {
			return Capture{}, err
		}
	}
	unread := maps.Clone(m)
	for _, name := range slices.Concat(methodMembers, targetMembers, queryMembers, headerMembers, bodyMembers, otherMembers) {
		delete(unread, name)
	}
	if len(unread) > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("Members of the capture that were not read: %s. If one holds path, query or body, give it under that name.",
			unread.quoted()))
	}
	return c, nil
}

// quoted lists the names. What the members hold may be secret.
func (m members) quoted() string {
	const shown = 8
	var all []string
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i == shown {
			all = append(all, "…")
			break
		}
		all = append(all, fmt.Sprintf("%.40q", name))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// readQuery takes a query that is not in the path already. One that is there is the raw one, and better than parameters; an empty one beside
// it says only that the logger took the path for all of it.
func (c *Capture) readQuery(m members) error {
	text := m.pick(queryMembers)
	if text == nil {
		return nil
	}
	var raw string
	if json.Unmarshal(text, &raw) == nil {
		if raw = strings.TrimPrefix(raw, "?"); raw != "" {
			c.Query.Raw = raw
		}
		return nil
	}
	var object members
	if json.Unmarshal(text, &object) != nil {
		return formatError("a JSON request whose query is neither a string nor an object of strings")
	}
	if c.Query.Raw != "" || len(object) == 0 {
		return nil
	}
	c.Query.Params = map[string]string{}
	for name, value := range object {
		texts, ok := textsOf(value)
		if !ok {
			return formatError("a JSON request whose query is neither a string nor an object of strings")
		}
		c.Query.Params[name] = strings.Join(texts, ",")
	}
	return nil
}

func (c *Capture) readHeaderJSON(m members) error {
	text := m.pick(headerMembers)
	if text == nil {
		return nil
	}
	var list []nameAndValue
	if json.Unmarshal(text, &list) != nil {
		var object members
		if json.Unmarshal(text, &object) != nil {
			return formatError("a JSON request whose headers are no object of strings")
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			values, ok := textsOf(object[name])
			if !ok {
				return formatError("a JSON request whose headers are no object of strings")
			}
			for _, value := range values {
				list = append(list, nameAndValue{name, value})
			}
		}
	}
	for _, h := range list {
		c.addHeader(h.Name, h.Value)
	}
	return nil
}

// textsOf reads a string, a list of them, or a number, which loggers make of Content-Length.
func textsOf(text json.RawMessage) ([]string, bool) {
	var (
		one    string
		many   []string
		number json.Number
	)
	switch {
	case json.Unmarshal(text, &one) == nil: // null is the empty string
		return []string{one}, true
	case json.Unmarshal(text, &many) == nil:
		return many, true
	case json.Unmarshal(text, &number) == nil:
		return []string{number.String()}, true
	}
	return nil, false
}

func (c *Capture) readBody(m members) error {
	text := m.pick(bodyMembers)
	if text == nil {
		return nil
	}
	var (
		body    string
		isBytes = m.pick([]string{"bodyBase64"}) != nil
		encoded bool
		buffer  struct {
			Type string `json:"type"`
			Data []int  `json:"data"`
		}
	)
	if flag := m.pick([]string{"isBase64Encoded"}); flag != nil && json.Unmarshal(flag, &encoded) != nil {
		return formatError("a JSON request with a member of the wrong type: isBase64Encoded is neither true nor false")
	}
	switch {
	case json.Unmarshal(text, &body) == nil:
	case isBytes:
		return formatError("a JSON request with a member of the wrong type: bodyBase64 is no string")
	case json.Unmarshal(text, &buffer) == nil && buffer.Type == "Buffer": // Node's
		for _, b := range buffer.Data {
			c.Body = append(c.Body, byte(b))
		}
		return nil
	default:
		body = string(text)
		c.Notes = append(c.Notes, "The body of the capture is parsed JSON instead of a string; its text was taken as it stands.")
	}
	c.Body = []byte(body)
	if isBytes || encoded {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return formatError("a JSON request whose body is no base64, although it says so")
		}
		c.Body = decoded
	}
	return nil
}
