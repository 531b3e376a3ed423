package queue

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nsqio/go-nsq"

	"oss-callback/queue/nsqtest"
)

// answers is what deliveries tell nsqd about a message.
type answers struct {
	finished, requeued int
	delay              time.Duration
}

func (a *answers) OnFinish(*nsq.Message) { a.finished++ }
func (a *answers) OnTouch(*nsq.Message)  {}
func (a *answers) OnRequeue(_ *nsq.Message, delay time.Duration, _ bool) {
	a.requeued++
	a.delay = delay
}

// go-nsq calls LogFailedMessage only if MaxAttempts is on, which it is not. Called all the same, it keeps the message, or has it
// delivered again.
func TestLogFailedMessageKeepsTheMessage(t *testing.T) {
	n := nsqtest.New(t)
	if err := n.CreateChannel(t.Context(), DeadTopic("jobs"), "keep"); err != nil {
		t.Fatal(err)
	}
	var results []Result
	newMessage := func() (*nsq.Message, *answers) {
		m, a := nsq.NewMessage(nsq.MessageID{1}, []byte(`{"v":1}`)), &answers{}
		m.NSQDAddress, m.Attempts, m.Delegate = n.TCPAddr(), 6, a
		return m, a
	}
	d := &deliveries{
		conf: ConsumerConfig{
			Topic: "jobs", Logger: slog.New(slog.DiscardHandler), Observe: func(r Result) { results = append(results, r) },
			Backoff: Backoff{First: time.Second, Max: time.Minute},
		},
		jobs: context.Background(), publishers: map[string]*Publisher{},
	}
	defer d.close()

	m, a := newMessage()
	d.LogFailedMessage(m)
	body, err := n.Receive(t.Context(), DeadTopic("jobs"), "keep")
	if err != nil {
		t.Fatal(err)
	}
	l, err := DecodeDeadLetter(body)
	if err != nil || l.Reason != ReasonAttemptsExhausted || l.Attempts != 6 || string(l.Job) != `{"v":1}` || a.finished != 1 || a.requeued != 0 {
		t.Errorf("dead letter %+v, answers %+v, %v", l, a, err)
	}

	n.Stop()
	m, a = newMessage()
	d.LogFailedMessage(m)
	if a.finished != 0 || a.requeued != 1 || a.delay <= 0 {
		t.Errorf("answers %+v", a)
	}
	if len(results) != 2 || results[0].Outcome != OutcomeDead || results[1].Outcome != OutcomeRetried ||
		!errors.Is(results[1].Err, ErrUnavailable) || !errors.Is(results[1].Err, errNeverAnswered) {
		t.Errorf("observed %+v", results)
	}
}
