// Package badserver is a callback endpoint that does everything OSS refuses, one path for each fault. It shows what an uploader
// gets to see then.
package badserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// slow is longer than the 5 s OSS waits.
const slow = 6 * time.Second

const maxBody = 1 << 20

// Fault is one way to answer a callback wrongly.
type Fault struct {
	Path  string
	About string // what it does and what OSS makes of it
	serve http.HandlerFunc
}

// Faults are all of them, in the order they are listed to the user.
func Faults() []Fault {
	const good = `{"status":"ok"}`
	return []Fault{
		{"/slow", "answers well, but after 6 s", func(w http.ResponseWriter, r *http.Request) {
			if wait(r.Context(), slow) {
				send(w, http.StatusOK, good)
			}
		}},
		{"/silent", "never answers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"/html", "answers with a web page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			send(w, http.StatusOK, "<html><body>It works!</body></html>")
		}},
		{"/bom", "puts a byte order mark before the JSON", func(w http.ResponseWriter, _ *http.Request) {
			send(w, http.StatusOK, "\ufeff"+good)
		}},
		{"/empty", "answers 200 with Content-Length: 0", func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusOK, "") }},
		{"/no-length", "leaves Content-Length out", func(w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"+good)
		}},
		{"/chunked", "answers with Transfer-Encoding: chunked", func(w http.ResponseWriter, _ *http.Request) {
			raw(w, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
				len(good), good))
		}},
		{"/bad-length", "answers with Content-Length: two", func(w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: two\r\nConnection: close\r\n\r\n"+good)
		}},
		{"/too-long", "announces and sends 2 MiB of JSON", func(w http.ResponseWriter, _ *http.Request) {
			send(w, http.StatusOK, `{"padding":"`+strings.Repeat("x", 2<<20)+`"}`)
		}},
		{"/hang-up", "closes the connection without an answer", func(w http.ResponseWriter, _ *http.Request) { raw(w, "") }},
		{"/redirect", "answers 301", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			send(w, http.StatusMovedPermanently, good)
		}},
		{"/created", "answers 201", func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusCreated, good) }},
		{"/denied", "answers 403, as a login filter does", func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusForbidden, good) }},
		{"/error", "answers 500 with a stack trace", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			send(w, http.StatusInternalServerError, "panic: runtime error\n\tmain.go:42")
		}},
		{"/status/404", "answers with that status; any other will do too", func(w http.ResponseWriter, r *http.Request) {
			if status, err := strconv.Atoi(r.PathValue("status")); err == nil && status >= 200 && status <= 599 {
				send(w, status, good)
				return
			}
			send(w, http.StatusNotFound, good)
		}},
	}
}

// Server is the running endpoint.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Start listens on a free loopback port until ctx is done or Close.
func Start(ctx context.Context) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("badserver: %w", err)
	}
	mux := http.NewServeMux()
	for _, f := range Faults() {
		pattern := f.Path
		if strings.HasPrefix(pattern, "/status/") {
			pattern = "/status/{status}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			// With the body unread, a caller who hangs up would go unnoticed, and closing the connection would tear the reply.
			_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody))
			f.serve(w, r)
		})
	}
	s := &Server{listener, &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	go func() { _ = s.http.Serve(listener) }() // returns at Close
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return s, nil
}

// Addr is the host:port of URL.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the endpoint without a path.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Close cuts all connections. Calling it again does no harm.
func (s *Server) Close() error { return s.http.Close() }

func send(w http.ResponseWriter, status int, body string) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// raw writes what net/http would not. The caller is OSS and closes the connection.
func raw(w http.ResponseWriter, response string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(response))
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
