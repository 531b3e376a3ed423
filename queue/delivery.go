package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
	"golang.org/x/sync/semaphore"
)

// duplicateDelay is how long a repeat waits while the same job is being run.
const duplicateDelay = 2 * time.Second

var errNeverAnswered = errors.New("every attempt ended without an answer: the worker died, or lost its nsqd")

// deliveries answers every message exactly once, with Finish or Requeue, and never finishes one whose job is neither done nor
// published again. go-nsq's own backoff, which pauses all messages after one failure, stays out of it.
//
// Attempts. nsqd counts deliveries of a message in Message.Attempts, this one included; Job.Attempts counts what was used in
// earlier messages of the job: the attempt is their sum. To come again without using an attempt, a job travels in a fresh
// message (nsqd's count starts at 1) that carries the attempts used so far. One that has NotBefore is never run, only requeued
// until its time and then replaced by a fresh message without it: its deliveries, however many, count for nothing.
// (nsqd's deferred publish is no way to wait: with --mem-queue-size=0 the message goes to disk and its timer is lost.)
type deliveries struct {
	conf   ConsumerConfig
	jobs   context.Context // done when running jobs must end
	slots  *semaphore.Weighted
	refuse context.CancelCauseFunc // ends Run

	mu         sync.Mutex
	running    map[string]struct{}   // by job id
	publishers map[string]*Publisher // by nsqd
	secure     map[string]bool       // nsqd that are known to offer TLS
}

// HandleMessage implements nsq.Handler.
func (d *deliveries) HandleMessage(m *nsq.Message) error {
	m.DisableAutoResponse()
	start := time.Now()
	r := d.handle(m)
	r.Took = time.Since(start)
	d.conf.Observe(r)
	return nil
}

// LogFailedMessage would be called before go-nsq gives a message up. MaxAttempts is off; if that ever changes, nothing is lost.
func (d *deliveries) LogFailedMessage(m *nsq.Message) {
	d.conf.Observe(d.bury(m, Result{Attempt: int(m.Attempts), Err: errNeverAnswered}, ReasonAttemptsExhausted))
}

func (d *deliveries) handle(m *nsq.Message) Result {
	if err := d.checkTLS(m.NSQDAddress); err != nil {
		return d.requeue(m, Result{Attempt: int(m.Attempts), Err: err}, d.conf.Backoff.First, OutcomePutBack)
	}
	job, err := DecodeJob(m.Body)
	switch {
	case errors.Is(err, ErrUnknownVersion):
		return d.bury(m, Result{Attempt: int(m.Attempts), Err: err}, ReasonUnknownVersion)
	case err != nil:
		return d.bury(m, Result{Attempt: int(m.Attempts), Err: err}, ReasonMalformedJob)
	}
	if job.Channel != "" && job.Channel != d.conf.Channel {
		m.Finish() // another channel's copy; this one has, or had, its own
		return Result{Job: job, Attempt: job.Attempts + 1, Outcome: OutcomeForeign}
	}
	if wait := time.Until(job.NotBefore); !job.NotBefore.IsZero() {
		r := Result{Job: job, Attempt: job.Attempts + 1}
		if wait > 0 {
			return d.requeue(m, r, wait, OutcomeParked)
		}
		return d.again(m, r, 0, OutcomeParked)
	}
	r := Result{Job: job, Attempt: job.Attempts + int(m.Attempts)}
	if !d.slots.TryAcquire(1) { // Run holds or awaits all slots: shutdown
		return d.again(m, r, 0, OutcomePutBack)
	}
	defer d.slots.Release(1)
	if !d.begin(job.ID) {
		return d.again(m, r, duplicateDelay, OutcomePutBack)
	}
	defer d.end(job.ID)
	if r.Attempt > d.conf.MaxAttempts {
		r.Err = errNeverAnswered
		return d.bury(m, r, ReasonAttemptsExhausted)
	}
	r.Err = d.run(m, job)
	return d.settle(m, r)
}

// checkTLS returns an error for an nsqd that may have delivered in the clear, which go-nsq does without a word when nsqd offers no
// TLS. Each is asked once.
func (d *deliveries) checkTLS(nsqd string) error {
	d.mu.Lock()
	secure := !d.conf.Conn.TLS || d.secure[nsqd]
	d.mu.Unlock()
	if secure {
		return nil
	}
	ctx, cancel := context.WithTimeout(d.jobs, closeTimeout)
	defer cancel()
	err := d.conf.Conn.checkTLS(ctx, nsqd, nsqLogger(d.conf.Logger))
	if errors.Is(err, ErrNoTLS) {
		d.refuse(ErrNoTLS)
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.secure[nsqd] = true
	return nil
}

// settle answers the message of a job that was run.
func (d *deliveries) settle(m *nsq.Message, r Result) Result {
	after, isLater := IsLater(r.Err)
	switch {
	case r.Err == nil:
		m.Finish()
		r.Outcome = OutcomeDone
		return r
	case IsPermanent(r.Err):
		return d.bury(m, r, ReasonPermanent)
	case isLater:
		return d.again(m, r, after, OutcomePostponed)
	case d.jobs.Err() != nil:
		return d.again(m, r, 0, OutcomePutBack)
	case r.Attempt >= d.conf.MaxAttempts:
		return d.bury(m, r, ReasonAttemptsExhausted)
	}
	return d.requeue(m, r, d.conf.Backoff.Delay(r.Attempt), OutcomeRetried)
}

// run calls Process and tells nsqd meanwhile that the message is being worked on.
func (d *deliveries) run(m *nsq.Message, job Job) (err error) {
	ctx, cancel := context.WithTimeout(d.jobs, d.conf.JobTimeout)
	var touching sync.WaitGroup
	touching.Go(func() {
		tick := time.NewTicker(d.conf.MsgTimeout / 3)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				m.Touch()
			case <-ctx.Done():
				return
			}
		}
	})
	defer touching.Wait()
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			d.conf.Logger.Error("Process panicked", "job", job.ID, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return d.conf.Process(ctx, job)
}

// requeue has nsqd deliver this very message again, which counts as a delivery.
func (d *deliveries) requeue(m *nsq.Message, r Result, delay time.Duration, o Outcome) Result {
	if delay > 0 {
		delay = min(delay+time.Millisecond, maxDelay) // go-nsq rounds down to milliseconds
	}
	m.RequeueWithoutBackoff(delay)
	r.Outcome = o
	return r
}

// again replaces the message by a fresh one that carries the attempts used before this one. If that fails, the message itself
// comes again, and an attempt is used.
func (d *deliveries) again(m *nsq.Message, r Result, delay time.Duration, o Outcome) Result {
	var notBefore time.Time
	if delay > 0 {
		notBefore = time.Now().Add(delay).UTC()
	}
	body, err := reschedule(m.Body, r.Attempt-1, notBefore, d.conf.Channel)
	if err == nil {
		err = d.send(m, d.conf.Topic, body)
	}
	if err != nil {
		r.Err = errors.Join(r.Err, err)
		return d.requeue(m, r, max(delay, d.conf.Backoff.Delay(1)), OutcomeRetried)
	}
	m.Finish()
	r.Outcome = o
	return r
}

// bury publishes the dead letter. If that fails the message comes again.
func (d *deliveries) bury(m *nsq.Message, r Result, reason Reason) Result {
	body, err := NewDeadLetter(d.conf.Topic, m.Body, reason, r.Attempt, r.Err, time.Now()).Encode()
	if err == nil {
		err = d.send(m, DeadTopic(d.conf.Topic), body)
	}
	if err != nil {
		r.Err = errors.Join(r.Err, err)
		return d.requeue(m, r, d.conf.Backoff.Delay(r.Attempt), OutcomeRetried)
	}
	m.Finish()
	r.Outcome, r.Reason = OutcomeDead, reason
	return r
}

// send publishes to the nsqd that delivered the message: of all of them, it is known to be there. It must work while jobs are
// being interrupted, so it has a time limit of its own.
func (d *deliveries) send(m *nsq.Message, topic string, body []byte) error {
	d.mu.Lock()
	p := d.publishers[m.NSQDAddress]
	if p == nil {
		var err error
		p, err = NewPublisher(PublisherConfig{
			Addrs: []string{m.NSQDAddress}, Topic: d.conf.Topic, Conn: d.conf.Conn, Logger: d.conf.Logger,
		})
		if err != nil {
			d.mu.Unlock()
			return err
		}
		d.publishers[m.NSQDAddress] = p
	}
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.jobs), closeTimeout)
	defer cancel()
	_, err := p.Send(ctx, topic, body)
	return err
}

// begin claims a job id, unless it is being run.
func (d *deliveries) begin(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, busy := d.running[id]
	d.running[id] = struct{}{}
	return !busy
}

func (d *deliveries) end(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.running, id)
}

func (d *deliveries) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.publishers {
		p.Close()
	}
}

// reschedule changes the Consumer's own fields of an encoded job and keeps all others, also those of a newer build.
func reschedule(body []byte, attempts int, notBefore time.Time, channel string) ([]byte, error) {
	var job map[string]json.RawMessage
	if err := json.Unmarshal(body, &job); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformedJob, err)
	}
	delete(job, "attempts")
	delete(job, "not_before")
	delete(job, "channel")
	own := struct {
		Attempts  int       `json:"attempts,omitempty"`
		NotBefore time.Time `json:"not_before,omitzero"`
		Channel   string    `json:"channel,omitempty"`
	}{attempts, notBefore, channel}
	b, err := json.Marshal(own)
	if err == nil {
		err = json.Unmarshal(b, &job) // adds to the map
	}
	if err != nil {
		return nil, fmt.Errorf("queue: reschedule job: %w", err)
	}
	return json.Marshal(job)
}
