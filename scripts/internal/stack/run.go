package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"oss-callback/scripts/internal/process"
)

// ErrEnded is wrapped by the error about a process that ended by itself.
var ErrEnded = errors.New("stack: process ended by itself")

const (
	startTimeout = 15 * time.Second // from the start of a process to its first good answer to a health check
	stopGrace    = 8 * time.Second  // from SIGTERM to SIGKILL: the worker finishes its jobs
	pollInterval = 20 * time.Millisecond
	pollTimeout  = 2 * time.Second
)

// run starts a process and returns when healthURL answers 200. From then on its end, unless we caused it, goes to Failed.
func (s *Stack) run(ctx context.Context, name, path string, settings map[string]string, log io.Writer, healthURL string) error {
	p, err := process.Start(process.Options{Path: path, Dir: s.dir, Env: environ(s.dir, settings), Stdout: log, Stderr: log})
	if err != nil {
		return err
	}
	s.onClose(func() error { _ = p.Stop(stopGrace); return nil }) // an exit status on the way out is of no interest
	if err := AwaitHealthy(ctx, p, healthURL); err != nil {
		return err
	}
	go func() {
		select {
		case <-s.closing:
		case <-p.Done():
			s.failed <- fmt.Errorf("%w: %s: %w", ErrEnded, name, orZero(p.Wait()))
		}
	}()
	return nil
}

// AwaitHealthy returns when the process answers 200 at url, within 15 s of busy machines. Errors wrap ErrEnded if it ended instead, or
// say what the last answer was.
func AwaitHealthy(ctx context.Context, p *process.Process, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := &http.Client{Timeout: pollTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	last := errors.New("no answer yet")
	for {
		select {
		case <-p.Done():
			return fmt.Errorf("%w: %w", ErrEnded, orZero(p.Wait()))
		case <-ctx.Done():
			return fmt.Errorf("%s: %w (last: %w)", url, ctx.Err(), last)
		case <-tick.C:
			if last = healthy(ctx, client, url); last == nil {
				return nil
			}
		}
	}
}

func healthy(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func orZero(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
