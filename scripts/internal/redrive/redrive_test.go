package redrive

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
)

const topic = "oss_upload"

var errTest = errors.New("no image")

// kept is a dead letter as it waits for redrive.
type kept struct {
	object string
	reason queue.Reason
	age    time.Duration
}

func job(object string) queue.Job {
	return queue.Job{V: 1, ID: queue.JobID("bucket", object, "E", ""), Bucket: "bucket", Object: object, ETag: "E", Attempts: 3}
}

// fill puts dead letters on a new nsqd, as a worker does.
func fill(t *testing.T, letters ...kept) (*nsqtest.NSQD, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	nsqd := nsqtest.New(t)
	for _, l := range letters {
		body, err := job(l.object).Encode()
		if err != nil {
			t.Fatal(err)
		}
		if l.reason == queue.ReasonMalformedJob {
			body = []byte("{not JSON")
		}
		bury(t, nsqd.Client, queue.NewDeadLetter(topic, body, l.reason, 5, errTest, time.Now().Add(-l.age)))
	}
	return nsqd, ctx
}

func bury(t *testing.T, nsqd nsqtest.Client, l queue.DeadLetter) {
	t.Helper()
	body, err := l.Encode()
	if err == nil {
		err = nsqd.Publish(t.Context(), queue.DeadTopic(topic), body)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// result is a run's tally and what it told, as "action object".
type result struct {
	Tally
	told []string
}

func redrive(t *testing.T, ctx context.Context, c Config) (result, error) {
	t.Helper()
	var r result
	c.Topic, c.Idle = topic, 2*time.Second
	c.OnLetter = func(l Letter) { r.told = append(r.told, fmt.Sprint(l.Action, " ", l.Job.Object)) }
	tally, err := Run(ctx, c)
	r.Tally = tally
	slices.Sort(r.told)
	return r, err
}

func depth(t *testing.T, ctx context.Context, nsqd *nsqtest.NSQD, topic, channel string, want int64) {
	t.Helper()
	if _, err := nsqd.Wait(ctx, topic, channel, func(s nsqtest.Stats) bool { return s.Depth == want && s.InFlight == 0 }); err != nil {
		t.Error(err)
	}
}

var mixed = []kept{
	{"a/1", queue.ReasonPermanent, 2 * time.Hour}, {"a/2", queue.ReasonAttemptsExhausted, time.Minute},
	{"b/1", queue.ReasonPermanent, time.Minute}, {"", queue.ReasonMalformedJob, 3 * time.Hour},
}

func TestSelection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config Config
		want   []string
		left   int
	}{
		"list":          {Config{ListOnly: true}, []string{"listed ", "listed a/1", "listed a/2", "listed b/1"}, 0},
		"all":           {Config{}, []string{"sent ", "sent a/1", "sent a/2", "sent b/1"}, 0},
		"reason":        {Config{Match: Match{Reason: queue.ReasonPermanent}}, []string{"sent a/1", "sent b/1"}, 2},
		"object prefix": {Config{Match: Match{ObjectPrefix: "a/"}}, []string{"sent a/1", "sent a/2"}, 2},
		"bucket":        {Config{Match: Match{Bucket: "bucket"}}, []string{"sent a/1", "sent a/2", "sent b/1"}, 1},
		"other bucket":  {Config{Match: Match{Bucket: "other"}}, nil, 4},
		"older than":    {Config{Match: Match{OlderThan: time.Hour}}, []string{"sent ", "sent a/1"}, 2},
		"listed filter": {Config{ListOnly: true, Match: Match{ObjectPrefix: "b"}}, []string{"listed b/1"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			nsqd, ctx := fill(t, mixed...)
			c.config.Addrs = []string{nsqd.TCPAddr()}
			got, err := redrive(t, ctx, c.config)
			if diff := cmp.Diff(c.want, got.told); err != nil || diff != "" || got.Left != c.left {
				t.Errorf("%v, %d left, %s", err, got.Left, diff)
			}
			depth(t, ctx, nsqd, topic, "", int64(got.Sent))
			depth(t, ctx, nsqd, queue.DeadTopic(topic), Channel, int64(len(mixed)-got.Sent))
		})
	}
}

// What is sent is the job as it was, its attempts set back.
func TestMessage(t *testing.T) {
	t.Parallel()
	nsqd, ctx := fill(t, kept{object: "a", reason: queue.ReasonPermanent})
	if _, err := redrive(t, ctx, Config{Addrs: []string{nsqd.TCPAddr()}}); err != nil {
		t.Fatal(err)
	}
	body, err := nsqd.Receive(ctx, topic, "worker")
	if err != nil {
		t.Fatal(err)
	}
	want := job("a")
	want.Attempts = 0
	if got, err := queue.DecodeJob(body); err != nil || !cmp.Equal(want, got) {
		t.Error(err, cmp.Diff(want, got))
	}
}

func TestLimitCountsOverAllNSQD(t *testing.T) {
	t.Parallel()
	a, ctx := fill(t, mixed...)
	b, _ := fill(t, kept{object: "c/1", reason: queue.ReasonPermanent}, kept{object: "c/2", reason: queue.ReasonPermanent})
	got, err := redrive(t, ctx, Config{Addrs: []string{a.TCPAddr(), b.TCPAddr()}, Limit: 5})
	if err != nil || got.Sent != 5 {
		t.Errorf("%v: sent %d", err, got.Sent)
	}
	depth(t, ctx, a, queue.DeadTopic(topic), Channel, 0)
	depth(t, ctx, b, queue.DeadTopic(topic), Channel, 1)
}

// A list is complete, once each, however many there are, and may be repeated.
func TestListMany(t *testing.T) {
	t.Parallel()
	var many []kept
	for i := range 150 {
		many = append(many, kept{object: fmt.Sprintf("%03d", i), reason: queue.ReasonPermanent})
	}
	nsqd, ctx := fill(t, many...)
	for range 2 {
		got, err := redrive(t, ctx, Config{Addrs: []string{nsqd.TCPAddr()}, ListOnly: true})
		if err != nil || len(got.told) != len(many) || len(slices.Compact(got.told)) != len(many) {
			t.Errorf("%v: listed %d, want %d, once each", err, len(got.told), len(many))
		}
	}
	depth(t, ctx, nsqd, queue.DeadTopic(topic), Channel, int64(len(many)))
}

// A job that dies as soon as it is sent does not keep the run busy for ever.
func TestDiesAgain(t *testing.T) {
	t.Parallel()
	nsqd, ctx := fill(t, kept{object: "a", reason: queue.ReasonPermanent}, kept{object: "b", reason: queue.ReasonPermanent})
	consumer, err := queue.NewConsumer(queue.ConsumerConfig{
		NSQDAddrs: []string{nsqd.TCPAddr()}, Topic: topic, Channel: "worker",
		Process: func(context.Context, queue.Job) error { return queue.Permanent(errTest) },
	})
	if err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(working) }()
	got, err := redrive(t, ctx, Config{Addrs: []string{nsqd.TCPAddr()}})
	if err != nil || got.Sent != 2 {
		t.Errorf("%v: sent %d, want 2", err, got.Sent)
	}
	depth(t, ctx, nsqd, queue.DeadTopic(topic), Channel, 2)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What cannot be sent is put back and told.
func TestFailures(t *testing.T) {
	t.Parallel()
	nsqd, ctx := fill(t, kept{object: "good", reason: queue.ReasonPermanent})
	if err := nsqd.Publish(ctx, queue.DeadTopic(topic), []byte("garbage")); err != nil {
		t.Fatal(err)
	}
	bury(t, nsqd.Client, queue.NewDeadLetter("elsewhere", []byte("{}"), queue.ReasonPermanent, 1, errTest, time.Now()))
	bury(t, nsqd.Client, queue.NewDeadLetter(topic, nil, queue.ReasonMalformedJob, 1, errTest, time.Now()))
	got, err := redrive(t, ctx, Config{Addrs: []string{nsqd.TCPAddr()}})
	if !errors.Is(err, ErrNotSent) || got.Sent != 1 || got.Failed != 3 {
		t.Errorf("%v: %+v", err, got)
	}
	depth(t, ctx, nsqd, queue.DeadTopic(topic), Channel, 3)
	depth(t, ctx, nsqd, topic, "", 1)
}

func TestDeadAndSilentNSQD(t *testing.T) {
	t.Parallel()
	alive, ctx := fill(t, kept{object: "a", reason: queue.ReasonPermanent})
	dead := nsqtest.New(t)
	dead.Stop()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	got, err := redrive(t, ctx, Config{Addrs: []string{dead.TCPAddr(), silent.Addr().String(), alive.TCPAddr()}})
	if !errors.Is(err, ErrUnreachable) || got.Sent != 1 {
		t.Errorf("%v: sent %d; the others must not keep the one that lives from being redriven", err, got.Sent)
	}
}

// An nsqd that ends in the middle is an error, and nothing is lost with it.
func TestNSQDEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	nsqd, ctx := fill(t, mixed...)
	var sent int
	_, err := Run(ctx, Config{Addrs: []string{nsqd.TCPAddr()}, Topic: topic, Idle: 2 * time.Second, OnLetter: func(l Letter) {
		if l.Action == Sent {
			sent++
		}
		if sent == 2 {
			nsqd.Stop()
		}
	}})
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v, want %v", err, ErrUnreachable)
	}
	if err := nsqd.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := redrive(t, ctx, Config{Addrs: []string{nsqd.TCPAddr()}}); err != nil {
		t.Error(err)
	}
	s, err := nsqd.Stats(ctx, topic, "")
	if err != nil || s.Depth < int64(len(mixed)) || s.Depth > int64(len(mixed))+1 {
		t.Errorf("%d jobs on the topic, want %d, or one more: %v", s.Depth, len(mixed), err)
	}
	depth(t, ctx, nsqd, queue.DeadTopic(topic), Channel, 0)
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	nsqd, ctx := fill(t, mixed...)
	interrupted, interrupt := context.WithCancel(ctx)
	tally, err := Run(interrupted, Config{Addrs: []string{nsqd.TCPAddr()}, Topic: topic, OnLetter: func(Letter) { interrupt() }})
	if !errors.Is(err, context.Canceled) || tally.Sent == 0 {
		t.Errorf("%v, sent %d", err, tally.Sent)
	}
	depth(t, ctx, nsqd, topic, "", int64(tally.Sent))
	depth(t, ctx, nsqd, queue.DeadTopic(topic), Channel, int64(len(mixed)-tally.Sent))
}

func TestSettings(t *testing.T) {
	for name, c := range map[string]Config{
		"no nsqd":           {Topic: topic},
		"no address":        {Topic: topic, Addrs: []string{"nsqd"}},
		"no topic":          {Addrs: []string{"127.0.0.1:1"}},
		"dead topic itself": {Addrs: []string{"127.0.0.1:1"}, Topic: queue.DeadTopic(topic)},
		"unknown reason":    {Addrs: []string{"127.0.0.1:1"}, Topic: topic, Match: Match{Reason: "permament"}},
		"negative limit":    {Addrs: []string{"127.0.0.1:1"}, Topic: topic, Limit: -1},
	} {
		if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
