package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
)

var errWork = errors.New("work failed")

func TestConsumerOutcomes(t *testing.T) {
	t.Parallel()
	encode := func(j queue.Job) string {
		b, err := j.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	used := testJob("j")
	used.Attempts = 2
	for name, c := range map[string]struct {
		body     string
		process  func(run int) error // what the n-th run returns, from 1
		outcomes []queue.Outcome
		attempt  int // of the last result
		err      error
		reason   queue.Reason
	}{
		"done once": {
			encode(testJob("j")), func(int) error { return nil },
			[]queue.Outcome{queue.OutcomeDone}, 1, nil, "",
		},
		"failed, then done": {
			encode(testJob("j")), func(run int) error {
				if run == 1 {
					return errWork
				}
				return nil
			},
			[]queue.Outcome{queue.OutcomeRetried, queue.OutcomeDone}, 2, nil, "",
		},
		"failed every time": {
			encode(testJob("j")), func(int) error { return errWork },
			[]queue.Outcome{queue.OutcomeRetried, queue.OutcomeRetried, queue.OutcomeDead}, 3, errWork, queue.ReasonAttemptsExhausted,
		},
		"attempts used earlier count": {
			encode(used), func(int) error { return errWork },
			[]queue.Outcome{queue.OutcomeDead}, 3, errWork, queue.ReasonAttemptsExhausted,
		},
		"permanent, wrapped": {
			encode(testJob("j")), func(int) error { return fmt.Errorf("step: %w", queue.Permanent(errWork)) },
			[]queue.Outcome{queue.OutcomeDead}, 1, errWork, queue.ReasonPermanent,
		},
		"permanent beats later": {
			encode(testJob("j")), func(int) error { return errors.Join(queue.Later(time.Hour), queue.Permanent(errWork)) },
			[]queue.Outcome{queue.OutcomeDead}, 1, errWork, queue.ReasonPermanent,
		},
		"panic, then done": {
			encode(testJob("j")), func(run int) error {
				if run == 1 {
					panic("oops")
				}
				return nil
			},
			[]queue.Outcome{queue.OutcomeRetried, queue.OutcomeDone}, 2, nil, "",
		},
		"garbage": {
			"\x00garbage", nil,
			[]queue.Outcome{queue.OutcomeDead}, 1, queue.ErrMalformedJob, queue.ReasonMalformedJob,
		},
		"JSON, but no job": {
			`[1]`, nil,
			[]queue.Outcome{queue.OutcomeDead}, 1, queue.ErrMalformedJob, queue.ReasonMalformedJob,
		},
		"newer version": {
			`{"v":2,"id":"j","bucket":"b","object":"o","new":"<field>"}`, nil,
			[]queue.Outcome{queue.OutcomeDead}, 1, queue.ErrUnknownVersion, queue.ReasonUnknownVersion,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var runs atomic.Int32
			r.start(queue.ConsumerConfig{MaxAttempts: 3, Process: func(_ context.Context, job queue.Job) error {
				if job.ID != "j" {
					t.Errorf("got job %+v", job)
				}
				return c.process(int(runs.Add(1)))
			}})
			r.send([]byte(c.body))
			last := r.want(c.outcomes...)
			if !errors.Is(last.Err, c.err) || last.Attempt != c.attempt || last.Reason != c.reason {
				t.Errorf("last result is %+v, want attempt %d, reason %q, error %v", last, c.attempt, c.reason, c.err)
			}
			r.wantEmpty()
			if c.reason == "" {
				return
			}
			l := r.deadLetter()
			if l.Reason != c.reason || l.Attempts != c.attempt || l.Topic != rigTopic || l.Error != last.Err.Error() {
				t.Errorf("dead letter %+v does not fit the last result %+v", l, last)
			}
			if kept := string(l.Job) + string(l.Raw); kept != c.body {
				t.Errorf("dead letter keeps %q of %q", kept, c.body)
			}
		})
	}
}

func TestConsumerPanicIsAnError(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(queue.ConsumerConfig{MaxAttempts: 1, Process: func(context.Context, queue.Job) error { panic("oops") }})
	r.sendJob(testJob("j"))
	if err := r.want(queue.OutcomeDead).Err; err == nil || err.Error() != "panic: oops" {
		t.Errorf("got %v", err)
	}
}

// A postponed job waits, uses no attempt however often it is delivered meanwhile, and keeps fields this build does not know.
func TestConsumerLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var runs atomic.Int32
	const wait = 300 * time.Millisecond
	seen := make(chan time.Time, 10)
	r.start(queue.ConsumerConfig{MaxAttempts: 2, Process: func(_ context.Context, job queue.Job) error {
		seen <- time.Now()
		switch runs.Add(1) {
		case 1:
			return errWork
		case 2: // the last attempt, postponed twice
			return fmt.Errorf("busy: %w", queue.Later(wait))
		case 3:
			if !job.NotBefore.IsZero() || job.Attempts != 1 {
				t.Errorf("woken with %+v", job)
			}
			return queue.Later(0)
		}
		return errWork
	}})
	r.send([]byte(`{"v":1,"id":"j","bucket":"b","object":"o","size":1,"image":null,"accepted":"2026-01-01T00:00:00Z","fork":"<&>"}`))
	r.want(queue.OutcomeRetried, queue.OutcomePostponed, queue.OutcomeParked, queue.OutcomeParked)
	if last := r.want(queue.OutcomePostponed, queue.OutcomeDead); last.Attempt != 2 || last.Reason != queue.ReasonAttemptsExhausted {
		t.Errorf("last result is %+v, want attempt 2 of 2 exhausted", last)
	}
	<-seen
	if before, after := <-seen, <-seen; after.Sub(before) < wait {
		t.Errorf("came again after %v, want %v", after.Sub(before), wait)
	}
	r.wantEmpty()
	var kept struct{ Fork string }
	if err := json.Unmarshal(r.deadLetter().Job, &kept); err != nil || kept.Fork != "<&>" {
		t.Errorf("unknown field became %q, %v", kept.Fork, err)
	}
}

// A message that was delivered before its time any number of times still has all its attempts.
func TestConsumerParkedDeliveriesDoNotCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ready := make(chan struct{})
	r.start(queue.ConsumerConfig{MaxAttempts: 1, Process: func(context.Context, queue.Job) error { close(ready); return nil }})
	job := testJob("j")
	job.NotBefore = time.Now().Add(-time.Second) // due: replaced at once
	r.sendJob(job)
	r.want(queue.OutcomeParked, queue.OutcomeDone)
	<-ready

	job.NotBefore = time.Now().Add(24 * time.Hour) // longer than nsqd can defer
	r.sendJob(job)
	r.want(queue.OutcomeParked)
	if _, err := r.nsqd.Wait(r.ctx, rigTopic, rigChannel, func(s nsqtest.Stats) bool { return s.Deferred == 1 }); err != nil {
		t.Error(err)
	}
}

// Without the dead letter published the message must stay, and die as soon as it can.
func TestConsumerKeepsMessageWhenDeadLetterFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate(t, r.nsqd.TCPAddr())
	shut := sync.OnceFunc(func() { g.shut.Store(true) }) // once the consumer itself is connected
	r.start(queue.ConsumerConfig{
		NSQDAddrs: []string{g.addr},
		Process:   func(context.Context, queue.Job) error { shut(); return queue.Permanent(errWork) },
	})
	r.sendJob(testJob("j"))
	for range 2 {
		if res := r.want(queue.OutcomeRetried); !errors.Is(res.Err, errWork) || !errors.Is(res.Err, queue.ErrUnavailable) {
			t.Errorf("got %v, want the job's error and the publisher's", res.Err)
		}
	}
	if _, err := r.nsqd.Wait(r.ctx, rigTopic, rigChannel, func(s nsqtest.Stats) bool { return !s.Empty() }); err != nil {
		t.Errorf("the message is gone: %v", err)
	}
	g.shut.Store(false)
	for {
		select {
		case res := <-r.results:
			if res.Outcome == queue.OutcomeRetried {
				continue
			}
			if res.Outcome != queue.OutcomeDead || res.Reason != queue.ReasonPermanent {
				t.Errorf("got %+v", res)
			}
			r.wantEmpty()
			r.deadLetter()
			return
		case <-r.ctx.Done():
			t.Fatal("never died")
		}
	}
}

func TestConsumerDrains(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	running, release := make(chan struct{}), make(chan struct{})
	stop := r.start(queue.ConsumerConfig{Concurrency: 1, Process: func(ctx context.Context, _ queue.Job) error {
		close(running)
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	r.sendJob(testJob("first"))
	<-running
	r.sendJob(testJob("second"))
	stopped := make(chan error)
	go func() { stopped <- stop() }()
	select {
	case err := <-stopped:
		t.Fatalf("Run left a running job behind: %v", err)
	case <-time.After(100 * time.Millisecond): // not to settle: a longer wait could only find more faults
	}
	close(release)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if res := r.want(queue.OutcomeDone); res.Job.ID != "first" {
		t.Errorf("got %+v", res)
	}
	if _, err := r.nsqd.Wait(r.ctx, rigTopic, rigChannel, func(s nsqtest.Stats) bool { return s.Depth == 1 && s.Clients == 0 }); err != nil {
		t.Errorf("second job: %v", err)
	}
}

// A job that does not finish in time is interrupted and goes back with all its attempts.
func TestConsumerPutsInterruptedJobBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	running := make(chan struct{})
	stop := r.start(queue.ConsumerConfig{
		MaxAttempts: 1, DrainTimeout: time.Millisecond,
		Process: func(ctx context.Context, _ queue.Job) error {
			close(running)
			<-ctx.Done()
			return ctx.Err()
		},
	})
	r.sendJob(testJob("j"))
	<-running
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if res := r.want(queue.OutcomePutBack); !errors.Is(res.Err, context.Canceled) {
		t.Errorf("got %v", res.Err)
	}
	r.start(queue.ConsumerConfig{MaxAttempts: 1, Process: func(context.Context, queue.Job) error { return nil }})
	if res := r.want(queue.OutcomeDone); res.Attempt != 1 {
		t.Errorf("attempt %d after a shutdown, want 1", res.Attempt)
	}
	r.wantEmpty()
}

// A job that ignores its context cannot hold up the end of the process.
func TestConsumerLeavesStubbornJobBehind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	running, release := make(chan struct{}), make(chan struct{})
	stop := r.start(queue.ConsumerConfig{DrainTimeout: time.Millisecond, Process: func(context.Context, queue.Job) error {
		close(running)
		<-release
		return nil
	}})
	r.sendJob(testJob("j"))
	<-running
	if err := stop(); !errors.Is(err, queue.ErrJobsLeft) {
		t.Errorf("got %v", err)
	}
	close(release)
	r.want(queue.OutcomeDone)
}

func TestConsumerSameJobTwiceAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var now, runs atomic.Int32
	release := make(chan struct{})
	r.start(queue.ConsumerConfig{Concurrency: 4, MaxAttempts: 1, Process: func(context.Context, queue.Job) error {
		if now.Add(1) > 1 {
			t.Error("the same job runs twice at once")
		}
		defer now.Add(-1)
		runs.Add(1)
		<-release
		return nil
	}})
	r.sendJob(testJob("same"))
	r.sendJob(testJob("same"))
	r.want(queue.OutcomePutBack)
	close(release)
	for done := 0; done < 2; {
		select {
		case res := <-r.results:
			switch res.Outcome {
			case queue.OutcomeDone:
				done++
			case queue.OutcomeParked, queue.OutcomePutBack:
			default:
				t.Fatalf("got %+v", res)
			}
			if res.Attempt != 1 {
				t.Errorf("waiting used an attempt: %+v", res)
			}
		case <-r.ctx.Done():
			t.Fatal("the repeat never ran")
		}
	}
	r.wantEmpty()
}

func TestConsumerTouchesLongJobsAndEndsThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const msgTimeout = time.Second // the least that nsqd takes
	r.start(queue.ConsumerConfig{
		MsgTimeout: msgTimeout, JobTimeout: 5 * msgTimeout / 2, MaxAttempts: 1,
		Process: func(ctx context.Context, _ queue.Job) error { <-ctx.Done(); return ctx.Err() },
	})
	r.sendJob(testJob("j"))
	if res := r.want(queue.OutcomeDead); !errors.Is(res.Err, context.DeadlineExceeded) || res.Attempt != 1 {
		t.Errorf("got %+v, want one attempt that ran out of time", res)
	}
	if s, err := r.nsqd.Stats(r.ctx, rigTopic, rigChannel); err != nil || s.TimedOut != 0 {
		t.Errorf("nsqd gave up on a job under way: %+v, %v", s, err)
	}
	r.wantEmpty()
}

// A worker may start before nsqd does.
func TestConsumerWaitsForNSQD(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sendJob(testJob("j"))
	r.nsqd.Stop()
	r.start(queue.ConsumerConfig{Process: func(context.Context, queue.Job) error { return nil }})
	if err := r.nsqd.Restart(); err != nil {
		t.Fatal(err)
	}
	r.want(queue.OutcomeDone)
}

// A job that is sent again goes to the whole topic; other channels let it pass, or their copies would multiply without end.
func TestConsumerSendsAgainForItsOwnChannel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.nsqd.CreateChannel(r.ctx, rigTopic, "other"); err != nil {
		t.Fatal(err)
	}
	ran := make(chan string, 100)
	for _, channel := range []string{rigChannel, "other"} {
		first := true
		c, err := queue.NewConsumer(queue.ConsumerConfig{NSQDAddrs: []string{r.nsqd.TCPAddr()}, Topic: rigTopic, Channel: channel, Concurrency: 1,
			Process: func(context.Context, queue.Job) error {
				ran <- channel
				if first {
					first = false
					return queue.Later(20 * time.Millisecond)
				}
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(r.ctx)
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
	}
	r.sendJob(testJob("j"))
	count := map[string]int{}
	for range 4 {
		select {
		case channel := <-ran:
			count[channel]++
		case <-r.ctx.Done():
			t.Fatalf("ran %v", count)
		}
	}
	for _, channel := range []string{rigChannel, "other"} {
		if _, err := r.nsqd.Wait(r.ctx, rigTopic, channel, nsqtest.Stats.Empty); err != nil {
			t.Error(err)
		}
	}
	// The job, and for each of two channels a parked copy and one without its time.
	if stats, err := r.nsqd.Stats(r.ctx, rigTopic, ""); err != nil || stats.Messages != 5 || count["other"] != 2 || len(ran) != 0 {
		t.Errorf("%d messages, ran %v and %d more, %v", stats.Messages, count, len(ran), err)
	}
}

// go-nsq goes on in the clear when nsqd offers no TLS; the consumer does not.
func TestConsumerRefusesPlainNSQDWhenTLSIsAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sendJob(testJob("j"))
	c, err := queue.NewConsumer(queue.ConsumerConfig{
		NSQDAddrs: []string{r.nsqd.TCPAddr()}, Topic: rigTopic, Channel: rigChannel, Conn: queue.Conn{TLS: true},
		Process: func(context.Context, queue.Job) error { t.Error("ran a job"); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(r.ctx); !errors.Is(err, queue.ErrNoTLS) {
		t.Errorf("got %v", err)
	}
	if _, err := r.nsqd.Wait(r.ctx, rigTopic, rigChannel, func(s nsqtest.Stats) bool { return !s.Empty() }); err != nil {
		t.Errorf("the message is gone: %v", err)
	}
}

func TestNewConsumerNamesTheBadSetting(t *testing.T) {
	t.Parallel()
	good := queue.ConsumerConfig{
		NSQDAddrs: []string{"127.0.0.1:4150"}, Topic: "t", Channel: "c",
		Process: func(context.Context, queue.Job) error { return nil },
	}
	if _, err := queue.NewConsumer(good); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*queue.ConsumerConfig){
		"NSQDAddrs or LookupdAddrs": func(c *queue.ConsumerConfig) { c.NSQDAddrs = nil },
		"not both":                  func(c *queue.ConsumerConfig) { c.LookupdAddrs = c.NSQDAddrs },
		`"nsqd"`:                    func(c *queue.ConsumerConfig) { c.NSQDAddrs = []string{"nsqd"} },
		"Topic":                     func(c *queue.ConsumerConfig) { c.Topic = strings.Repeat("t", 62) },
		"Channel":                   func(c *queue.ConsumerConfig) { c.Channel = "a b" },
		"Concurrency":               func(c *queue.ConsumerConfig) { c.Concurrency = -1 },
		"MaxAttempts":               func(c *queue.ConsumerConfig) { c.MaxAttempts = -1 },
		"JobTimeout":                func(c *queue.ConsumerConfig) { c.JobTimeout = time.Hour },
		"MsgTimeout":                func(c *queue.ConsumerConfig) { c.MsgTimeout = time.Millisecond },
		"DrainTimeout":              func(c *queue.ConsumerConfig) { c.DrainTimeout = -1 },
		"Backoff":                   func(c *queue.ConsumerConfig) { c.Backoff.Max = 2 * time.Hour },
		"Process":                   func(c *queue.ConsumerConfig) { c.Process = nil },
	} {
		c := good
		spoil(&c)
		if _, err := queue.NewConsumer(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %s", err, want)
		}
	}
}

func TestBackoffSchedule(t *testing.T) {
	t.Parallel()
	b := queue.Backoff{First: 2 * time.Second, Max: 10 * time.Minute}
	for attempt, want := range map[int]time.Duration{1: 2 * time.Second, 2: 8 * time.Second, 3: 32 * time.Second, 4: 128 * time.Second,
		5: 512 * time.Second, 6: 10 * time.Minute, 7: 10 * time.Minute, 1000: 10 * time.Minute} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := b.Delay(attempt)
			if d < want*3/4 || d > min(want*5/4+1, b.Max) {
				t.Fatalf("attempt %d: %v, want %v give or take a quarter, at most %v", attempt, d, want, b.Max)
			}
			seen[d] = true
		}
		if len(seen) < 10 {
			t.Errorf("attempt %d: the delay hardly varies", attempt)
		}
	}
}
