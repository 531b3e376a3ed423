package fcsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Server is a deployed function with its public URL. Its methods may be called concurrently.
type Server struct {
	cfg      Config
	pool     *pool
	gateway  *http.Server
	listener net.Listener
	dir      string // working directory of the instances
	cancel   context.CancelFunc
	served   chan struct{} // closed when the gateway has ended
	close    func() error  // once
}

// Start opens the HTTP trigger. No instance runs before the first request. The server ends with Close or when ctx is done.
// Errors wrap ErrConfig, or come from the operating system.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "fcsim-")
	if err != nil {
		return nil, fmt.Errorf("fcsim: working directory: %w", err)
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		os.Remove(dir)
		return nil, fmt.Errorf("fcsim: listen on %s: %w", cfg.Listen, err)
	}
	run, cancel := context.WithCancel(ctx)
	s := &Server{
		cfg: cfg, listener: listener, dir: dir, cancel: cancel, served: make(chan struct{}),
		pool: newPool(cfg.MaxInstances, func() (*instance, error) {
			select {
			case <-time.After(cfg.StartDelay):
				return startInstance(cfg, dir)
			case <-run.Done():
				return nil, errClosed
			}
		}, cfg.Freeze),
	}
	s.gateway = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		BaseContext:       func(net.Listener) context.Context { return run },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    64 << 10, // the 8 KiB of FC are judged by admit, with FC's own answer
	}
	go func() {
		defer close(s.served)
		_ = s.gateway.Serve(listener) // returns when Close closes the listener
	}()
	s.close = sync.OnceValue(s.shutDown)
	context.AfterFunc(run, func() { _ = s.Close() })
	return s, nil
}

// URL is the trigger's public URL, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Addr is the host:port of URL.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close cuts open requests, kills every instance and removes its working directory. Calling it again does no harm.
func (s *Server) Close() error { return s.close() }

func (s *Server) shutDown() error {
	s.cancel()
	err := s.gateway.Close()
	<-s.served
	s.pool.close()
	if rmErr := os.RemoveAll(s.dir); err == nil {
		err = rmErr
	}
	return err
}

// serve is the gateway: one request in, one invocation, one answer out.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	id := newRequestID()
	answer := s.invoke(r, id, arrived)
	answer.write(w, id)
}

func (s *Server) invoke(r *http.Request, id string, arrived time.Time) answer {
	body, refusal := s.admit(r)
	if refusal != nil {
		return *refusal
	}
	event, err := json.Marshal(newEvent(r, body, id, arrived))
	if err != nil {
		return platformError(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	out, err := s.run(r.Context(), id, event)
	if err != nil {
		return acquireFailed(err)
	}
	return out.answer()
}

// ErrFunction is wrapped by Invoke when the function failed: returned an error, panicked, exited or took too long.
var ErrFunction = errors.New("fcsim: function error")

// Invoke hands any event to the function, as the API InvokeFunction does, past the HTTP trigger, and returns its result as it is.
// Errors wrap ErrFunction, or tell why no instance could be had.
func (s *Server) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	out, err := s.run(ctx, newRequestID(), event)
	if err != nil {
		return nil, err
	}
	if out.errorType != "" {
		return nil, fmt.Errorf("%w: %s: %s", ErrFunction, out.errorType, out.failure)
	}
	return out.result, nil
}

// run waits for an instance no longer than an invocation may last; FC's own queueing time is not documented.
func (s *Server) run(ctx context.Context, id string, event []byte) (outcome, error) {
	wait, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	in, err := s.pool.acquire(wait)
	cancel()
	if err != nil {
		return outcome{}, err
	}
	out := in.invoke(ctx, id, event)
	s.pool.release(in) // before the answer leaves: who has it in hand finds the instance idle
	return out, nil
}
