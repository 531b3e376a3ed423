package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
)

func newPublisher(t *testing.T, addrs ...string) *queue.Publisher {
	t.Helper()
	p, err := queue.NewPublisher(queue.PublisherConfig{Addrs: addrs, Topic: "uploads"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

var upload = queue.Job{V: queue.Version, ID: "j1", Bucket: "photos", Object: "a.jpg", ETag: "E", Size: 3}

// messages is how many messages the nsqd has ever taken for the topic.
func messages(t *testing.T, n *nsqtest.NSQD) uint64 {
	t.Helper()
	stats, err := n.Stats(within(t, 10*time.Second), "uploads", "")
	if err != nil {
		t.Fatal(err)
	}
	return stats.Messages
}

// wire is a TCP relay in front of an nsqd, to cut and to silence.
type wire struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	mute  bool
	conns []net.Conn
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, target: target}
	t.Cleanup(func() { l.Close(); w.cut() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.relay(conn)
		}
	}()
	return w
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) relay(client net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, client)
	if w.mute {
		return // accepted, and never answered
	}
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		client.Close()
		return
	}
	w.conns = append(w.conns, server)
	go io.Copy(w.unlessMute(server), client)
	go io.Copy(w.unlessMute(client), server)
}

// unlessMute swallows what arrives while the wire is mute, like a peer that has lost its power.
func (w *wire) unlessMute(to net.Conn) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		w.mu.Lock()
		mute := w.mute
		w.mu.Unlock()
		if mute {
			return len(p), nil
		}
		return to.Write(p)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (w *wire) silence(mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mute = mute
}

// cut closes every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// closedPort is an address at which nobody listens, nor will: who asks for any port gets one above these.
func closedPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func TestPublish(t *testing.T) {
	n := nsqtest.New(t)
	p := newPublisher(t, n.TCPAddr())
	if err := n.CreateChannel(within(t, 10*time.Second), "uploads", "c"); err != nil {
		t.Fatal(err)
	}
	nsqd, err := p.Publish(within(t, 10*time.Second), upload)
	if err != nil || nsqd != n.TCPAddr() {
		t.Fatal(nsqd, err)
	}
	body, err := n.Receive(within(t, 10*time.Second), "uploads", "c")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := queue.DecodeJob(body); err != nil || got.ID != "j1" || got.Object != "a.jpg" {
		t.Fatal(got, err)
	}
}

// TestPublishFindsTheLiveOne: among refusing, silent and resetting peers, wherever the search starts.
func TestPublishFindsTheLiveOne(t *testing.T) {
	n := nsqtest.New(t)
	silent := newWire(t, n.TCPAddr())
	silent.silence(true)
	resetting := newWire(t, closedPort(t))
	for range 4 {
		p := newPublisher(t, closedPort(t), silent.addr(), resetting.addr(), n.TCPAddr())
		if nsqd, err := p.Publish(within(t, 2*time.Second), upload); err != nil || nsqd != n.TCPAddr() {
			t.Fatal(nsqd, err)
		}
	}
}

func TestPublishNamesEveryFault(t *testing.T) {
	refusing := closedPort(t)
	n := nsqtest.New(t)
	silent := newWire(t, n.TCPAddr())
	silent.silence(true)
	p := newPublisher(t, refusing, silent.addr())
	_, err := p.Publish(within(t, 300*time.Millisecond), upload)
	if !errors.Is(err, queue.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	for _, part := range []string{refusing, "refused", silent.addr(), "deadline"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
}

// TestFirstPublishAfterACut is what an instance meets after a freeze: nsqd has hung up meanwhile.
func TestFirstPublishAfterACut(t *testing.T) {
	n := nsqtest.New(t)
	w := newWire(t, n.TCPAddr())
	p := newPublisher(t, w.addr())
	for i := range 30 {
		if _, err := p.Publish(within(t, 5*time.Second), upload); err != nil {
			t.Fatalf("publish %d, after a cut: %v", i, err)
		}
		w.cut()
	}
	if got := messages(t, n); got < 30 {
		t.Fatalf("nsqd has %d messages", got)
	}
}

func TestFirstPublishAfterARestart(t *testing.T) {
	n := nsqtest.New(t)
	p := newPublisher(t, n.TCPAddr())
	for i := range 5 {
		if _, err := p.Publish(within(t, 5*time.Second), upload); err != nil {
			t.Fatalf("publish %d: %v", i, err)
		}
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPeerFallsSilent: the connection stands, but nothing comes back. The other nsqd gets the message, and the silent one is
// tried last from then on; when it wakes up it is used again.
func TestPeerFallsSilent(t *testing.T) {
	a, b := nsqtest.New(t), nsqtest.New(t)
	w := newWire(t, a.TCPAddr())
	p := newPublisher(t, w.addr())
	if _, err := p.Publish(within(t, 5*time.Second), upload); err != nil {
		t.Fatal(err)
	}
	w.silence(true)
	if _, err := p.Publish(within(t, 100*time.Millisecond), upload); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatal(err)
	}
	w.silence(false)
	if _, err := p.Publish(within(t, 5*time.Second), upload); err != nil {
		t.Fatalf("after it woke up: %v", err)
	}

	both := newPublisher(t, w.addr(), b.TCPAddr())
	w.silence(true)
	for i := range 20 {
		if nsqd, err := both.Publish(within(t, 2*time.Second), upload); err != nil || nsqd != b.TCPAddr() {
			t.Fatalf("publish %d: %s, %v", i, nsqd, err)
		}
	}
}

// TestTimedOutPublishIsAmbiguous: nsqd has the message, its answer was lost, and the repeat carries the same id.
func TestTimedOutPublishIsAmbiguous(t *testing.T) {
	n := nsqtest.New(t)
	if err := n.CreateChannel(within(t, 10*time.Second), "uploads", "c"); err != nil {
		t.Fatal(err)
	}
	var deaf sync.Once
	w := newOneWay(t, n.TCPAddr(), &deaf)
	p := newPublisher(t, w)
	if _, err := p.Publish(within(t, 500*time.Millisecond), upload); !errors.Is(err, queue.ErrUnavailable) {
		t.Fatal(err)
	}
	if _, err := p.Publish(within(t, 10*time.Second), upload); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(within(t, 10*time.Second), "uploads", "c", func(s nsqtest.Stats) bool { return s.Depth == 2 }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		body, err := n.Receive(within(t, 10*time.Second), "uploads", "c")
		if err != nil {
			t.Fatal(err)
		}
		if job, err := queue.DecodeJob(body); err != nil || job.ID != upload.ID {
			t.Fatal(job, err)
		}
	}
}

// newOneWay relays to nsqd; on the first connection nothing after the answer to IDENTIFY comes back.
func newOneWay(t *testing.T, target string, once *sync.Once) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			t.Cleanup(func() { client.Close(); server.Close() })
			go io.Copy(server, client)
			back := io.Reader(server)
			once.Do(func() { back = firstRead{server} })
			go io.Copy(client, back)
		}
	}()
	return l.Addr().String()
}

// firstRead ends after one read, and leaves the connection open.
type firstRead struct{ r io.Reader }

func (f firstRead) Read([]byte) (int, error) { return 0, io.EOF }
func (f firstRead) WriteTo(w io.Writer) (int64, error) {
	b := make([]byte, 4096)
	n, err := f.r.Read(b)
	if err != nil {
		return 0, err
	}
	n, err = w.Write(b[:n])
	return int64(n), err
}

func TestConcurrentPublish(t *testing.T) {
	a, b := nsqtest.New(t), nsqtest.New(t)
	p := newPublisher(t, a.TCPAddr(), b.TCPAddr())
	ctx := within(t, 60*time.Second)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for j := range 5 {
				job := upload
				job.ID = fmt.Sprint(i, "-", j)
				if _, err := p.Publish(ctx, job); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := messages(t, a) + messages(t, b); got != 320 {
		t.Errorf("%d messages, want 320", got)
	}
}

func TestTLSIsNotGivenUp(t *testing.T) {
	n := nsqtest.New(t) // without TLS
	p, err := queue.NewPublisher(queue.PublisherConfig{Addrs: []string{n.TCPAddr()}, Topic: "uploads", Conn: queue.Conn{TLS: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Publish(within(t, 5*time.Second), upload); !errors.Is(err, queue.ErrUnavailable) || !strings.Contains(err.Error(), "TLS") {
		t.Fatal(err)
	}
	if got := messages(t, n); got != 0 {
		t.Fatalf("%d messages went in the clear", got)
	}
}

func TestClosedPublisher(t *testing.T) {
	n := nsqtest.New(t)
	p := newPublisher(t, n.TCPAddr())
	if _, err := p.Publish(within(t, 5*time.Second), upload); err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	if _, err := p.Publish(within(t, 5*time.Second), upload); !errors.Is(err, queue.ErrClosed) {
		t.Fatal(err)
	}
}

func TestNewPublisherRefuses(t *testing.T) {
	for name, c := range map[string]queue.PublisherConfig{
		"no address": {Topic: "t"},
		"no port":    {Addrs: []string{"nsqd"}, Topic: "t"},
		"empty host": {Addrs: []string{":4150"}, Topic: "t"},
		"no topic":   {Addrs: []string{"a:1"}},
		"bad topic":  {Addrs: []string{"a:1"}, Topic: "a b"},
		"long topic": {Addrs: []string{"a:1"}, Topic: strings.Repeat("t", 65)},
	} {
		if _, err := queue.NewPublisher(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Connect is ahead of the first message, which then goes over that connection.
func TestConnect(t *testing.T) {
	n := nsqtest.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := newPublisher(t, l.Addr().String())
	p.Connect()
	client, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // there will be no other
	nsqd, err := net.Dial("tcp", n.TCPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer nsqd.Close()
	go io.Copy(nsqd, client)
	go io.Copy(client, nsqd)
	if _, err := p.Publish(within(t, 10*time.Second), upload); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, n); got != 1 {
		t.Errorf("%d messages", got)
	}
	p.Close()
	p.Connect() // harmless
}
