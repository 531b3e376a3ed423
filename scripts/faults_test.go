//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/fcsim"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

// Each test here is one row of "What happens when ...": the compiled function and worker, real nsqd processes, the real OSS SDK.

// nsqd is killed with SIGKILL after 500 uploads were answered.
func TestNSQDKilled(t *testing.T) {
	t.Run("and restarted", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 1)
		all := r.manyQueued(r.web(nil), 500)
		// nsqd has synced what it answered. One message at a time is on its way from the topic to the channel, and may be on neither's
		// disk: that one, and those in a worker's hands, is what OUTBOX=always is for.
		if _, err := r.nsqds[0].Wait(r.ctx, stack.Topic, stack.Channel, func(s nsqtest.Stats) bool { return s.Depth == 500 }); err != nil {
			t.Fatal(err)
		}
		r.nsqds[0].Kill()
		r.restart(0)
		r.startWorker(nil)
		r.thumbnails(all...)
	})
	t.Run("and its disk is lost", func(t *testing.T) {
		t.Parallel()
		always := map[string]string{"OUTBOX": "always"}
		r := newRig(t, 1)
		all := r.manyQueued(r.web(always), 500)
		r.nsqds[0].Kill()
		r.loseDisk(0)
		r.restart(0)
		if s, err := r.nsqds[0].Stats(r.ctx, stack.Topic, ""); err != nil || s != (nsqtest.Stats{}) {
			t.Fatalf("nsqd still knows the topic: %+v, %v", s, err)
		}
		r.startWorker(always)
		r.thumbnails(all...)
	})
}

// Jobs between two attempts are in nsqd's memory only; the worker has written them to the outbox before they wait.
func TestNSQDKilledBetweenAttempts(t *testing.T) {
	t.Parallel()
	onFailure := map[string]string{"OUTBOX": "on-failure"}
	r := newRig(t, 1)
	all := r.manyQueued(r.web(onFailure), 40)
	mended := r.oss.Inject(osssim.Fault{Operation: "GetObject", Prefix: "many/", Status: 503, Code: "ServiceUnavailable"})
	defer mended()
	r.startWorker(onFailure)
	r.await("every job to have failed once", func() bool { return len(r.under(outbox)) == len(all) })
	r.nsqds[0].Kill()
	mended()
	r.loseDisk(0)
	r.restart(0)
	r.thumbnails(all...)
	r.await("an empty outbox", func() bool { return len(r.under(outbox)) == 0 })
}

func (r *rig) restart(i int) {
	r.t.Helper()
	if err := r.nsqds[i].Restart(r.ctx); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) loseDisk(i int) {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.nsqds[i].Dir(), "*"))
	if err != nil || len(files) == 0 {
		r.t.Fatal(files, err)
	}
	for _, f := range files {
		if err := os.RemoveAll(f); err != nil {
			r.t.Fatal(err)
		}
	}
}

// An instance is frozen, nsqd is restarted meanwhile, and the instance thaws for the next callback: ten times.
func TestNSQDRestartsWhileTheInstanceIsFrozen(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	url := r.event(fcsim.Config{Freeze: true, MaxInstances: 1}, nil)
	r.queued(url, "first.jpg")
	for i := range 10 {
		r.restart(0)
		r.queued(url, fmt.Sprintf("%d.jpg", i))
	}
}

// All nsqd are down.
func TestAllNSQDDown(t *testing.T) {
	onFailure := map[string]string{"OUTBOX": "on-failure"}
	t.Run("outbox", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 2)
		urls := r.bothDoors(onFailure)
		r.nsqds[0].Kill()
		r.nsqds[1].Kill()
		var all []upload
		for door, url := range urls {
			all = append(all, r.queued(url, door+".jpg"))
		}
		if kept := r.under(outbox); len(kept) != len(all) {
			t.Errorf("the outbox holds %q", kept)
		}
		r.startWorker(onFailure)
		r.restart(1)
		r.thumbnails(all...)
	})
	t.Run("no outbox", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 2)
		urls := r.bothDoors(nil)
		r.nsqds[0].Kill()
		r.nsqds[1].Kill()
		for door, url := range urls {
			r.refused(r.upload(url, door+".jpg", tinyJPEG(t, door)), 503, "queue_unavailable")
		}
	})
}

// refused asserts what the function said, and that the uploader was told.
func (r *rig) refused(u upload, status int, code string) {
	r.t.Helper()
	x := r.exchange(u.object)
	if x.Status != status || !bytes.Contains(x.Body, []byte(`"error":"`+code+`"`)) {
		r.t.Errorf("%s: the function answered %d %s after %v, want %d %s", u.object, x.Status, x.Body, x.Elapsed, status, code)
	}
	if u.status != 203 || u.ec != "0007-00000203" {
		r.t.Errorf("%s: the uploader got %d %s: %v", u.object, u.status, u.ec, u.err)
	}
}

// OSS, every nsqd and whoever collects the logs hang, all at once.
func TestEverythingHangs(t *testing.T) {
	const budget, tolerance, tries = time.Second, 200 * time.Millisecond, 3
	for _, mode := range []string{"off", "on-failure", "always"} {
		t.Run("OUTBOX="+mode, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 2)
			r.functionOut = fullPipe(t)
			urls := r.bothDoors(map[string]string{"CALLBACK_BUDGET": budget.String(), "OUTBOX": mode})
			for _, nsqd := range r.nsqds {
				if err := nsqd.Freeze(); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []osssim.Fault{{Operation: "ImageInfo", Hang: true}, {Operation: "PutObject", Prefix: outbox, Hang: true}} {
				defer r.oss.Inject(f)()
			}
			for door, url := range urls {
				fastest := time.Hour
				for i := range tries {
					u := r.upload(url, fmt.Sprintf("%s/%d.jpg", door, i), tinyJPEG(t, door))
					x := r.exchange(u.object)
					if x.Status != 503 {
						t.Errorf("%s: %d %s %+v", door, x.Status, x.Body, x.Verdict)
					}
					fastest = min(fastest, x.Elapsed)
				}
				// A busy machine may be late now and then; code that waits for what hangs is late every time.
				if fastest > budget+tolerance {
					t.Errorf("%s: the fastest of %d answers took %v, the budget is %v", door, tries, fastest, budget)
				}
			}
		})
	}
}

// fullPipe is a pipe that nobody empties, filled to the brim.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	if err := writer.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := writer.Write(make([]byte, 4<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("took %d bytes: %v", n, err)
	}
	return writer
}

// A cold start that takes long is paid from the budget: with OSS hanging too, the answer is not later for it.
func TestSlowColdStart(t *testing.T) {
	t.Parallel()
	const budget, cold = 3500 * time.Millisecond, 2500 * time.Millisecond
	r := newRig(t, 1)
	url := r.event(fcsim.Config{Freeze: true, StartDelay: cold}, map[string]string{"CALLBACK_BUDGET": budget.String()})
	defer r.oss.Inject(osssim.Fault{Operation: "ImageInfo", Hang: true})()
	u := r.queued(url, "a.jpg")
	x := r.exchange(u.object)
	if !strings.Contains(u.answer, "image_info_pending") {
		t.Errorf("answer %s", u.answer)
	}
	// Were it not paid from the budget, the look-up alone would go on until 4.8 s.
	if x.Elapsed < cold || x.Elapsed > budget+500*time.Millisecond {
		t.Errorf("answered after %v: a cold start of %v and a budget of %v", x.Elapsed, cold, budget)
	}
}

// One nsqd is silent, the other one lives.
func TestOneNSQDSilent(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	urls := r.bothDoors(nil)
	for _, url := range urls {
		r.queued(url, "before.jpg")
	}
	if err := r.nsqds[0].Freeze(); err != nil {
		t.Fatal(err)
	}
	for door, url := range urls {
		for i := range 10 {
			r.queued(url, fmt.Sprintf("%s/%d.jpg", door, i))
		}
	}
}

// The only nsqd is killed and restarted again and again while uploads go on.
func TestFlappingNSQD(t *testing.T) {
	t.Parallel()
	always := map[string]string{"OUTBOX": "always"}
	r := newRig(t, 1)
	url := r.event(fcsim.Config{Freeze: true, MaxInstances: 8}, always)
	stop, flapped := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { flapped <- n }()
		for {
			select {
			case <-stop:
				return
			default:
				r.nsqds[0].Kill()
				if err := r.nsqds[0].Restart(r.ctx); err != nil {
					t.Error(err)
					return
				}
				n++
			}
		}
	}()
	all := r.manyQueued(url, 200)
	close(stop)
	if n := <-flapped; n < 3 {
		t.Errorf("nsqd was restarted %d times only", n)
	}
	r.startWorker(always)
	r.thumbnails(all...)
}

// Callbacks for what the worker and the outbox write are refused: nothing loops.
func TestOwnPrefixesAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	for door, url := range r.bothDoors(nil) {
		for _, object := range []string{thumbs + "a.jpg", outbox + "a.json"} {
			r.refused(r.upload(url, object, tinyJPEG(t, door)), 403, "bucket_not_allowed")
		}
	}
	if s, err := r.nsqds[0].Stats(r.ctx, stack.Topic, ""); err != nil || s.Messages > 0 {
		t.Errorf("queued all the same: %+v %v", s, err)
	}
}
