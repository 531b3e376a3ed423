package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/nsqio/go-nsq"
)

// ErrUnavailable says that no nsqd took the message in time. It wraps one error per nsqd that was tried. A message that timed
// out may have been taken all the same: publishing again is safe because a Job's ID stays the same.
var ErrUnavailable = errors.New("queue: no nsqd took the message")

// ErrClosed is returned for messages sent after Close.
var ErrClosed = errors.New("queue: publisher is closed")

// sendTimeout bounds a Send whose context has no nearer deadline.
const sendTimeout = 10 * time.Second

// PublisherConfig configures NewPublisher.
type PublisherConfig struct {
	Addrs  []string // nsqd TCP addresses, host:port
	Topic  string
	Conn   Conn
	Logger *slog.Logger // go-nsq's own lines, at debug; nil discards them
}

// Publisher publishes to the first of several nsqd that takes the message. It is safe for concurrent use, connects when first
// needed, and survives restarts of nsqd and freezes of its own process.
type Publisher struct {
	topic string
	nodes []*node
}

// NewPublisher checks the settings; it does not connect.
func NewPublisher(c PublisherConfig) (*Publisher, error) {
	if len(c.Addrs) == 0 {
		return nil, errors.New("queue: a publisher needs at least one nsqd address")
	}
	if err := checkAddrs(c.Addrs); err != nil {
		return nil, err
	}
	if !nsq.IsValidTopicName(c.Topic) {
		return nil, fmt.Errorf("queue: %q is no NSQ topic name (1 to 64 of . a-z A-Z 0-9 _ -)", c.Topic)
	}
	p := &Publisher{topic: c.Topic}
	for _, addr := range c.Addrs {
		p.nodes = append(p.nodes, &node{addr: addr, conn: c.Conn, log: nsqLogger(c.Logger)})
	}
	return p, nil
}

// Connect begins to connect to every nsqd and returns at once, so that the first message finds a connection. It is not needed, and
// what fails is tried again when a message is to be sent.
func (p *Publisher) Connect() {
	for _, n := range p.nodes {
		_, _ = n.connect() // ErrClosed, which Publish tells
	}
}

// Publish sends the job and returns the address of the nsqd that has it. Errors are those of Send; the caller decides what
// becomes of a job that no nsqd took.
func (p *Publisher) Publish(ctx context.Context, job Job) (nsqd string, err error) {
	body, err := job.Encode()
	if err != nil {
		return "", err
	}
	return p.Send(ctx, p.topic, body)
}

// Send tries every nsqd once, starting at a random healthy one. Each gets half of the time that is left, the last one all of
// it, so that one silent peer never uses up the deadline. It returns ErrUnavailable, or the context's error inside it.
func (p *Publisher) Send(ctx context.Context, topic string, body []byte) (nsqd string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var errs []error
	for i, n := range p.order() {
		slice, cancel := halve(ctx, i == len(p.nodes)-1)
		err := n.publish(slice, topic, body)
		cancel()
		if err == nil {
			return n.addr, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", n.addr, err))
		if ctx.Err() != nil {
			break
		}
	}
	return "", fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(errs...))
}

// order is all nodes in random order, those that failed a moment ago last.
func (p *Publisher) order() []*node {
	now := time.Now()
	var healthy, suspect []*node
	for _, i := range rand.Perm(len(p.nodes)) {
		if n := p.nodes[i]; n.suspect(now) {
			suspect = append(suspect, n)
		} else {
			healthy = append(healthy, n)
		}
	}
	return append(healthy, suspect...)
}

// halve gives one nsqd half of the time that is left, the last one all of it.
func halve(ctx context.Context, last bool) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if last || !ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// Close ends all connections. Messages under way fail with an ambiguous error.
func (p *Publisher) Close() {
	for _, n := range p.nodes {
		n.close()
	}
}
