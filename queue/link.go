package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

var (
	errUnasked     = errors.New("nsqd sent an answer that nobody waits for")
	errNotAnAnswer = errors.New("nsqd sent a message to a publisher")
)

// link is one connection to an nsqd, from dialling to its end; a broken one is replaced, never mended. It stands where one would
// expect nsq.Producer, which dials, and waits for the answer to IDENTIFY, on the goroutine that publishes; reconnects by itself,
// without looking whether TLS is still there; and learns of a cut only a tenth of a second later.
type link struct {
	conn     *nsq.Conn
	started  time.Time
	ready    chan struct{} // closed when connected, or down
	down     chan struct{} // closed when err is set
	requests chan request

	mu        sync.Mutex
	connected bool
	waiting   []request // written and not answered, in this order: nsqd answers in order
	heard     int64     // UnixNano of the last answer, on the wall clock: it goes on while the process is frozen
	err       error
}

type request struct {
	command *nsq.Command
	done    chan error // has room for the one answer: nobody may be waiting any more
}

func newLink(addr string, conn Conn, log logAdapter) *link {
	now := time.Now()
	l := &link{started: now, heard: now.UnixNano(),
		ready: make(chan struct{}), down: make(chan struct{}), requests: make(chan request)}
	secured := false
	conf := conn.config()
	if conn.TLS {
		// go-nsq goes on in the clear when nsqd offers no TLS: the secret is there only once TLS is.
		conf.AuthSecret = ""
		conf.TlsConfig.VerifyConnection = func(tls.ConnectionState) error {
			secured, conf.AuthSecret = true, conn.AuthSecret
			return nil
		}
	}
	l.conn = nsq.NewConn(addr, conf, linkEvents{l})
	l.conn.SetLogger(log, nsq.LogLevelInfo, "")
	go l.connect(func() bool { return secured || !conn.TLS })
	return l
}

// connect runs apart from those who wait for it: nobody can cut it short. It ends by dialTimeout or readTimeout.
func (l *link) connect(safe func() bool) {
	defer close(l.ready)
	defer func() {
		if p := recover(); p != nil { // go-nsq trusts nsqd to answer IDENTIFY with at least one byte
			l.fail(fmt.Errorf("connecting: panic: %v", p))
		}
	}()
	_, err := l.conn.Connect()
	// A peer that refuses TLS and asks for the secret is the same: go-nsq, which was given none, words it so.
	if !safe() && (err == nil || err.Error() == "Auth Required") {
		err = ErrNoTLS
	}
	l.mu.Lock()
	l.connected = err == nil
	ended := l.err != nil
	l.mu.Unlock()
	switch {
	case err != nil:
		l.fail(fmt.Errorf("connecting: %w", err))
		l.conn.Close()
	case ended: // while it connected
		l.conn.Close()
	default:
		go l.write()
	}
}

// publish returns nsqd's answer; nsq.ErrNotConnected if the connection was lost before there was one; or the context's error.
func (l *link) publish(ctx context.Context, command *nsq.Command) error {
	select {
	case <-l.ready:
	case <-l.down:
	case <-ctx.Done():
		return fmt.Errorf("connecting: %w", ctx.Err())
	}
	r := request{command, make(chan error, 1)}
	select {
	case l.requests <- r:
	case <-l.down:
		return l.err
	case <-ctx.Done():
		return fmt.Errorf("writing: %w", ctx.Err())
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for nsqd: %w", ctx.Err())
	}
}

// write sends requests one after the other until the link is down.
func (l *link) write() {
	for {
		select {
		case r := <-l.requests:
			if err := l.expect(r); err != nil {
				r.done <- err
			} else if err := l.conn.WriteCommand(r.command); err != nil {
				l.fail(fmt.Errorf("%w: %v", nsq.ErrNotConnected, err))
			}
		case <-l.down:
			return
		}
	}
}

// expect notes who waits for the next answer but those before it, unless the link is down.
func (l *link) expect(r request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.waiting = append(l.waiting, r)
	}
	return l.err
}

// answer hands nsqd's next answer to who has waited longest.
func (l *link) answer(err error) {
	l.mu.Lock()
	if len(l.waiting) == 0 {
		l.mu.Unlock()
		l.fail(errUnasked)
		return
	}
	r := l.waiting[0]
	l.waiting = l.waiting[1:]
	l.heard = time.Now().UnixNano()
	l.mu.Unlock()
	r.done <- err
}

// fail ends the link, once, and tells all who wait.
func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	close(l.down)
	for _, r := range l.waiting {
		r.done <- err
	}
	l.waiting = nil
	if l.connected {
		l.conn.Close()
	}
}

// retire ends the link when those who still wait have had their time.
func (l *link) retire() { time.AfterFunc(retirement, func() { l.fail(nsq.ErrNotConnected) }) }

// usable is false for a link that is down, that connects for too long, or that has been idle for so long that nsqd has hung up.
func (l *link) usable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return false
	case !l.connected:
		return time.Since(l.started) < slowConnect
	}
	return time.Now().UnixNano()-l.heard < int64(maxIdle)
}

// silentSince reports whether a connected link brought nothing since then. One that still connects has its own time.
func (l *link) silentSince(t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.connected && l.heard < t.UnixNano()
}

// linkEvents are go-nsq's calls from its read loop.
type linkEvents struct{ *link }

func (e linkEvents) OnResponse(*nsq.Conn, []byte) { e.answer(nil) }
func (e linkEvents) OnError(_ *nsq.Conn, text []byte) {
	e.answer(nsq.ErrProtocol{Reason: string(text)})
}
func (e linkEvents) OnMessage(*nsq.Conn, *nsq.Message) { e.fail(errNotAnAnswer) }
func (e linkEvents) OnIOError(_ *nsq.Conn, err error) {
	e.fail(fmt.Errorf("%w: %v", nsq.ErrNotConnected, err))
}
func (e linkEvents) OnClose(*nsq.Conn)                         { e.fail(nsq.ErrNotConnected) }
func (e linkEvents) OnHeartbeat(*nsq.Conn)                     {}
func (e linkEvents) OnMessageFinished(*nsq.Conn, *nsq.Message) {}
func (e linkEvents) OnMessageRequeued(*nsq.Conn, *nsq.Message) {}
func (e linkEvents) OnBackoff(*nsq.Conn)                       {}
func (e linkEvents) OnContinue(*nsq.Conn)                      {}
func (e linkEvents) OnResume(*nsq.Conn)                        {}
