package fcsim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var probe string // path of the compiled testdata/probe

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fcsim-test-")
	if err != nil {
		panic(err)
	}
	probe = filepath.Join(dir, "probe")
	if out, err := exec.Command("go", "build", "-o", probe, "./testdata/probe").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the probe: %v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func serve(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Binary == "" {
		cfg.Binary = probe
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

type reply struct {
	*http.Response
	body string
}

func post(t *testing.T, ctx context.Context, url, body string) reply {
	t.Helper()
	return send(t, ctx, http.MethodPost, url, body, nil)
}

func send(t *testing.T, ctx context.Context, method, url, body string, header http.Header) reply {
	t.Helper()
	r, err := try(ctx, method, url, body, header)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func try(ctx context.Context, method, url, body string, header http.Header) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp, string(b)}, err
}

// watcher is a log in which tests wait for a line.
type watcher struct {
	mu    sync.Mutex
	text  strings.Builder
	wrote chan struct{} // capacity 1
}

func newWatcher() *watcher { return &watcher{wrote: make(chan struct{}, 1)} }

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return w.text.Write(b)
}

func (w *watcher) count(s string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), s)
}

// waitFor returns when s stands in the log more than n times.
func (w *watcher) waitFor(t *testing.T, s string, n int) {
	t.Helper()
	for w.count(s) <= n {
		select {
		case <-w.wrote:
		case <-t.Context().Done():
			t.Fatalf("%q did not appear", s)
		}
	}
}
