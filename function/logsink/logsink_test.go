package logsink

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hung blocks until released.
type hung struct {
	release chan struct{}
	mu      sync.Mutex
	got     bytes.Buffer
}

func (h *hung) Write(p []byte) (int, error) {
	<-h.release
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got.Write(p)
}

func (h *hung) lines() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Split(strings.TrimSuffix(h.got.String(), "\n"), "\n")
}

func TestLinesAreOutWhenWriteReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hung{release: make(chan struct{})}
		close(h.release)
		s := New(h)
		defer close(s.lines)
		for i := range 100 {
			fmt.Fprintln(s, i)
			if got := h.lines(); len(got) != i+1 || got[i] != fmt.Sprint(i) {
				t.Fatalf("after line %d: %q", i, got)
			}
		}
	})
}

// TestHungCollector: nobody waits longer than patience, the backlog is kept, what is beyond it is dropped whole.
func TestHungCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hung{release: make(chan struct{})}
		s := New(h)
		defer close(s.lines)
		for i := range backlog + 100 {
			began := time.Now()
			if n, err := fmt.Fprintln(s, i); n == 0 || err != nil || time.Since(began) > patience {
				t.Fatalf("line %d: %d, %v after %v", i, n, err, time.Since(began))
			}
		}
		close(h.release)
		synctest.Wait()
		got := h.lines()
		if len(got) != backlog+1 || got[0] != "0" || got[backlog] != fmt.Sprint(backlog) { // one was being written
			t.Fatalf("%d lines, from %s to %s", len(got), got[0], got[len(got)-1])
		}
	})
}
