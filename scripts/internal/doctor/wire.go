package doctor

import (
	"bufio"
	"bytes"
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

// wire reads from one connection.
type wire struct {
	limited  *io.LimitedReader
	buffered *bufio.Reader
}

func newWire(r io.Reader) *wire {
	limited := &io.LimitedReader{R: r, N: maxHead}
	return &wire{limited, bufio.NewReader(limited)}
}

// reply reads one reply until its end, as far as that can be known. It returns errLate if the connection's deadline comes before the end
// of a reply that says where it ends, and errNoReply if there is none; both wrapped.
func (w *wire) reply() (reply, error) {
	var got reply
	for got.status < 200 { // 1xx are announcements
		var err error
		if got, err = readHead(w.buffered); err != nil {
			return reply{}, err
		}
	}
	w.limited.N = maxBody + 1
	switch {
	case got.bodyless():
		return got, nil
	case got.chunked():
		var err error
		got.body, err = io.ReadAll(io.LimitReader(httputil.NewChunkedReader(w.buffered), maxBody+1))
		got.open = isLate(err)
		return got, nil
	}
	return got.readBody(w.buffered)
}

// readBody reads until Content-Length bytes came or, without a usable one, until the end of the connection or of a JSON value.
func (got reply) readBody(r *bufio.Reader) (reply, error) {
	length, known := got.length()
	chunk := make([]byte, 16<<10)
	for len(got.body) <= maxBody {
		if known && len(got.body) == length || !known && complete(got.body) {
			got.extra, _ = r.Peek(r.Buffered())
			got.extra = bytes.Clone(got.extra)
			_, _ = r.Discard(len(got.extra)) // they are there
			return got.settled(known), nil
		}
		most := len(chunk)
		if known {
			most = min(most, length-len(got.body))
		}
		n, err := r.Read(chunk[:most])
		got.body = append(got.body, chunk[:n]...)
		switch {
		case isLate(err) && (!known || complete(got.body)): // the head is wrong: it does not say where it ends, or promises more
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

// watch waits for the end of the connection after a reply.
func (w *wire) watch(got *reply) {
	if got.open || got.bodyless() || got.chunked() {
		return
	}
	_, known := got.length()
	rest, err := io.ReadAll(w.buffered)
	got.extra = append(got.extra, rest...)
	got.open = isLate(err)
	*got = got.settled(known)
}

// settled says what the bytes after the reply are: without a length they belong to it, and another reply (408, for idling) to nothing.
func (got reply) settled(known bool) reply {
	switch {
	case !known:
		got.body, got.extra = append(got.body, got.extra...), nil
		got.body = got.body[:min(len(got.body), maxBody+1)]
	case bytes.HasPrefix(got.extra, []byte("HTTP/1.")):
		got.extra, got.open = nil, true
	}
	return got
}

func readHead(r *bufio.Reader) (reply, error) {
	text := textproto.NewReader(r)
	line, err := text.ReadLine()
	if isLate(err) {
		return reply{}, errLate
	}
	if alert, ok := remoteAlert(err); ok { // TLS 1.3 refuses our certificate, or that we have none, only now
		return reply{}, fmt.Errorf("%w: %w", errNoReply, alert)
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
