package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"oss-callback/queue"
)

// TestHostileImages feeds the real binary 200 hostile images, with more jobs at once than would fit into memory if each had its
// own way. Its peak stays below maxMemory, every job ends at its first attempt, and a good image is done afterwards.
func TestHostileImages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	binary := filepath.Join(t.TempDir(), "worker")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := newSystem(t)
	cheap, all := lies(t), loads(t)
	for len(all) < 200 {
		all = append(all, cheap[len(all)%len(cheap)])
	}
	expected := map[string]bomb{}
	var jobs []queue.Job
	for i, b := range all {
		key := fmt.Sprintf("%03d %s", i, b.name)
		expected[key] = b
		s.oss.Put(testBucket, key, b.file)
		jobs = append(jobs, jobFor(key, b.file))
	}
	cmd, read := s.spawn(binary, map[string]string{"WORKER_CONCURRENCY": "16"})
	s.want("worker started")
	s.publish(jobs...)
	for len(expected) > 0 {
		l := s.want("job")
		b, ok := expected[l.Object]
		switch {
		case l.Outcome == "postponed" || l.Outcome == "parked": // waits for memory
			continue
		case !ok, l.Attempts != 1, b.done && l.Outcome != "done", !b.done && (l.Outcome != "dead" || l.Reason != string(queue.ReasonPermanent)):
			t.Errorf("logged %+v, want done %v", l, b.done)
		}
		delete(expected, l.Object)
	}
	photo := jpegOf(t, plain(400, 300, red))
	s.oss.Put(testBucket, "good.jpg", photo)
	s.publish(jobFor("good.jpg", photo))
	if l := s.want("job"); l.Outcome != "done" || l.Object != "good.jpg" {
		t.Errorf("logged %+v", l)
	}
	if peak := peakMemory(t, cmd.Process.Pid); peak > maxMemory {
		t.Errorf("the worker took %d MiB, more than %d", peak>>20, maxMemory>>20)
	} else {
		t.Logf("the worker took %d MiB at most", peak>>20)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-read
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// peakMemory is the most that a process ever had in memory, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(m[1])), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// Whoever waits for memory in vain comes again without having used an attempt.
func TestMemoryIsWaitedFor(t *testing.T) {
	m := newMemory()
	for name, take := range map[string]func(context.Context) (func(), error){
		"files":  func(ctx context.Context) (func(), error) { return m.file(ctx, maxFiles) },
		"pixels": func(ctx context.Context) (func(), error) { return m.decode(ctx, maxPixels) },
	} {
		release, err := take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err = take(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || queue.IsPermanent(err) || !strings.Contains(err.Error(), queue.Later(busyDelay).Error()) {
			t.Errorf("%s: got %v", name, err)
		}
		release()
		release, err = take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
}

// Images that are done count until memory was handed back: they and a large one that comes never exceed the bound.
func TestMemoryIsHandedBack(t *testing.T) {
	const photo = maxPixels / 4
	m := newMemory()
	hold, err := m.decode(t.Context(), photo)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{2, 3, 4, 2, 3, 4, 2} {
		release, err := m.decode(t.Context(), photo)
		if err != nil {
			t.Fatal(err)
		}
		if m.taken != want*photo || m.inUse != 2*photo {
			t.Errorf("image %d: %d pixels taken and %d in use, want %d and %d", i, m.taken, m.inUse, want*photo, 2*photo)
		}
		release()
	}
	hold()
	if m.inUse != 0 {
		t.Errorf("%d pixels are still in use", m.inUse)
	}
}

// What is done with when memory is handed back is gone from the process, not only from the heap.
func TestMemoryGoesBackToTheSystem(t *testing.T) {
	const ballast = 64 << 20
	released := func() int64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapReleased)
	}
	m := newMemory()
	done, err := m.decode(t.Context(), maxPixels)
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]byte, ballast)
	before := released()
	runtime.KeepAlive(pixels)
	done()
	next, err := m.decode(t.Context(), large)
	if err != nil {
		t.Fatal(err)
	}
	next()
	if back := released() - before; back < ballast/2 { // the rest leaves room for what other goroutines took meanwhile
		t.Errorf("%d of %d MiB were handed back", back>>20, ballast>>20)
	}
}
