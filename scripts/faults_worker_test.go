//go:build linux

package main

import (
	"bytes"
	"strings"
	"testing"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

// The rows of "What happens when ..." that are about the worker.

// A worker is killed in the middle of a job.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	always := map[string]string{"OUTBOX": "always"}
	r := newRig(t, 1)
	// Without an outbox another worker has the job too, but only when nsqd has waited 60 s for the dead one.
	u := r.queued(r.web(always), "a.jpg")
	mended := r.oss.Inject(osssim.Fault{Operation: "GetObject", Key: u.object, Hang: true})
	defer mended()
	first := r.startWorker(always)
	r.await("the worker to be at it", func() bool {
		s, err := r.nsqds[0].Stats(r.ctx, stack.Topic, stack.Channel)
		return err == nil && s.InFlight == 1
	})
	_ = first.Kill()
	mended()
	r.startWorker(always)
	r.thumbnails(u)
	r.oneThumbnail()
}

func (r *rig) oneThumbnail() {
	r.t.Helper()
	if made := r.under(thumbs); len(made) != 1 {
		r.t.Errorf("thumbnails: %q, want one", made)
	}
}

// OSS is down for the worker, and comes back.
func TestOSSDownForTheWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	u := r.queued(r.web(nil), "a.jpg")
	mended := r.oss.Inject(osssim.Fault{Operation: "GetObject", Key: u.object, Status: 503, Code: "ServiceUnavailable"})
	defer mended()
	r.startWorker(nil)
	if _, err := r.nsqds[0].Wait(r.ctx, stack.Topic, stack.Channel, func(s nsqtest.Stats) bool { return s.Requeued > 0 }); err != nil {
		t.Fatal(err)
	}
	if made := r.under(thumbs); len(made) > 0 {
		t.Errorf("made %q of nothing", made)
	}
	mended()
	r.thumbnails(u)
}

// The object is overwritten before the worker sees it: the newer upload has its own callback.
func TestObjectOverwritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	url := r.web(nil)
	old := r.queued(url, "a.jpg")
	newer := r.upload(url, "a.jpg", tinyJPEG(t, "newer"))
	r.startWorker(nil)
	r.thumbnails(newer)
	r.oneThumbnail()
	letters := r.deadLetters(1)
	if l := letters[0]; l.Reason != queue.ReasonPermanent || !strings.Contains(l.Error, "replaced") || !bytes.Contains(l.Job, []byte(old.etag)) {
		t.Errorf("dead letter %+v %s", l, l.Job)
	}
}

// deadLetters takes so many dead letters off the first nsqd.
func (r *rig) deadLetters(n int) (letters []queue.DeadLetter) {
	r.t.Helper()
	bodies, err := r.nsqds[0].ReceiveAll(r.ctx, queue.DeadTopic(stack.Topic), "test", n)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, body := range bodies {
		l, err := queue.DecodeDeadLetter(body)
		if err != nil {
			r.t.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

// The same job is published twenty times, to two workers.
func TestSameJobTwentyTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	u := r.queued(r.web(nil), "a.jpg")
	body, err := r.nsqds[0].Receive(r.ctx, stack.Topic, stack.Channel)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := r.nsqds[0].Publish(r.ctx, stack.Topic, body); err != nil {
			t.Fatal(err)
		}
	}
	r.startWorker(nil)
	r.startWorker(nil)
	r.thumbnails(u)
	if _, err := r.nsqds[0].Wait(r.ctx, stack.Topic, stack.Channel, nsqtest.Stats.Empty); err != nil {
		t.Fatal(err)
	}
	r.oneThumbnail()
	if s, err := r.nsqds[0].Stats(r.ctx, queue.DeadTopic(stack.Topic), ""); err != nil || s.Messages > 0 {
		t.Errorf("dead letters: %+v %v", s, err)
	}
}
