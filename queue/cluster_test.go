package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsqio/nsq/nsqd"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
)

// Through a real nsqlookupd: an nsqd that is added later is found, and when one is lost the others go on.
func TestConsumerFindsNSQDThroughLookupd(t *testing.T) {
	t.Parallel()
	lookupd := nsqtest.NewLookupd(t)
	r := rigOn(t, lookupd.Registers)
	stop := r.start(queue.ConsumerConfig{
		LookupdAddrs: []string{closedPort(t), lookupd.HTTPAddr()}, Concurrency: 2, // one that is down does no harm
		Process: func(_ context.Context, job queue.Job) error {
			if job.ID == "bad" {
				return queue.Permanent(errWork)
			}
			return nil
		},
	})
	r.sendJob(testJob("first"))
	r.want(queue.OutcomeDone)

	added := nsqtest.New(t, lookupd.Registers)
	r.channels(added)
	first := r.nsqd
	r.nsqd = added
	r.sendJob(testJob("added"))
	if res := r.want(queue.OutcomeDone); res.Job.ID != "added" {
		t.Errorf("got %+v", res)
	}
	r.sendJob(testJob("bad"))
	r.want(queue.OutcomeDead)
	r.deadLetter() // at the nsqd that the job came from

	first.Stop()
	r.sendJob(testJob("after the loss"))
	if res := r.want(queue.OutcomeDone); res.Job.ID != "after the loss" {
		t.Errorf("got %+v", res)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// authServer lets in who knows the secret, as nsqd's --auth-http-address asks it to.
func authServer(t *testing.T) func(*nsqd.Options) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("secret") != "right" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"ttl":60,"identity":"test","authorizations":[{"topic":".*","channels":[".*"],"permissions":["publish","subscribe"]}]}`)
	}))
	t.Cleanup(server.Close)
	return func(o *nsqd.Options) { o.AuthHTTPAddresses = []string{server.Listener.Addr().String()} }
}

func TestAuth(t *testing.T) {
	t.Parallel()
	r := rigOn(t, authServer(t))
	publish := func(secret string) error {
		p, err := queue.NewPublisher(queue.PublisherConfig{Addrs: []string{r.nsqd.TCPAddr()}, Topic: rigTopic, Conn: queue.Conn{AuthSecret: secret}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
		defer cancel()
		_, err = p.Publish(ctx, testJob("bad"))
		return err
	}
	for _, secret := range []string{"", "wrong"} {
		if err := publish(secret); !errors.Is(err, queue.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(strings.ToLower(err.Error()), "auth") {
			t.Errorf("secret %q: %v", secret, err)
		}
	}
	if err := publish("right"); err != nil {
		t.Fatal(err)
	}
	r.start(queue.ConsumerConfig{
		Conn:    queue.Conn{AuthSecret: "right"},
		Process: func(context.Context, queue.Job) error { return queue.Permanent(errWork) },
	})
	r.want(queue.OutcomeDead) // whose dead letter was published with the secret, too
	stats, err := r.nsqd.Stats(r.ctx, queue.DeadTopic(rigTopic), "")
	if err != nil || stats.Messages != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// A consumer that is not let in goes on trying, and says why, with nsqlookupd too.
func TestConsumerSaysThatItIsNotLetIn(t *testing.T) {
	t.Parallel()
	lookupd := nsqtest.NewLookupd(t)
	r := rigOn(t, authServer(t), lookupd.Registers)
	r.sendJob(testJob("j"))
	for name, c := range map[string]queue.ConsumerConfig{
		"by address":         {NSQDAddrs: []string{r.nsqd.TCPAddr()}},
		"through nsqlookupd": {LookupdAddrs: []string{lookupd.HTTPAddr()}},
	} {
		t.Run(name, func(t *testing.T) {
			said := &firstLine{want: "AUTH_FAILED", found: make(chan struct{})}
			c.Conn = queue.Conn{AuthSecret: "wrong-secret"}
			c.Process = func(context.Context, queue.Job) error { t.Error("ran a job"); return nil }
			c.Logger = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
			stop := r.start(c)
			select {
			case <-said.found:
			case <-r.ctx.Done():
				t.Error("never said why")
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if strings.Contains(said.text(), "wrong-secret") {
				t.Errorf("the secret is in the log: %s", said.text())
			}
		})
	}
}

// firstLine is a log that tells when a text is in it.
type firstLine struct {
	want  string
	found chan struct{}

	mu   sync.Mutex
	all  strings.Builder
	once sync.Once
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all.Write(p)
	if strings.Contains(f.all.String(), f.want) {
		f.once.Do(func() { close(f.found) })
	}
	return len(p), nil
}

func (f *firstLine) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all.String()
}
