package doctor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"os"
	"strconv"
	"strings"
)

const (
	maxHead = 64 << 10
	maxBody = 1 << 20 // what OSS takes by the stricter of its documented limits
)

var (
	errLate    = errors.New("no complete answer in time")
	errNoReply = errors.New("no HTTP reply")
)

// reply is what an endpoint answered, its header as it stood on the wire.
type reply struct {
	proto  string // "HTTP/1.1"
	status int
	header http.Header
	body   []byte // without the coding of chunks; at most maxBody + 1 bytes
	open   bool   // the connection was left open after the answer
}

// readReply reads one reply. With linger it waits for the end of the connection, else for the end of the answer. It returns errLate
// if the connection's deadline comes before the end of the answer, and errNoReply if there is none; both wrapped.
func readReply(r io.Reader, linger bool) (reply, error) {
	limited := &io.LimitedReader{R: r, N: maxHead}
	buffered := bufio.NewReader(limited)
	var got reply
	for got.status < 200 { // 1xx are announcements
		var err error
		if got, err = readHead(buffered); err != nil {
			return reply{}, err
		}
	}
	limited.N = maxBody + 1
	if got.bodyless() {
		return got, nil
	}
	if got.header.Get("Transfer-Encoding") != "" {
		var err error
		got.body, err = io.ReadAll(io.LimitReader(httputil.NewChunkedReader(buffered), maxBody+1))
		if isLate(err) {
			return got, fmt.Errorf("%w: the last chunk did not come", errLate)
		}
		return got, nil
	}
	return got.readBody(buffered, linger)
}

// readBody reads until the end of the connection, or of the answer if that can be known and linger is false.
func (got reply) readBody(r io.Reader, linger bool) (reply, error) {
	length, known := got.length()
	chunk := make([]byte, 16<<10)
	for len(got.body) <= maxBody {
		whole := known && len(got.body) >= length || !known && complete(got.body)
		if whole && !linger {
			return got, nil
		}
		n, err := r.Read(chunk)
		got.body = append(got.body, chunk[:n]...)
		switch {
		case isLate(err) && (whole || complete(got.body)): // complete, perhaps but for a Content-Length that promised more
			got.open = true
			return got, nil
		case isLate(err):
			return got, fmt.Errorf("%w: the status line came, the body did not", errLate)
		case err != nil: // the end; a reset is one too
			return got, nil
		}
	}
	got.body = got.body[:maxBody+1]
	return got, nil
}

func readHead(r *bufio.Reader) (reply, error) {
	text := textproto.NewReader(r)
	line, err := text.ReadLine()
	if isLate(err) {
		return reply{}, errLate
	}
	if err != nil {
		return reply{}, fmt.Errorf("%w: the connection ended before an answer", errNoReply)
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(proto, "HTTP/1.") || err != nil || status < 100 || status > 999 {
		return reply{}, fmt.Errorf("%w: it begins with %.40q", errNoReply, line)
	}
	header, err := text.ReadMIMEHeader()
	if isLate(err) {
		return reply{}, fmt.Errorf("%w: the header did not end", errLate)
	}
	if err != nil {
		return reply{}, fmt.Errorf("%w: its header is broken or longer than %d bytes", errNoReply, maxHead)
	}
	return reply{proto: proto, status: status, header: http.Header(header)}, nil
}

func isLate(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// bodyless tells of statuses that never have a body.
func (got reply) bodyless() bool {
	return got.status == http.StatusNoContent || got.status == http.StatusNotModified
}

// length is the Content-Length if it is the only one, a number, and no longer than OSS takes.
func (got reply) length() (int, bool) {
	values := got.header.Values("Content-Length")
	if len(values) != 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(values[0], 10, 32)
	return int(n), err == nil && n <= maxBody
}

// starved tells of a body that is shorter than its length says, over a connection that was left open: OSS waits for the rest in vain.
func (got reply) starved() bool {
	n, known := got.length()
	return got.open && known && len(got.body) < n
}

// text is the body without a byte order mark.
func (got reply) text() []byte { return bytes.TrimPrefix(got.body, []byte(utf8BOM)) }

// code is what our function's answers, and many others', call their error.
func (got reply) code() string {
	var answer struct{ Error any }
	if json.Unmarshal(got.text(), &answer) != nil {
		return ""
	}
	code, _ := answer.Error.(string)
	return code
}

const utf8BOM = "\xef\xbb\xbf"

func complete(body []byte) bool { return json.Valid(bytes.TrimPrefix(body, []byte(utf8BOM))) }
