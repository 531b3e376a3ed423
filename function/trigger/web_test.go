package trigger

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
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
	io.WriteString(conn, raw)
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
