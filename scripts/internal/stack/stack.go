package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/osssim"
)

// Stack is the running whole. Its methods may be called concurrently.
type Stack struct {
	OSS *osssim.Server
	NSQ *nsqtest.NSQD

	opts        Options
	dir         string
	functionURL string
	metricsAddr string
	failed      chan error
	closing     chan struct{}
	closers     []func() error // of the parts that are up, in the order of their start
	close       func() error   // once
}

// Start starts nsqd, OSS, the function and the worker in this order, each when the one before is ready, and ends them the other
// way round at Close or when ctx is done. An error names the part that did not start; what had started has ended by then.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	s := &Stack{opts: o, failed: make(chan error, 2), closing: make(chan struct{})}
	s.close = sync.OnceValue(s.shutDown)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "oss-callback-stack-"); err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	s.onClose(func() error { return os.RemoveAll(s.dir) })
	for _, part := range []struct {
		name  string
		start func(context.Context) (where string, err error)
	}{
		{"nsqd", s.startQueue},
		{"OSS", s.startOSS},
		{s.functionName(), s.startFunction},
		{"worker", s.startWorker},
	} {
		began := time.Now()
		where, err := part.start(ctx)
		if err != nil {
			return nil, fmt.Errorf("stack: start %s: %w", part.name, err)
		}
		o.step(part.name, where, began)
	}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return s, nil
}

// CallbackURL is what uploads name as callbackUrl. OSS accepts it although it is loopback.
func (s *Stack) CallbackURL() string { return s.functionURL + "/oss-callback" }

// FunctionURL is the function's public URL, without a path.
func (s *Stack) FunctionURL() string { return s.functionURL }

// MetricsURL is the worker's metrics page.
func (s *Stack) MetricsURL() string { return "http://" + s.metricsAddr + "/metrics" }

// Failed tells of a process that ended although nobody asked it to.
func (s *Stack) Failed() <-chan error { return s.failed }

// Close ends everything and returns when it is gone. Calling it again does no harm.
func (s *Stack) Close() error { return s.close() }

func (s *Stack) onClose(f func() error) { s.closers = append(s.closers, f) }

func (s *Stack) shutDown() error {
	close(s.closing)
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}
