// Package redrive lists dead letters and sends them again.
//
// It reads the channel "redrive" of a topic's dead letters. nsqd keeps messages in a topic until it has its first channel, so the
// first run gets every dead letter there is, and from then on the channel collects its own copy of each.
//
// One letter per nsqd is in hand at any time. It is published to its topic on the same nsqd, and only then taken off; what is not
// sent is put back. Whatever interrupts a run, no letter is lost: at worst one is sent twice, which jobs with their stable ids bear.
package redrive

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nsqio/go-nsq"

	"oss-callback/queue"
)

// Channel is where redrive reads dead letters.
const Channel = "redrive"

// Errors of Run.
var (
	ErrConfig      = errors.New("redrive: bad settings")
	ErrUnreachable = errors.New("redrive: nsqd cannot be reached")
	ErrNotSent     = errors.New("redrive: some dead letters could not be sent again, and were put back")
)

// Config says which dead letters to take. Addrs and Topic are required.
type Config struct {
	Addrs []string // nsqd TCP addresses, host:port
	Topic string   // where the jobs go; the dead letters are in queue.DeadTopic of it
	Conn  queue.Conn

	ListOnly bool // put everything back
	Match    Match
	Limit    int           // of letters listed or sent, over all nsqd; 0 is none
	Idle     time.Duration // how long nothing must arrive for an nsqd to have no more; default 4 s, which tells it from a silent one
	// MsgTimeout is when nsqd takes back a letter that a killed run had in hand. Default 10 s, at least 1 s.
	MsgTimeout time.Duration

	// OnLetter is told of every letter that matches, once. It is not called concurrently.
	OnLetter func(Letter)
}

// Action is what became of a letter.
type Action string

// Actions.
const (
	Listed Action = "listed" // put back, as asked for
	Sent   Action = "sent"
	Failed Action = "failed" // put back: see Letter.Err
)

// Letter is a dead letter and what became of it.
type Letter struct {
	queue.DeadLetter           // zero if it could not be read
	Job              queue.Job // zero if the message was no job
	NSQD             string
	Action           Action
	Err              error // why it could not be read or sent
}

// Tally is what a run did.
type Tally struct {
	Listed, Sent, Failed int
	Left                 int // did not match, beyond the limit, or died again during this run; put back
}

// Run goes through the dead letters of each nsqd in turn. It returns nil when every letter that matches was listed or sent; otherwise
// ErrConfig, ErrUnreachable, ErrNotSent or the context's error, joined. The tally is right in any case.
func Run(ctx context.Context, c Config) (Tally, error) {
	c, err := c.withDefaults()
	if err != nil {
		return Tally{}, err
	}
	r := &run{conf: c, sent: map[[sha256.Size]byte]bool{}}
	var errs []error
	for _, addr := range c.Addrs {
		if r.full() || ctx.Err() != nil {
			break
		}
		if err := r.drain(ctx, addr); err != nil {
			errs = append(errs, err)
		}
	}
	if r.tally.Failed > 0 {
		errs = append(errs, fmt.Errorf("%w: %d", ErrNotSent, r.tally.Failed))
	}
	return r.tally, errors.Join(append(errs, ctx.Err())...)
}

func (c Config) withDefaults() (Config, error) {
	if c.Idle == 0 {
		c.Idle = 4 * time.Second
	}
	if c.MsgTimeout == 0 {
		c.MsgTimeout = 10 * time.Second
	}
	if c.OnLetter == nil {
		c.OnLetter = func(Letter) {}
	}
	switch {
	case len(c.Addrs) == 0:
		return c, fmt.Errorf("%w: at least one nsqd address is needed", ErrConfig)
	case strings.HasSuffix(c.Topic, queue.DeadTopic("")):
		return c, fmt.Errorf("%w: %q is a topic of dead letters: name the one that they came from", ErrConfig, c.Topic)
	case !nsq.IsValidTopicName(queue.DeadTopic(c.Topic)):
		return c, fmt.Errorf("%w: %q is no NSQ topic name with room for %q", ErrConfig, c.Topic, queue.DeadTopic(""))
	case c.Limit < 0, c.Idle < 0, c.MsgTimeout < time.Second, c.Match.OlderThan < 0:
		return c, fmt.Errorf("%w: limits and times must not be negative, nor the message timeout below 1s", ErrConfig)
	}
	return c, c.Match.check()
}

// run is one pass over all nsqd.
type run struct {
	conf  Config
	tally Tally
	// sent are the messages sent so far. A letter with one of them died again while we run: it is left for the next run, or a job that
	// dies at once would keep us busy for ever.
	sent map[[sha256.Size]byte]bool
}

func (r *run) full() bool {
	return r.conf.Limit > 0 && r.tally.Listed+r.tally.Sent+r.tally.Failed >= r.conf.Limit
}

// sendTimeout bounds the wait for nsqd to take a message; with it the letter stays in hand for less than MsgTimeout.
func (r *run) sendTimeout() time.Duration { return r.conf.MsgTimeout / 2 }

// consider does with one letter what is asked for, and reports whether it is to be taken off the channel. An error ends the work on this
// nsqd.
func (r *run) consider(ctx context.Context, addr string, publisher *queue.Publisher, body []byte, now time.Time) (done bool, err error) {
	l, message := open(addr, body)
	sum := sha256.Sum256(message)
	if !r.conf.Match.ok(l, now) || r.full() || r.sent[sum] {
		r.tally.Left++
		return false, nil
	}
	if r.conf.ListOnly {
		l.Action = Listed
		r.tally.Listed++
		r.conf.OnLetter(l)
		return false, nil
	}
	if l.Err == nil && l.Topic != r.conf.Topic {
		l.Err = fmt.Errorf("it came from the topic %q", l.Topic)
	}
	if l.Err == nil {
		l.Err = r.send(ctx, publisher, message)
		if refused := new(nsq.ErrProtocol); l.Err != nil && !errors.As(l.Err, refused) {
			err = fmt.Errorf("%w: %w", ErrUnreachable, l.Err)
		}
	}
	if l.Action = Sent; l.Err != nil {
		l.Action = Failed
		r.tally.Failed++
	} else {
		r.sent[sum] = true
		r.tally.Sent++
	}
	r.conf.OnLetter(l)
	return l.Action == Sent, err
}

// open takes a dead letter apart, as far as it can be read, and returns the message to send for it.
func open(addr string, body []byte) (Letter, []byte) {
	l := Letter{NSQD: addr}
	if l.DeadLetter, l.Err = queue.DecodeDeadLetter(body); l.Err != nil {
		return l, body
	}
	l.Job, _ = queue.DecodeJob(l.DeadLetter.Job) // it may have died because it is none
	message, err := l.Message()
	l.Err = err
	return l, message
}

// send outlives ctx: a letter in hand is brought to its end, which takes sendTimeout at most.
func (r *run) send(ctx context.Context, publisher *queue.Publisher, message []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.sendTimeout())
	defer cancel()
	_, err := publisher.Send(ctx, r.conf.Topic, message)
	return err
}

func (c Config) nsqConfig(secured func()) *nsq.Config {
	conf := nsq.NewConfig()
	conf.UserAgent = "oss-callback redrive go-nsq/" + nsq.VERSION
	conf.MaxInFlight = 1
	conf.MaxAttempts = 0 // going round counts as attempts
	conf.MsgTimeout = c.MsgTimeout
	conf.DialTimeout, conf.HeartbeatInterval, conf.ReadTimeout = 3*time.Second, time.Second, 3*time.Second
	conf.AuthSecret = c.Conn.AuthSecret
	if c.Conn.TLS {
		conf.TlsV1 = true
		conf.TlsConfig = &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: func(tls.ConnectionState) error { secured(); return nil }}
	}
	return conf
}
