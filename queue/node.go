package queue

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-nsq"
)

const (
	// suspectFor is how long a node that failed is tried last.
	suspectFor = 5 * time.Second
	// slowConnect is how long a connect may take before a later publish dials anew.
	slowConnect = 2 * time.Second
	// maxIdle is when nsqd has surely hung up on a process that was frozen: two heartbeats.
	maxIdle = 2 * heartbeat
	// retirement is how long a link that seems dead may still bring the answers that others wait for.
	retirement = 5 * time.Second
	// maxTries bounds the new connections that one publish may ask of one nsqd.
	maxTries = 3
)

// node is one nsqd. It connects in the background, and every caller waits no longer than its own context.
type node struct {
	addr   string
	conn   Conn
	log    logAdapter
	failed atomic.Int64 // UnixNano of the last failure

	mu     sync.Mutex
	link   *link // the one to use; nil for none
	closed bool
}

func (n *node) suspect(now time.Time) bool { return now.UnixNano()-n.failed.Load() < int64(suspectFor) }

// publish sends one message. nsq.ErrNotConnected is tried again on a new connection: it is what the first publish after a cut or
// a thaw gets, and it comes back for messages already written too, which is why jobs have stable ids.
func (n *node) publish(ctx context.Context, topic string, body []byte) error {
	err := n.publishOnce(ctx, topic, body)
	for try := 2; try <= maxTries && errors.Is(err, nsq.ErrNotConnected) && ctx.Err() == nil; try++ {
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
	began := time.Now()
	err = l.publish(ctx, nsq.Publish(topic, body))
	// Nothing came back for as long as this caller could wait: the next one gets a new connection. Others may have more time, and
	// keep theirs.
	if errors.Is(err, context.DeadlineExceeded) && l.silentSince(began) {
		n.retire(l)
	}
	return err
}

// connect returns the current link, or a new one that is being connected.
func (n *node) connect() (*link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return nil, ErrClosed
	case n.link != nil && n.link.usable():
		return n.link, nil
	case n.link != nil:
		n.link.retire()
	}
	n.link = newLink(n.addr, n.conn, n.log)
	return n.link, nil
}

func (n *node) retire(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.link == l {
		n.link = nil
		l.retire()
	}
}

func (n *node) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.link != nil {
		n.link.fail(ErrClosed)
		n.link = nil
	}
}
