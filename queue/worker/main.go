// Command worker runs the jobs that the function puts on NSQ. process.go is where a fork puts its own work.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

// drainTimeout is how long running jobs may go on after SIGTERM. With at most 6 s for the rest it stays below the 30 s after which
// orchestrators kill by default.
const drainTimeout = 22 * time.Second

// gcPercent lets the heap grow to five times what is in use before it is collected, within the memory limit: images come and go so fast that
// the default costs up to a fifth of the CPU time of small ones.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(maxMemory - maxMemory/16)
	}
	os.Exit(run(context.Background(), os.Stderr))
}

// run is the worker, from the environment to the exit status: 0 after SIGTERM, SIGINT or the end of ctx, 1 if it failed, 2 for
// bad settings.
func run(ctx context.Context, stderr io.Writer) int {
	conf, err := readConfig()
	if err != nil {
		fmt.Fprintf(stderr, "worker: bad settings\n%v\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: conf.Level}))
	if err := work(ctx, conf, log); err != nil {
		log.Error("worker failed", "error", err)
		return 1
	}
	log.Info("worker stopped")
	return 0
}

func work(ctx context.Context, conf config, log *slog.Logger) error {
	client, err := newClient(conf)
	if err != nil {
		return err
	}
	m := newMetrics()
	sweep, err := newSweeper(conf, client, m, log)
	if err != nil {
		return err
	}
	memory := newMemory()
	w := &worker{buckets: conf.Buckets, store: &store{client, conf.keys(), memory}, memory: memory}
	process := queue.ProcessFunc(w.process)
	if conf.Outbox != "off" {
		process = sweep.keeping(process)
	}
	consumer, err := queue.NewConsumer(queue.ConsumerConfig{
		NSQDAddrs: conf.Addrs, LookupdAddrs: conf.LookupdAddrs, Topic: conf.Topic, Channel: conf.Channel, Conn: conf.conn(),
		Concurrency: conf.Concurrency, MaxAttempts: conf.MaxAttempts, JobTimeout: conf.JobTimeout, DrainTimeout: drainTimeout,
		Process: m.running(process),
		Observe: func(r queue.Result) {
			m.observe(r)
			logResult(ctx, log, r)
			if conf.Outbox != "off" {
				sweep.ended(ctx, r)
			}
		},
		Logger: log,
	})
	if err != nil {
		return err
	}
	addr, closeMetrics, err := m.serve(conf.MetricsAddr)
	if err != nil {
		return fmt.Errorf("METRICS_ADDR: %w", err)
	}
	defer closeMetrics()
	if conf.Outbox != "off" && conf.SweepInterval > 0 {
		var sweeping sync.WaitGroup
		defer sweeping.Wait()
		sweepCtx, stop := context.WithCancel(ctx)
		defer stop()
		sweeping.Go(func() { sweep.run(sweepCtx) })
	}
	log.Info("worker started", "topic", conf.Topic, "channel", conf.Channel, "concurrency", conf.Concurrency, "metrics", addr)
	return consumer.Run(ctx)
}

func newSweeper(c config, client *ossclient.Client, m *metrics, log *slog.Logger) (*sweeper, error) {
	outbox, err := queue.NewOutbox(client, c.OutboxPrefix, c.Topic)
	if err != nil {
		return nil, err
	}
	return &sweeper{
		outbox: outbox, keys: c.keys(), buckets: c.Buckets, prefix: c.OutboxPrefix, topic: c.Topic, conn: c.conn(), every: c.SweepInterval,
		nsqds: func(ctx context.Context) ([]string, error) {
			if len(c.Addrs) > 0 {
				return c.Addrs, nil
			}
			return lookup(ctx, c.LookupdAddrs)
		},
		metrics: m, log: log,
	}, nil
}

// logResult writes the one line of a delivery.
func logResult(ctx context.Context, log *slog.Logger, r queue.Result) {
	level := slog.LevelInfo
	switch r.Outcome {
	case queue.OutcomeParked, queue.OutcomeForeign:
		level = slog.LevelDebug
	case queue.OutcomeRetried, queue.OutcomePostponed:
		level = slog.LevelWarn
	case queue.OutcomeDead:
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("outcome", string(r.Outcome)), slog.String("job", r.Job.ID), slog.String("bucket", r.Job.Bucket),
		slog.String("object", r.Job.Object), slog.Int("attempts", r.Attempt), slog.Int64("ms", r.Took.Milliseconds()),
	}
	if r.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(r.Reason)))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	log.LogAttrs(ctx, level, "job", attrs...)
}
