package nsqdproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/process"
)

const (
	startTimeout = 20 * time.Second // from the start of the process to its first answer, on a busy machine
	stopGrace    = 10 * time.Second
	poll         = 10 * time.Millisecond
)

// ErrEnded is wrapped by the error about an nsqd that ended by itself while it started.
var ErrEnded = errors.New("nsqdproc: nsqd ended by itself")

// Options say what to run. Path and Dir are required.
type Options struct {
	// Path is the executable, and Args its arguments before "--dir d --tcp host:port --http host:port": one that calls Run with them.
	Path string
	Args []string
	Dir  string    // where messages live; it must exist
	Log  io.Writer // what the process prints; nil discards
}

// NSQD is an nsqd process. Its Client may be used at any time; an nsqd that is down answers with an error. Kill, Restart and Stop
// must not be called at the same time as one another.
type NSQD struct {
	nsqtest.Client
	opts Options
	proc *process.Process
}

// Start starts an nsqd on free ports and returns when it serves. The caller ends it with Stop or Kill; it never outlives us.
func Start(ctx context.Context, o Options) (*NSQD, error) {
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("nsqdproc: Dir %q is no folder", o.Dir)
	}
	tcp, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	http, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	n := &NSQD{Client: nsqtest.NewClient(tcp, http), opts: o}
	if err := n.start(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *NSQD) start(ctx context.Context) error {
	args := append(append([]string{}, n.opts.Args...), "--dir", n.opts.Dir, "--tcp", n.TCPAddr(), "--http", n.HTTPAddr())
	proc, err := process.Start(process.Options{Path: n.opts.Path, Args: args, Stdout: n.opts.Log, Stderr: n.opts.Log})
	if err != nil {
		return err
	}
	n.proc = proc
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		err := n.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-proc.Done():
			return fmt.Errorf("%w: %w", ErrEnded, errors.Join(errors.New("see its log"), proc.Wait()))
		case <-ctx.Done():
			_ = proc.Kill()
			return fmt.Errorf("nsqdproc: start: %w (last: %w)", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Dir is where its messages live.
func (n *NSQD) Dir() string { return n.opts.Dir }

// Kill ends nsqd as a crash does: nothing is flushed. It may be called again.
func (n *NSQD) Kill() { _ = n.proc.Kill() }

// Stop ends nsqd as SIGTERM does: all messages are on disk when it returns. It may be called again.
func (n *NSQD) Stop() { _ = n.proc.Stop(stopGrace) }

// Restart starts nsqd again on the same ports with what is in Dir, and returns when it serves. One that still runs is killed first.
func (n *NSQD) Restart(ctx context.Context) error {
	n.Kill()
	return n.start(ctx)
}

// Freeze makes nsqd silent: connections stay, and are even accepted by the kernel, but nothing answers until Thaw.
func (n *NSQD) Freeze() error { return n.proc.Freeze() }

// Thaw ends Freeze.
func (n *NSQD) Thaw() error { return n.proc.Thaw() }
