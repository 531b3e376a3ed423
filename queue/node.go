package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-nsq"
)

const (
	// suspectFor is how long a node that failed is tried last.
	suspectFor = 5 * time.Second
	// slowConnect is how long a connect may take before a later publish gives up on it and dials anew.
	slowConnect = 2 * time.Second
	// maxIdle is when nsqd has surely hung up on a process that was frozen: two heartbeats.
	maxIdle = 2 * heartbeat
)

// node is one nsqd. go-nsq's Producer dials, and waits for the answer to IDENTIFY, on the goroutine that publishes, for up to
// ReadTimeout; so a node connects in the background and every caller waits no longer than its own context.
type node struct {
	addr   string
	conn   Conn
	log    logAdapter
	failed atomic.Int64 // UnixNano of the last failure

	mu     sync.Mutex
	link   *link
	closed bool
}

func (n *node) suspect(now time.Time) bool { return now.UnixNano()-n.failed.Load() < int64(suspectFor) }

// publish sends one message. nsq.ErrNotConnected is tried once more on a new connection: it is what the first publish after a
// cut or a thaw gets, and it comes back for messages already written too, which is why jobs have stable ids.
func (n *node) publish(ctx context.Context, topic string, body []byte) error {
	err := n.publishOnce(ctx, topic, body)
	if errors.Is(err, nsq.ErrNotConnected) {
		err = n.publishOnce(ctx, topic, body)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		n.failed.Store(time.Now().UnixNano())
	}
	return err
}

func (n *node) publishOnce(ctx context.Context, topic string, body []byte) error {
	l, err := n.connect()
	if err != nil {
		return err
	}
	err = l.publish(ctx, topic, body)
	var refused nsq.ErrProtocol
	switch {
	case err == nil:
		l.used.Store(time.Now().UnixNano())
	case errors.As(err, &refused), errors.Is(err, context.Canceled):
		// nsqd answered, or the caller left: the connection is fine.
	case l.connecting() && time.Since(l.started) < slowConnect:
		// Let the next publish find it connected.
	default:
		n.drop(l)
	}
	return err
}

// connect returns the current link, or a new one that is being connected.
func (n *node) connect() (*link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	if n.link != nil && !n.link.stale() {
		return n.link, nil
	}
	if n.link != nil {
		n.link.stop()
	}
	l, err := newLink(n.addr, n.conn, n.log)
	if err != nil {
		return nil, err
	}
	n.link = l
	return l, nil
}

func (n *node) drop(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.link == l {
		n.link = nil
		l.stop()
	}
}

func (n *node) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.link != nil {
		n.link.stop()
		n.link = nil
	}
}

// link is one connection to an nsqd, from dialling to its end.
type link struct {
	producer *nsq.Producer
	started  time.Time
	used     atomic.Int64  // UnixNano of the last success, on the wall clock: it goes on while the process is frozen
	ready    chan struct{} // closed when err is set
	err      error
}

func newLink(addr string, conn Conn, log logAdapter) (*link, error) {
	conf := conn.config()
	var secured atomic.Bool
	if conn.TLS {
		conf.TlsConfig.VerifyConnection = func(tls.ConnectionState) error { secured.Store(true); return nil }
	}
	producer, err := nsq.NewProducer(addr, conf)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	producer.SetLogger(log, nsq.LogLevelInfo)
	l := &link{producer: producer, started: time.Now(), ready: make(chan struct{})}
	l.used.Store(time.Now().UnixNano())
	go func() {
		defer close(l.ready)
		l.err = producer.Ping()
		// go-nsq goes on in the clear when nsqd does not offer TLS.
		if l.err == nil && conn.TLS && !secured.Load() {
			l.err = errors.New("nsqd offers no TLS: start it with --tls-cert and --tls-key, or unset NSQ_TLS")
		}
	}()
	return l, nil
}

func (l *link) publish(ctx context.Context, topic string, body []byte) error {
	select {
	case <-l.ready:
	case <-ctx.Done():
		return fmt.Errorf("connecting: %w", ctx.Err())
	}
	if l.err != nil {
		return fmt.Errorf("connecting: %w", l.err)
	}
	// PublishAsync itself may block while it connects again; a done channel that nobody reads must have room.
	done := make(chan *nsq.ProducerTransaction, 1)
	sent := make(chan error, 1)
	go func() { sent <- l.producer.PublishAsync(topic, body, done) }()
	for {
		select {
		case err := <-sent:
			if err != nil {
				return err
			}
			sent = nil
		case t := <-done:
			return t.Error
		case <-ctx.Done():
			return fmt.Errorf("waiting for nsqd: %w", ctx.Err())
		}
	}
}

func (l *link) connecting() bool {
	select {
	case <-l.ready:
		return false
	default:
		return true
	}
}

// stale is true for a link that failed, or that has not been used for so long that nsqd has hung up.
func (l *link) stale() bool {
	if l.connecting() {
		return time.Since(l.started) > slowConnect
	}
	return l.err != nil || time.Now().UnixNano()-l.used.Load() > int64(maxIdle)
}

// stop ends the link in the background: Producer.Stop waits for a connect under way, which is bounded by readTimeout.
func (l *link) stop() { go l.producer.Stop() }
