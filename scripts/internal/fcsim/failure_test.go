//go:build linux

package fcsim

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestFailuresOfTheFunction(t *testing.T) {
	s := serve(t, Config{MaxInstances: 1})
	for _, c := range []struct{ path, says string }{
		{"/error", "handler failed"},
		{"/panic", "handler panicked"},
		{"/exit", "Process exited unexpectedly before completing request"},
	} {
		r := post(t, t.Context(), s.URL()+c.path, "")
		if r.StatusCode != 200 || r.Header.Get("X-Fc-Error-Type") != errorTypeUnhandled || !strings.Contains(r.body, c.says) {
			t.Errorf("%s: %d %v %s", c.path, r.StatusCode, r.Header, r.body)
		}
		if r := post(t, t.Context(), s.URL()+"/who", ""); r.StatusCode != 200 || r.Header.Get("X-Fc-Error-Type") != "" {
			t.Errorf("after %s: %d %s", c.path, r.StatusCode, r.body)
		}
	}
}

func TestTimeouts(t *testing.T) {
	for _, c := range []struct{ start, path, errorType, says string }{
		{"", "/hang", errorTypeUnhandled, "Function timed out after"},
		{"silent", "/who", errorTypeStart, "Function timed out after"},
		{"exit", "/who", errorTypeStart, "Process exited unexpectedly"},
	} {
		t.Run(c.start+c.path, func(t *testing.T) {
			t.Parallel()
			s := serve(t, Config{Timeout: time.Second, Env: map[string]string{"PROBE_START": c.start}})
			r := post(t, t.Context(), s.URL()+c.path, "")
			if r.StatusCode != 200 || r.Header.Get("X-Fc-Error-Type") != c.errorType || !strings.Contains(r.body, c.says) {
				t.Errorf("%d %v %s", r.StatusCode, r.Header, r.body)
			}
			if n := len(s.pool.all); n != 0 {
				t.Errorf("%d instances are kept", n)
			}
		})
	}
}

// instanceOf asks which process answers and how many invocations it has had.
func instanceOf(t *testing.T, s *Server) (pid, count int) {
	t.Helper()
	r := post(t, t.Context(), s.URL()+"/who", "")
	if _, err := fmt.Sscan(r.body, &pid, &count); err != nil {
		t.Fatalf("%v: %q", err, r.body)
	}
	return pid, count
}

func TestReuse(t *testing.T) {
	s := serve(t, Config{})
	first, _ := instanceOf(t, s)
	if pid, count := instanceOf(t, s); pid != first || count != 2 {
		t.Errorf("second request: process %d, invocation %d; first was %d", pid, count, first)
	}
	var idle *instance
	for in := range s.pool.all {
		idle = in
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-idle.proc.Done()
	if pid, count := instanceOf(t, s); pid == first || count != 1 {
		t.Errorf("an instance that died when idle was used: process %d, invocation %d", pid, count)
	}
}

func TestFreeze(t *testing.T) {
	log := newWatcher()
	s := serve(t, Config{Freeze: true, MaxInstances: 1, Stdout: log})
	if r := post(t, t.Context(), s.URL()+"/tick", ""); r.body != "ticking" {
		t.Fatal(r.body)
	}
	var in *instance
	for i := range s.pool.all {
		in = i
	}
	awaitStopped(t, in.proc.PID())
	ticks := log.count("tick\n")
	if _, count := instanceOf(t, s); count != 2 {
		t.Errorf("thawed instance is at invocation %d, want 2", count)
	}
	if err := in.proc.Thaw(); err != nil { // the background goes on
		t.Fatal(err)
	}
	log.waitFor(t, "tick\n", ticks)
}

func TestBurst(t *testing.T) {
	log := newWatcher()
	s := serve(t, Config{MaxInstances: 2, Stdout: log})
	ctx, cancel := context.WithCancel(t.Context())
	var hanging sync.WaitGroup
	for range 2 {
		hanging.Go(func() {
			if _, err := try(ctx, "POST", s.URL()+"/hang", "", nil); !errors.Is(err, context.Canceled) {
				t.Errorf("hanging request: %v", err)
			}
		})
	}
	log.waitFor(t, "probe hangs\n", 1) // both instances are busy

	pids := make(chan int, maxQueued)
	var queued sync.WaitGroup
	for range maxQueued {
		queued.Go(func() {
			r, err := try(t.Context(), "POST", s.URL()+"/who", "", nil)
			pid, _ := strconv.Atoi(strings.Fields(r.body + " ?")[0])
			if err != nil || pid == 0 {
				t.Errorf("queued request: %v %q", err, r.body)
			}
			pids <- pid
		})
	}
	for tick := time.Tick(time.Millisecond); len(s.pool.queue) < maxQueued; {
		<-tick
	}
	if r := post(t, t.Context(), s.URL()+"/who", ""); r.StatusCode != 429 {
		t.Errorf("beyond the queue: %d %s", r.StatusCode, r.body)
	}
	cancel() // callers hang up: their instances are killed, others take their place
	hanging.Wait()
	queued.Wait()
	close(pids)
	used := map[int]bool{}
	for pid := range pids {
		used[pid] = true
	}
	if len(used) == 0 || len(used) > 2 {
		t.Errorf("%d instances served the queue, want 1 or 2", len(used))
	}
}

func TestCloseLeavesNoProcess(t *testing.T) {
	log := newWatcher()
	s := serve(t, Config{Stdout: log, Freeze: true})
	idle, _ := instanceOf(t, s)
	var request sync.WaitGroup
	request.Go(func() { _, _ = try(t.Context(), "POST", s.URL()+"/hang", "", nil) })
	log.waitFor(t, "probe hangs\n", 0)
	var all []int
	for in := range s.pool.all {
		all = append(all, in.proc.PID())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	request.Wait()
	for _, pid := range append(all, idle) {
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("process %d is left behind: %v", pid, err)
		}
	}
}
