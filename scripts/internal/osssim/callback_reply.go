package osssim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
)

// maxReplyHead caps the status line and the header of a reply.
const maxReplyHead = 64 << 10

var errReplyHead = errors.New("not an HTTP reply")

// reply is what a callback endpoint answered, its header untouched, which net/http's reader would tidy up or refuse.
type reply struct {
	status  int
	header  http.Header
	body    []byte
	refused *Verdict // set if the head alone decides
}

// readReply reads one reply. On an error the reply holds what was read so far.
func readReply(r io.Reader, b Behaviour) (reply, error) {
	limited := &io.LimitedReader{R: r, N: maxReplyHead}
	buffered := bufio.NewReader(limited)
	var (
		got reply
		err error
	)
	for got.status < 200 { // 1xx are announcements, not replies
		if got.status, got.header, err = readHead(buffered); err != nil {
			return reply{}, err
		}
	}
	limited.N = maxReply + 1
	length, verdict := b.judgeHead(got.status, got.header)
	if !verdict.OK {
		got.refused = &verdict
		length = displayLength(got.header)
	}
	body := io.Reader(buffered)
	switch {
	case length >= 0:
		body = io.LimitReader(buffered, int64(length))
	case strings.EqualFold(got.header.Get("Transfer-Encoding"), "chunked"):
		body = httputil.NewChunkedReader(buffered)
	}
	got.body, err = io.ReadAll(io.LimitReader(body, maxReply+1))
	if err == nil && got.refused == nil && length > len(got.body) {
		err = io.ErrUnexpectedEOF
	}
	return got, err
}

// displayLength is how much to read of a body that is refused anyway: its Content-Length if that makes sense, else until the end (-1).
func displayLength(header http.Header) int {
	if n, err := strconv.Atoi(header.Get("Content-Length")); err == nil && n >= 0 && n <= maxReply {
		return n
	}
	return -1
}

func readHead(r *bufio.Reader) (int, http.Header, error) {
	text := textproto.NewReader(r)
	line, err := text.ReadLine()
	if err != nil {
		return 0, nil, err
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(proto, "HTTP/1.") || err != nil || status < 100 || status > 999 {
		return 0, nil, fmt.Errorf("%w: %.40q", errReplyHead, line)
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		return 0, nil, err
	}
	return status, http.Header(header), nil
}
