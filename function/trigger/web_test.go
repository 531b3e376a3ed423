package trigger

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// serve runs the real server on loopback and returns its address.
func serve(t *testing.T, handle Handler) string {
	t.Helper()
	health := func() Response { return Response{Status: 200, Body: []byte(`{"status":"ok"}`)} }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer("", Web(handle, health, 16))
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// send writes raw bytes, as OSS and others do, and reads one answer.
func send(t *testing.T, addr, raw string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Error(err)
	}
	if strings.Contains(raw, "HTTP/1.0") {
		conn.(*net.TCPConn).CloseWrite()
	}
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestWebKeepsTheTargetAsItWas(t *testing.T) {
	got := make(chan Request, 1)
	addr := serve(t, func(_ context.Context, r Request) Response {
		got <- r
		return Response{Status: 200, Body: []byte(`{}`)}
	})
	for target, want := range map[string][2]string{
		"/cb":                      {"/cb", ""},
		"/a%2Fb%2541+c?b=2&a=%7e":  {"/a%2Fb%2541+c", "b=2&a=%7e"},
		"/cb?":                     {"/cb", ""},
		"//cb/../x?x=/../":         {"//cb/../x", "x=/../"},
		"/cb?a?b":                  {"/cb", "a?b"},
		"http://host.example/a?b":  {"/a", "b"},
		"/initialize":              {"/initialize", ""},
		"/invoke":                  {"/invoke", ""},
		"/healthz/":                {"/healthz/", ""},
		"/healthz":                 {"/healthz", ""}, // POST: only GET is a probe
		"/%E5%9B%BE?n=%E5%9B%BE+x": {"/%E5%9B%BE", "n=%E5%9B%BE+x"},
	} {
		resp, body := send(t, addr, "POST "+target+" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nx-oss-tag: CALLBACK\r\n"+
			"x-fc-request-id: 1-a\r\nConnection: close\r\n\r\nab")
		r := <-got
		if r.Path != want[0] || r.RawQuery != want[1] || string(r.Body) != "ab" || r.Err != nil || r.Received.IsZero() ||
			r.Header.Get("X-Oss-Tag") != "CALLBACK" || r.ID != "1-a" || r.Params != nil || r.Credentials != (Credentials{}) {
			t.Errorf("%s: %+v", target, r)
		}
		if resp.StatusCode != 200 || resp.ContentLength != 2 || body != "{}" || resp.TransferEncoding != nil {
			t.Errorf("%s: answer %+v %s", target, resp, body)
		}
	}
}

func TestWebBodies(t *testing.T) {
	addr := serve(t, func(ctx context.Context, r Request) Response {
		if ctx.Done() != nil {
			t.Error("the answer depends on the client's patience")
		}
		return Response{Status: 400, Body: fmt.Appendf(nil, `{"n":%d,"err":%t}`, len(r.Body), r.Err != nil)}
	})
	for name, tc := range map[string]struct{ raw, want string }{
		"HTTP/1.0":        {"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", `{"n":3,"err":false}`},
		"at the limit":    {"POST / HTTP/1.0\r\nContent-Length: 16\r\n\r\n" + strings.Repeat("a", 16), `{"n":16,"err":false}`},
		"over the limit":  {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n" + strings.Repeat("a", 4000), `{"n":17,"err":false}`},
		"chunked":         {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", `{"n":2,"err":false}`},
		"chunks broken":   {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", `{"n":0,"err":true}`},
		"no body":         {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", `{"n":0,"err":false}`},
		"options":         {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", `{"n":0,"err":false}`},
		"a healthy probe": {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", `{"status":"ok"}`},
	} {
		resp, body := send(t, addr, tc.raw)
		if body != tc.want || resp.ContentLength != int64(len(tc.want)) || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", name, resp.ContentLength, body)
		}
	}
	if resp, _ := send(t, addr, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); resp.StatusCode != 200 || resp.ContentLength != 15 {
		t.Errorf("HEAD: %+v", resp)
	}
}

// pipe is a listener for one connection without any buffers: what the server does not read, the client cannot write.
type pipe struct {
	conn   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conn:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipe) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

// TestTooLongBodyIsReadToItsEnd: a connection closed on a client that still writes is reset, and the answer lost with it.
func TestTooLongBodyIsReadToItsEnd(t *testing.T) {
	listener := &pipe{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	server := NewServer("", Web(func(_ context.Context, r Request) Response {
		return Response{Status: 413, Body: fmt.Appendf(nil, `{"n":%d}`, len(r.Body))}
	}, nil, 16))
	defer server.Close()
	go server.Serve(listener)
	client, conn := net.Pipe()
	defer client.Close()
	client.SetDeadline(time.Now().Add(30 * time.Second)) // only reached by a server that does not read
	listener.conn <- conn
	const length = 900_000
	if _, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 900000\r\n\r\n"+strings.Repeat("a", length)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 413 || string(body) != `{"n":17}` {
		t.Errorf("%d %s, %v", resp.StatusCode, body, err)
	}
}
