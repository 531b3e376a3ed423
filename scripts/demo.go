package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

const (
	demoTimeout = 2 * time.Minute // a cold build cache included
	demoChannel = "demo"          // a copy of each job, beside the worker's
	tailLines   = 15
)

func demoCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "demo",
		Usage:        "upload a picture on this machine, from the upload to the thumbnail, and show each step",
		OnUsageError: onUsageError,
		Action: noArguments(func(ctx context.Context, _ *cli.Command) error {
			return runDemo(ctx, env)
		}),
	}
}

// demo is one run. The steps below fill it in, each from what the ones before left.
type demo struct {
	out       *printer
	stack     *stack.Stack
	exchanges chan osssim.Exchange

	object   string    // key of the uploaded picture
	etag     string    // without quotes
	answered time.Time // when the uploader had its answer; job and thumbnail are timed from here
	exchange osssim.Exchange
	answer   answer
}

// runDemo returns nil only if every step went as it should. An error says what failed, and shows the end of the logs.
func runDemo(ctx context.Context, env environment) (err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, demoTimeout, fmt.Errorf("the demo took longer than %v", demoTimeout))
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	functionLog, workerLog := stack.NewTail(tailLines), stack.NewTail(tailLines)
	defer func() {
		if err != nil {
			err = explain(ctx, err, functionLog, workerLog)
		}
	}()
	dir, err := os.MkdirTemp("", "oss-callback-build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	d := &demo{out: newPrinter(env.stdout), exchanges: make(chan osssim.Exchange, 8)}
	binaries, err := env.build(ctx, dir)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	d.out.step("build", time.Since(began), "function and worker compiled as they are shipped")
	d.stack, err = stack.Start(ctx, stack.Options{
		Binaries: binaries, Channels: []string{demoChannel}, FunctionLog: functionLog, WorkerLog: workerLog, OnStep: d.started,
		OnCallback: func(x osssim.Exchange) { d.exchanges <- x },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stack.Close()) }()
	go func() {
		select {
		case err := <-d.stack.Failed():
			fail(err)
		case <-ctx.Done():
		}
	}()
	if err := d.run(ctx); err != nil {
		return err
	}
	d.out.line(bold, fmt.Sprintf("\nAll of it worked, in %s. Next: go run ./scripts dev, and upload with your own client.", short(time.Since(began))))
	return nil
}

func (d *demo) run(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"upload", d.upload},
		{"job on the queue", d.job},
		{"thumbnail", d.findThumbnail},
		{"forged callback", d.forge},
		{"vanished object", d.vanish},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// started reports a part of the stack.
func (d *demo) started(name, where string, took time.Duration) {
	about := map[string]string{
		"nsqd":   "a real one, at " + where,
		"OSS":    "simulated, at " + where,
		"FC":     "runtime API and HTTP trigger simulated, at " + where + "; no instance runs yet",
		"worker": "a process, " + where,
	}
	d.out.step(name, took, about[name])
}

// explain adds what is needed to find the cause: why ctx ended, if it did, and the end of the logs.
func explain(ctx context.Context, err error, function, worker *stack.Tail) error {
	var b strings.Builder
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		fmt.Fprintf(&b, "%v\n  while: ", cause)
	}
	fmt.Fprint(&b, err)
	for _, log := range []struct {
		name  string
		lines []string
	}{{"function", function.Lines()}, {"worker", worker.Lines()}} {
		if len(log.lines) == 0 {
			fmt.Fprintf(&b, "\nThe %s's log is empty.", log.name)
			continue
		}
		fmt.Fprintf(&b, "\nLast lines of the %s's log:\n  %s", log.name, strings.Join(log.lines, "\n  "))
	}
	return errors.New(b.String())
}
