package uploader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// maxReply caps what is read of an answer, in bytes: the callback endpoint's reply has 1 MiB at most.
	maxReply = 2 << 20
	// stallTimeout ends a connection on which no byte moves either way.
	stallTimeout = time.Minute
)

// errReplyTooLong is an answer that OSS cannot have sent.
var errReplyTooLong = errors.New("the answer is longer than any of OSS's")

// answer is what came back for one request, whatever the SDK makes of it: the SDK drops the status of what is not XML, and takes any 200
// for success.
type answer struct {
	status int // 0: none came, or not whole
	header http.Header
	body   []byte
}

type answerKey struct{}

// expectAnswer returns a context whose requests leave their answer in the answer. One request at a time.
func expectAnswer(ctx context.Context) (context.Context, *answer) {
	a := &answer{}
	return context.WithValue(ctx, answerKey{}, a), a
}

// recorder fills the answers that contexts expect.
type recorder struct{ base http.RoundTripper }

// RoundTrip reads the answer to its end, so that a broken one is an error here and no half success later.
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	a, expected := req.Context().Value(answerKey{}).(*answer)
	if expected {
		*a = answer{}
	}
	resp, err := r.base.RoundTrip(req)
	if err != nil || !expected {
		return resp, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	resp.Body.Close()
	if err == nil && len(body) > maxReply {
		err = errReplyTooLong
	}
	if err != nil {
		return nil, err
	}
	*a = answer{resp.StatusCode, resp.Header, body}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// newTransport is the default one but for its patience: an answer may take the time to store the object and the 5 s that OSS waits for the
// endpoint, and a connection on which nothing moves is given up.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = callbackWait
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return stallConn{conn, stallTimeout}, nil
	}
	return t
}

// stallConn moves its deadlines on with every byte, in either direction: who only writes for minutes must still be able to read.
type stallConn struct {
	net.Conn
	patience time.Duration
}

func (c stallConn) Read(b []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(c.patience))
	return c.Conn.Read(b)
}

func (c stallConn) Write(b []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(c.patience))
	return c.Conn.Write(b)
}
