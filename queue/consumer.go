package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
	"golang.org/x/sync/semaphore"
)

const (
	// reconnect is how often an nsqd that is down is dialled, and nsqlookupd asked for new ones.
	reconnect = 3 * time.Second
	// MaxJobTimeout stays below nsqd's --max-msg-timeout, 15 min by default, past which Touch no longer helps.
	MaxJobTimeout = 14 * time.Minute
	// maxDelay is nsqd's --max-req-timeout: a message cannot be requeued for longer.
	maxDelay = time.Hour
	// closeTimeout bounds what is left of a shutdown once jobs were told to stop.
	closeTimeout = 3 * time.Second
)

// ErrJobsLeft is returned by Run when jobs ignored the end of their context. nsqd delivers them again after MsgTimeout.
var ErrJobsLeft = errors.New("queue: jobs ignored the end of their context and were left behind")

// ConsumerConfig configures NewConsumer. Numbers and durations left zero get their defaults.
type ConsumerConfig struct {
	NSQDAddrs      []string // nsqd TCP addresses, host:port; either these
	LookupdAddrs   []string // or nsqlookupd HTTP addresses, host:port
	Topic, Channel string
	Conn           Conn

	Concurrency  int           // jobs at once, over all nsqd; default GOMAXPROCS. More nsqd than this take turns
	MaxAttempts  int           // default 5
	JobTimeout   time.Duration // default 60 s, at most 14 min
	DrainTimeout time.Duration // how long shutdown waits for running jobs; default 25 s
	MsgTimeout   time.Duration // without a sign of life for so long, nsqd delivers to another worker; default 60 s
	Backoff      Backoff       // default 2 s, 10 min; Max is at most 1 h

	Process ProcessFunc
	Observe func(Result) // called after every delivery, concurrently; may be nil
	Logger  *slog.Logger // nil discards
}

// Consumer runs jobs from an NSQ channel.
type Consumer struct{ conf ConsumerConfig }

// NewConsumer checks the settings; it does not connect.
func NewConsumer(c ConsumerConfig) (*Consumer, error) {
	c.Concurrency = cmp.Or(c.Concurrency, runtime.GOMAXPROCS(0))
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 5)
	c.JobTimeout = cmp.Or(c.JobTimeout, time.Minute)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 25*time.Second)
	c.MsgTimeout = cmp.Or(c.MsgTimeout, time.Minute)
	c.Backoff.First = cmp.Or(c.Backoff.First, 2*time.Second)
	c.Backoff.Max = cmp.Or(c.Backoff.Max, 10*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Result) {}
	}
	if err := errors.Join(checkAddrs(c.NSQDAddrs), checkAddrs(c.LookupdAddrs)); err != nil {
		return nil, err
	}
	switch {
	case (len(c.NSQDAddrs) == 0) == (len(c.LookupdAddrs) == 0):
		return nil, errors.New("queue: a consumer needs NSQDAddrs or LookupdAddrs, and not both")
	case !nsq.IsValidTopicName(DeadTopic(c.Topic)):
		return nil, fmt.Errorf("queue: Topic %q is no NSQ topic name with room for %q", c.Topic, DeadTopic(""))
	case !nsq.IsValidChannelName(c.Channel):
		return nil, fmt.Errorf("queue: Channel %q is no NSQ channel name", c.Channel)
	case c.Concurrency < 1, c.MaxAttempts < 1:
		return nil, fmt.Errorf("queue: Concurrency %d and MaxAttempts %d must be positive", c.Concurrency, c.MaxAttempts)
	case c.JobTimeout < 0, c.JobTimeout > MaxJobTimeout:
		return nil, fmt.Errorf("queue: JobTimeout %v is not within 0 to %v", c.JobTimeout, MaxJobTimeout)
	case c.MsgTimeout < time.Second, c.MsgTimeout > MaxJobTimeout: // nsqd refuses less
		return nil, fmt.Errorf("queue: MsgTimeout %v is not within 1s to %v", c.MsgTimeout, MaxJobTimeout)
	case c.DrainTimeout < 0:
		return nil, fmt.Errorf("queue: DrainTimeout %v is negative", c.DrainTimeout)
	case c.Backoff.First < 0, c.Backoff.Max < c.Backoff.First, c.Backoff.Max > maxDelay:
		return nil, fmt.Errorf("queue: Backoff %v to %v is not within 0 to %v", c.Backoff.First, c.Backoff.Max, maxDelay)
	case c.Process == nil:
		return nil, errors.New("queue: Process is required")
	}
	return &Consumer{conf: c}, nil
}

// Run consumes until ctx is done, through restarts of nsqd. Then it takes no new messages, waits up to DrainTimeout for running
// jobs, ends the context of those that are left, and puts their messages back. It returns nil, ErrJobsLeft or ErrNoTLS.
func (c *Consumer) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	jobs, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	defer interrupt()

	conf := c.conf.Conn.config()
	conf.MaxAttempts = 0 // go-nsq would finish the message and lose it; deliveries counts attempts itself
	conf.MaxInFlight = c.conf.Concurrency
	conf.MsgTimeout = c.conf.MsgTimeout
	conf.OutputBufferTimeout = 25 * time.Millisecond // nsqd's least; by default a message may wait 250 ms for company
	conf.LookupdPollInterval, conf.LookupdPollTimeout = reconnect, reconnect
	// With more nsqd than Concurrency each gets its turn; by default a turn lasts 10 s and more.
	conf.RDYRedistributeInterval, conf.LowRdyIdleTimeout = time.Second, time.Second
	consumer, err := nsq.NewConsumer(c.conf.Topic, c.conf.Channel, conf)
	if err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	consumer.SetLogger(nsqLogger(c.conf.Logger), nsq.LogLevelInfo)
	// Nobody else tells why an nsqd that nsqlookupd knows cannot be used, or one that was lost does not come back.
	consumer.SetLoggerForLevel(logAdapter{c.conf.Logger, slog.LevelWarn}, nsq.LogLevelError)
	d := &deliveries{
		conf: c.conf, jobs: jobs, slots: semaphore.NewWeighted(int64(c.conf.Concurrency)),
		running: map[string]struct{}{}, publishers: map[string]*Publisher{}, secure: map[string]bool{}, refuse: stop,
	}
	defer d.close()
	consumer.AddConcurrentHandlers(d, c.conf.Concurrency)

	var connecting sync.WaitGroup
	for _, addr := range c.conf.NSQDAddrs {
		connecting.Go(func() {
			if err := c.connect(ctx, consumer, addr); err != nil {
				stop(err)
			}
		})
	}
	if len(c.conf.LookupdAddrs) > 0 {
		connecting.Go(func() {
			if err := consumer.ConnectToNSQLookupds(c.conf.LookupdAddrs); err != nil {
				c.conf.Logger.Error("nsqlookupd address refused", "error", err)
			}
		})
	}
	<-ctx.Done()

	consumer.ChangeMaxInFlight(0)
	drained := acquireAll(d.slots, c.conf.Concurrency, c.conf.DrainTimeout)
	if !drained {
		interrupt()
		if !acquireAll(d.slots, c.conf.Concurrency, closeTimeout) {
			return ErrJobsLeft
		}
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		connecting.Wait()
		consumer.Stop()
		<-consumer.StopChan
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout): // still dialling
	}
	if errors.Is(context.Cause(ctx), ErrNoTLS) {
		return ErrNoTLS
	}
	return nil
}

// acquireAll takes every slot, so that nothing runs and nothing can start, and reports whether it could in time.
func acquireAll(slots *semaphore.Weighted, n int, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return slots.Acquire(ctx, int64(n)) == nil
}

// connect dials until it succeeds; from then on go-nsq reconnects by itself. Where TLS is asked for, go-nsq is not let near an nsqd
// before that nsqd has shown to have it: it would send the secret. It returns ErrNoTLS or nil.
func (c *Consumer) connect(ctx context.Context, consumer *nsq.Consumer, addr string) error {
	for {
		var err error
		if c.conf.Conn.TLS {
			err = c.conf.Conn.checkTLS(ctx, addr, nsqLogger(c.conf.Logger))
		}
		if errors.Is(err, ErrNoTLS) {
			return err
		}
		if err == nil {
			err = consumer.ConnectToNSQD(addr)
		}
		if err == nil || errors.Is(err, nsq.ErrAlreadyConnected) {
			return nil
		}
		c.conf.Logger.Warn("nsqd cannot be reached, trying again", "nsqd", addr, "in", reconnect, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reconnect):
		}
	}
}
