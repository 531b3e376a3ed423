package redrive

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nsqio/go-nsq"

	"oss-callback/queue"
)

// wellKnown is how many letters in a row that were put back before show that there are no others. With messages on disk, the first one
// shows it already, because what is put back goes to the end; with some in memory nsqd mixes the two at random.
const wellKnown = 32

// drain considers each letter of one nsqd once. It ends when only letters that were put back come round, when nothing arrives for
// Idle, when the limit is reached, or with ctx.
func (r *run) drain(ctx context.Context, addr string) error {
	publisher, err := queue.NewPublisher(queue.PublisherConfig{Addrs: []string{addr}, Topic: r.conf.Topic, Conn: r.conf.Conn})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	defer publisher.Close()

	var secured atomic.Bool
	consumer, err := nsq.NewConsumer(queue.DeadTopic(r.conf.Topic), Channel, r.conf.nsqConfig(func() { secured.Store(true) }))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	consumer.SetLogger(nil, nsq.LogLevelMax) // what matters comes back as an error
	letters := make(chan *nsq.Message)
	consumer.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		m.DisableAutoResponse()
		letters <- m
		return nil
	}))
	defer putBackRest(consumer, letters)
	if err := consumer.ConnectToNSQD(addr); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)
	}
	if r.conf.Conn.TLS && !secured.Load() { // go-nsq goes on in the clear
		return fmt.Errorf("%w: %s offers no TLS", ErrUnreachable, addr)
	}

	putBack := map[nsq.MessageID]bool{}
	idle := time.NewTimer(r.conf.Idle)
	defer idle.Stop()
	for known := 0; known < wellKnown && !r.full(); idle.Reset(r.conf.Idle) {
		select {
		case <-ctx.Done():
			return nil // Run tells
		case <-idle.C:
			if consumer.Stats().Connections == 0 {
				return fmt.Errorf("%w: %s: the connection was lost", ErrUnreachable, addr)
			}
			return nil
		case m := <-letters:
			if putBack[m.ID] {
				known++
				m.RequeueWithoutBackoff(0)
				break
			}
			known = 0
			done, err := r.consider(ctx, addr, publisher, m.Body, time.Now())
			if done {
				m.Finish()
			} else {
				putBack[m.ID] = true
				m.RequeueWithoutBackoff(0)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// putBackRest ends the consumer. A letter that has come meanwhile goes back.
func putBackRest(consumer *nsq.Consumer, letters <-chan *nsq.Message) {
	consumer.Stop()
	for {
		select {
		case m := <-letters:
			m.RequeueWithoutBackoff(0)
		case <-consumer.StopChan:
			return
		}
	}
}
