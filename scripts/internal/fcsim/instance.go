package fcsim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"oss-callback/scripts/internal/process"
)

// instance is one process of the function with a runtime API of its own.
type instance struct {
	cfg  Config
	proc *process.Process
	api  *runtimeAPI
	srv  *http.Server
	once sync.Once
}

func startInstance(cfg Config, dir string) (*instance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fcsim: runtime API: %w", err)
	}
	in := &instance{cfg: cfg, api: newRuntimeAPI(cfg)}
	in.srv = &http.Server{Handler: in.api.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = in.srv.Serve(listener) }() // returns when kill closes it

	var id [8]byte
	rand.Read(id[:])
	in.proc, err = process.Start(process.Options{
		Path: cfg.Binary, Dir: dir, Stdout: cfg.Stdout, Stderr: cfg.Stderr,
		Env: environment(cfg, dir, listener.Addr().String(), "c-"+hex.EncodeToString(id[:])),
	})
	if err != nil {
		_ = in.srv.Close()
		return nil, fmt.Errorf("fcsim: %w", err)
	}
	return in, nil
}

// invoke hands one event to the process and waits for its result, Timeout at most for the process to ask for work and again for the
// result. The process is killed when it misses either, and when the caller hangs up: FC may restart the instance then, which is
// the worse case.
func (in *instance) invoke(ctx context.Context, requestID string, event []byte) outcome {
	inv := &invocation{id: requestID, event: event, done: make(chan outcome, 1)}
	if out, ok := in.wait(ctx, errorTypeStart, in.api.next, inv); !ok {
		return out
	}
	out, _ := in.wait(ctx, errorTypeUnhandled, nil, inv)
	return out
}

// wait waits for one of: inv handed over (if handOver is not nil), its outcome, the end of the process, of the time, of the caller.
func (in *instance) wait(ctx context.Context, errorType string, handOver chan<- *invocation, inv *invocation) (out outcome, ok bool) {
	began := time.Now()
	timer := time.NewTimer(in.cfg.Timeout)
	defer timer.Stop()
	select {
	case handOver <- inv:
		return outcome{}, true
	case out := <-inv.done:
		return out, true
	case <-in.proc.Done():
		select {
		case out := <-inv.done: // answered, then exited
			return out, true
		default:
			return exited(errorType, time.Since(began)), false
		}
	case <-timer.C:
		in.kill()
		return timedOut(errorType, in.cfg.Timeout), false
	case <-ctx.Done():
		in.kill()
		return canceled(), false
	}
}

func (in *instance) alive() bool {
	select {
	case <-in.proc.Done():
		return false
	default:
		return true
	}
}

func (in *instance) kill() {
	in.once.Do(func() {
		_ = in.proc.Kill()
		_ = in.srv.Close()
	})
}
