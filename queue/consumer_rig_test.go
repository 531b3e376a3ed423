package queue_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nsqio/nsq/nsqd"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
)

const (
	rigTopic    = "jobs"
	rigChannel  = "worker"
	rigPatience = 30 * time.Second // only reached by a broken consumer
)

// rig is a real nsqd with the channels a consumer needs, and what its consumers observed.
type rig struct {
	t       *testing.T
	ctx     context.Context
	nsqd    *nsqtest.NSQD
	results chan queue.Result
}

func newRig(t *testing.T) *rig { t.Helper(); return rigOn(t) }

// rigOn is a rig on an nsqd with options.
func rigOn(t *testing.T, configure ...func(*nsqd.Options)) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), rigPatience)
	t.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, nsqd: nsqtest.New(t, configure...), results: make(chan queue.Result, 100)}
	r.channels(r.nsqd)
	return r
}

// channels makes those that a consumer needs, before anything is published.
func (r *rig) channels(n *nsqtest.NSQD) {
	r.t.Helper()
	for topic, channel := range map[string]string{rigTopic: rigChannel, queue.DeadTopic(rigTopic): "keep"} {
		if err := n.CreateChannel(r.ctx, topic, channel); err != nil {
			r.t.Fatal(err)
		}
	}
}

// start runs a consumer; the function it returns ends it and gives Run's error.
func (r *rig) start(c queue.ConsumerConfig) (stop func() error) {
	r.t.Helper()
	if c.NSQDAddrs == nil && c.LookupdAddrs == nil {
		c.NSQDAddrs = []string{r.nsqd.TCPAddr()}
	}
	c.Concurrency = cmp.Or(c.Concurrency, 1) // more would observe results in any order
	c.Topic, c.Channel = rigTopic, rigChannel
	c.Backoff = queue.Backoff{First: time.Millisecond, Max: 5 * time.Millisecond}
	c.Observe = func(res queue.Result) { r.results <- res }
	consumer, err := queue.NewConsumer(c)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan error, 1)
	go func() { done <- consumer.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	r.t.Cleanup(func() { stop() })
	return stop
}

func (r *rig) send(body []byte) {
	r.t.Helper()
	if err := r.nsqd.Publish(r.ctx, rigTopic, body); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) sendJob(job queue.Job) {
	r.t.Helper()
	body, err := job.Encode()
	if err != nil {
		r.t.Fatal(err)
	}
	r.send(body)
}

// want takes the next results and fails unless they have these outcomes.
func (r *rig) want(outcomes ...queue.Outcome) (last queue.Result) {
	r.t.Helper()
	for i, o := range outcomes {
		select {
		case last = <-r.results:
			if last.Outcome != o {
				r.t.Fatalf("result %d is %+v, want outcome %s", i, last, o)
			}
		case <-r.ctx.Done():
			r.t.Fatalf("no result %d, want %s", i, o)
		}
	}
	return last
}

// wantEmpty fails unless the channel is empty and no further result came.
func (r *rig) wantEmpty() {
	r.t.Helper()
	if _, err := r.nsqd.Wait(r.ctx, rigTopic, rigChannel, nsqtest.Stats.Empty); err != nil {
		r.t.Fatal(err)
	}
	select {
	case res := <-r.results:
		r.t.Errorf("unexpected result %+v", res)
	default:
	}
}

func (r *rig) deadLetter() queue.DeadLetter {
	r.t.Helper()
	body, err := r.nsqd.Receive(r.ctx, queue.DeadTopic(rigTopic), "keep")
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := queue.DecodeDeadLetter(body)
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

func testJob(id string) queue.Job {
	return queue.Job{V: queue.Version, ID: id, Bucket: "bucket", Object: "a&b/ü.jpg", ETag: "E1", Size: 3}
}

// gate is a proxy in front of nsqd that can refuse new connections while those it has go on.
type gate struct {
	addr string
	shut atomic.Bool
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{addr: l.Addr().String()}
	var conns sync.WaitGroup
	t.Cleanup(func() { l.Close(); conns.Wait() })
	conns.Go(func() {
		for {
			in, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil || g.shut.Load() {
				in.Close()
				continue
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			conns.Go(func() { io.Copy(out, in); out.Close() })
			conns.Go(func() { io.Copy(in, out); in.Close() })
		}
	})
	return g
}
