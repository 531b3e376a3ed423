package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const maxCapture = 1 << 20

// capture is a genuine callback as it once arrived.
type capture struct {
	requestURI    string
	lines         []string // of the header, but for those that we write ourselves
	authorization string
	body          []byte
}

// parseCapture reads a request: its line, header lines, an empty line, the body. Lines may end in LF or CRLF.
func parseCapture(raw []byte) (*capture, error) {
	if len(raw) > maxCapture {
		return nil, fmt.Errorf("the capture is larger than %d bytes", maxCapture)
	}
	head, body, ok := cutHead(raw)
	if !ok {
		return nil, errors.New("the capture has no empty line between header and body")
	}
	lines := strings.Split(strings.ReplaceAll(head, "\r\n", "\n"), "\n")
	method, rest, _ := strings.Cut(lines[0], " ")
	requestURI, proto, _ := strings.Cut(rest, " ")
	if method != "POST" || !strings.HasPrefix(requestURI, "/") || !strings.HasPrefix(proto, "HTTP/1.") {
		return nil, errors.New("the capture does not begin with a line like \"POST /path HTTP/1.1\"")
	}
	c := &capture{requestURI: requestURI, body: body}
	seen := map[string]string{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' }) {
			return nil, fmt.Errorf("line %d of the capture is no header", len(seen)+2)
		}
		name = strings.ToLower(name)
		seen[name] = strings.TrimSpace(value)
		if !slices.Contains([]string{"host", "connection", "content-length", "transfer-encoding"}, name) {
			c.lines = append(c.lines, line)
		}
	}
	for _, name := range []string{"authorization", "x-oss-pub-key-url"} {
		if seen[name] == "" {
			return nil, fmt.Errorf("the capture has no %s header, without which no callback can be verified", name)
		}
	}
	c.authorization = seen["authorization"]
	return c, c.cutBody(seen["content-length"])
}

// cutBody takes away what an editor added to the body's end.
func (c *capture) cutBody(length string) error {
	if length == "" {
		return nil
	}
	n, err := strconv.Atoi(length)
	switch {
	case err != nil || n < 0:
		return errors.New("the capture's Content-Length is no number")
	case n > len(c.body):
		return fmt.Errorf("the capture's body has %d bytes, but its Content-Length says %d: it is not complete", len(c.body), n)
	case len(bytes.TrimSpace(c.body[n:])) > 0:
		return fmt.Errorf("the capture's body has %d bytes, but its Content-Length says %d: it was changed, or there is more than one request",
			len(c.body), n)
	}
	c.body = c.body[:n]
	return nil
}

func cutHead(raw []byte) (head string, body []byte, ok bool) {
	crlf, lf := bytes.Index(raw, []byte("\r\n\r\n")), bytes.Index(raw, []byte("\n\n"))
	switch {
	case crlf >= 0 && (lf < 0 || crlf < lf):
		return string(raw[:crlf]), raw[crlf+4:], true
	case lf >= 0:
		return string(raw[:lf]), raw[lf+2:], true
	default:
		return "", nil, false
	}
}

// fits tells whether the capture can be verified at t: OSS signs the path and the query.
func (c *capture) fits(t target) error {
	path, query, _ := strings.Cut(c.requestURI, "?")
	captured, err := url.PathUnescape(path)
	if err != nil {
		return errors.New("the capture's path is badly encoded")
	}
	if ours, err := url.PathUnescape(t.path); err != nil || ours != captured || query != t.query {
		return fmt.Errorf("the capture was sent to %s, but the URL says %s: OSS signs path and query, so it could not be verified there",
			shortenPath(c.requestURI), shortenPath(t.requestURI()))
	}
	return nil
}

// render is the request as it goes over the wire.
func (c *capture) render(host string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n", c.requestURI, host, len(c.body))
	for _, line := range c.lines {
		out.WriteString(line + "\r\n")
	}
	out.WriteString("\r\n")
	out.Write(c.body)
	return out.Bytes()
}

// altered is the capture with one character of its body changed.
func (c *capture) altered() *capture {
	other := *c
	other.body = altered(c.body)
	return &other
}
