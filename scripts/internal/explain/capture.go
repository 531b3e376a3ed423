package explain

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"oss-callback/function/callback"
)

// Capture is one request as somebody recorded it. Bytes that mean something to the signature are as they were recorded.
type Capture struct {
	Format string         // what it was read from
	Method string         // empty if the capture did not tell
	Path   string         // still percent-encoded
	Query  callback.Query // Params only from formats that lose the raw query
	Header http.Header    // canonical names, without HTTP/2's pseudo headers
	Body   []byte
	Notes  []string // what had to be assumed while reading
}

// ErrFormat says that the input is none of the formats. It comes wrapped with what was seen instead.
var ErrFormat = errors.New("this is no captured callback: explain reads a raw HTTP request (also as curl -v prints it), a curl command (copy as cURL, bash), " +
	`a HAR file or one entry of it, the JSON event of a Function Compute HTTP trigger, or {"method","path","query","headers","body" or "bodyBase64"}`)

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w. Seen: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// Read finds out the format of input and reads it. Its error is ErrFormat, wrapped, with what was seen; never with values of the input, which
// may be secret. The caller bounds the size of input.
func Read(input []byte) (Capture, error) {
	c, err := read(input, 0)
	if err != nil {
		return Capture{}, err
	}
	if c.Path == "" || (c.Path[0] != '/' && c.Path != "*") {
		return Capture{}, formatError("a path that does not begin with a slash")
	}
	return c, nil
}

func read(input []byte, depth int) (Capture, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(input, []byte(bom)), " \t\r\n")
	switch {
	case len(text) == 0:
		return Capture{}, formatError("nothing at all")
	case text[0] == '{' || text[0] == '[' || text[0] == '"':
		return readJSON(text, depth)
	case text[0] == '<' && !bytes.HasPrefix(text, []byte("< ")):
		return Capture{}, formatError("XML or HTML. If it is an answer of OSS's, give it to `diagnose`")
	case isCurl(text):
		return readCurl(string(text))
	}
	return readHTTP(string(text))
}

// setTarget takes a request target, or a whole URL, apart, byte for byte.
func (c *Capture) setTarget(target string) {
	if _, rest, ok := strings.Cut(target, "://"); ok && !strings.HasPrefix(target, "/") {
		slash := strings.IndexAny(rest, "/?#")
		if slash < 0 {
			slash = len(rest)
		}
		target = rest[slash:]
	}
	target, _, _ = strings.Cut(target, "#")
	c.Path, c.Query.Raw, _ = strings.Cut(target, "?")
	if c.Path == "" {
		c.Path = "/"
	}
}

// addHeader keeps HTTP/2's pseudo headers, ":path" and the like, out of the header, and takes what they say.
func (c *Capture) addHeader(name, value string) {
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch strings.ToLower(name) {
	case ":path":
		if c.Path == "" {
			c.setTarget(value)
		}
	case ":method":
		if c.Method == "" {
			c.Method = value
		}
	default:
		if name != "" && name[0] != ':' {
			c.Header.Add(name, value)
		}
	}
}
