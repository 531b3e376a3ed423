package trigger

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxDiscard bounds what is read, and thrown away, of a body that is too long, in bytes.
const maxDiscard = 1 << 20

// Web is the handler for plain HTTP: custom runtimes, containers, simulators. Every path is the callback's, except GET /healthz,
// which health answers. Function Compute's own /initialize, /invoke and /pre-stop get no special treatment: anyone can call them.
// At most limit+1 bytes of a body are kept.
func Web(handle Handler, health func() Response, limit int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			write(w, health())
			return
		}
		// A client that has closed its sending side, as HTTP/1.0 allows, looks to net/http as if it had left. The deadline of the
		// callback ends what must end.
		write(w, handle(context.WithoutCancel(r.Context()), webRequest(r, limit)))
	})
}

func webRequest(r *http.Request, limit int) Request {
	received := time.Now()
	// The target as OSS signed it, not as net/url would write it.
	path, query, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // the absolute form, as proxies get it
		path, query = r.URL.EscapedPath(), r.URL.RawQuery
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if len(body) > limit {
		// Closing a connection with bytes unread resets it, and the client would never hear what was wrong.
		io.CopyN(io.Discard, r.Body, maxDiscard)
	}
	return Request{
		ID:       r.Header.Get("X-Fc-Request-Id"),
		Method:   r.Method,
		Path:     path,
		RawQuery: query,
		Header:   r.Header,
		Body:     body,
		Received: received,
		Err:      err,
	}
}

func write(w http.ResponseWriter, r Response) {
	for name, value := range r.headers() {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.Status)
	w.Write(r.Body) // a client that left needs no answer
}

// NewServer serves handler as Function Compute asks of custom runtimes: its gateway keeps connections for up to 15 minutes, and
// answers 502 to a POST that meets a connection closed earlier.
func NewServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       16 * time.Minute,
		MaxHeaderBytes:    16 << 10,

		DisableGeneralOptionsHandler: true, // "OPTIONS *" is answered like everything else
	}
}
