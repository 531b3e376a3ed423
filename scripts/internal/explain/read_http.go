package explain

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"regexp"
	"strconv"
	"strings"
)

var (
	requestLine = regexp.MustCompile(`^([A-Z]{3,10}) (.+?)(?: HTTP/[0-9.]+)?$`)
	nextMessage = regexp.MustCompile(`^(?:HTTP/[0-9.]+ [0-9]{3}|[A-Z]{3,10} \S+ HTTP/[0-9.]+\r?\n)`)
	headerLine  = regexp.MustCompile("^(:?[A-Za-z0-9!#$%&'*+.^_`|~-]+):(.*)$")
)

// readHTTP reads a request as it goes over the wire, with either kind of line break in its head. Bytes of the body are kept.
func readHTTP(text string) (Capture, error) {
	if prefixed(text) {
		text = withoutPrefixes(text)
	}
	c := Capture{Format: "raw HTTP", Header: http.Header{}}
	head, body := splitHead(text)
	lines := strings.Split(head, "\n")
	first := strings.TrimRight(lines[0], "\r ")
	switch m := requestLine.FindStringSubmatch(first); {
	case m != nil:
		c.Method = m[1]
		c.setTarget(m[2])
		lines = lines[1:]
	case strings.HasPrefix(first, "HTTP/"):
		return Capture{}, formatError("an answer, not a request. If OSS gave it, give it to `diagnose`")
	case !headerLine.MatchString(first):
		return Capture{}, formatError("text that begins with no request line, such as POST /callback HTTP/1.1")
	}
	if err := c.readHeaders(lines); err != nil {
		return Capture{}, err
	}
	if c.Path == "" {
		return Capture{}, formatError("headers without the request line: put it in front of them, such as POST /callback?id=1 HTTP/1.1")
	}
	c.Body = c.frame([]byte(body))
	return c, nil
}

func splitHead(text string) (head, body string) {
	for i := 0; i < len(text); {
		end := strings.IndexByte(text[i:], '\n')
		if end < 0 {
			break
		}
		if line := text[i : i+end]; line == "" || line == "\r" {
			return strings.TrimRight(text[:i], "\r\n"), text[i+end+1:]
		}
		i += end + 1
	}
	return strings.TrimRight(text, "\r\n"), ""
}

func (c *Capture) readHeaders(lines []string) error {
	name, value := "", ""
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if name != "" && line != "" && (line[0] == ' ' || line[0] == '\t') { // folded, as old mail headers
			value += " " + strings.TrimSpace(line)
			continue
		}
		m := headerLine.FindStringSubmatch(line)
		if m == nil {
			return formatError("line %d of the head is no header. An empty line must stand between head and body", i+2)
		}
		if name != "" {
			c.addHeader(name, value)
		}
		name, value = m[1], m[2]
	}
	if name != "" {
		c.addHeader(name, value)
	}
	return nil
}

// frame takes the framing of HTTP off the body: chunks, and what an editor put behind the last byte that Content-Length counts.
func (c *Capture) frame(body []byte) []byte {
	if strings.EqualFold(c.Header.Get("Transfer-Encoding"), "chunked") {
		whole, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body)))
		if err == nil {
			return whole
		}
	}
	n, ok := c.contentLength()
	if !ok || n >= len(body) {
		return body
	}
	switch behind := strings.TrimLeft(string(body[n:]), "\r\n"); {
	case behind == "":
		c.Notes = append(c.Notes, "The line break behind the body was left out: Content-Length does not count it.")
		return body[:n]
	case nextMessage.MatchString(behind): // a sniffer wrote down the connection, with what was answered
		c.Notes = append(c.Notes, behindBody)
		return body[:n]
	}
	return body
}

// behindBody is the note on what was cut off.
const behindBody = "What stands behind the body was left out: Content-Length does not count it."

func (c *Capture) contentLength() (int, bool) {
	n, err := strconv.Atoi(c.Header.Get("Content-Length"))
	return n, err == nil && n >= 0
}

// prefixed tells whether curl -v or --verbose wrote the text.
func prefixed(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "> "):
			return true
		case line != "" && !strings.HasPrefix(line, "* ") && !strings.HasPrefix(line, "< ") && line[0] != '\r':
			return false
		}
	}
	return false
}

// withoutPrefixes keeps what curl sent: lines with ">", and the body between them and the answer.
func withoutPrefixes(text string) string {
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		bare := strings.TrimRight(line, "\r")
		switch {
		case strings.HasPrefix(bare, "* ") || strings.HasPrefix(bare, "{ [") || strings.HasPrefix(bare, "} ["):
		case bare == ">":
			kept = append(kept, "")
		case bare == "<" || strings.HasPrefix(bare, "< "):
			return strings.Join(kept, "\n")
		default:
			kept = append(kept, strings.TrimPrefix(line, "> "))
		}
	}
	return strings.TrimSuffix(strings.Join(kept, "\n"), "\n")
}
