package explain

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/encoding/unicode"

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

// maxCurl bounds a curl command, in bytes. The shell's parser calls itself for every bracket, with up to 6 KB of stack each, and Go ends a
// program whose stack is larger than 1 GB.
const maxCurl = 32 << 10

// ErrFormat says that the input is none of the formats. It comes wrapped with what was seen instead.
var ErrFormat = errors.New("this is no captured callback: explain reads a raw HTTP request (also as curl -v prints it), a curl command (copy as cURL, bash), " +
	`a HAR file or one entry of it, the JSON event of a Function Compute HTTP trigger, or {"method","path","query","headers","body" or "bodyBase64"} and ` +
	"what gateways and frameworks call these")

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w. Seen: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// Read finds out the format of input and reads it. Its error is ErrFormat, wrapped, with what was seen; never with values of the input, which
// may be secret. The caller bounds the size of input.
func Read(input []byte) (Capture, error) {
	input, err := asUTF8(input)
	if err != nil {
		return Capture{}, err
	}
	c, err := read(input, 0)
	if err != nil {
		return Capture{}, err
	}
	if c.Path == "" || (c.Path[0] != '/' && c.Path != "*") {
		return Capture{}, formatError("a path that does not begin with a slash")
	}
	return c, nil
}

// asUTF8 decodes UTF-16, which PowerShell writes with ">".
func asUTF8(input []byte) ([]byte, error) {
	if !bytes.HasPrefix(input, []byte("\xff\xfe")) && !bytes.HasPrefix(input, []byte("\xfe\xff")) {
		return input, nil
	}
	decoded, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(input)
	if err != nil || len(input)%2 != 0 {
		return nil, formatError("UTF-16 that is cut off")
	}
	return decoded, nil
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
	case isCurl(text) && len(text) > maxCurl:
		return Capture{}, formatError("a curl command of more than %d KiB: no callback is that long", maxCurl>>10)
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

// addHeader keeps HTTP/2's pseudo headers, ":path" and the like, out of the header, and takes what they say. Names as CGI, PHP and WSGI
// have them, such as HTTP_X_OSS_PUB_KEY_URL, become those of HTTP.
func (c *Capture) addHeader(name, value string) {
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	upper := strings.ToUpper(name)
	if bare, ok := strings.CutPrefix(upper, "HTTP_"); ok || upper == "CONTENT_TYPE" || upper == "CONTENT_LENGTH" {
		name = strings.ReplaceAll(bare, "_", "-")
	}
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
