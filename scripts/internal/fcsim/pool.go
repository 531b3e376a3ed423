package fcsim

import (
	"context"
	"errors"
	"sync"
)

// maxQueued bounds the requests that wait for an instance.
const maxQueued = 64

var (
	errNoInstance = errors.New("fcsim: no instance is free")
	errClosed     = errors.New("fcsim: closed")
)

// pool lends instances. A token in busy is the right to one, so idle and lent instances together never exceed cap(busy).
type pool struct {
	start  func() (*instance, error)
	freeze bool
	busy   chan struct{}
	queue  chan struct{}

	mu     sync.Mutex
	idle   []*instance
	all    map[*instance]struct{}
	closed bool
}

func newPool(limit int, start func() (*instance, error), freeze bool) *pool {
	return &pool{
		start: start, freeze: freeze, all: map[*instance]struct{}{},
		busy: make(chan struct{}, limit), queue: make(chan struct{}, maxQueued),
	}
}

// acquire returns an idle instance, else a new one, else waits in the queue until ctx ends. It returns errNoInstance if the queue
// is full or the wait was in vain; every instance goes back with release.
func (p *pool) acquire(ctx context.Context) (*instance, error) {
	select {
	case p.busy <- struct{}{}:
		return p.take()
	default:
	}
	select {
	case p.queue <- struct{}{}:
		defer func() { <-p.queue }()
	default:
		return nil, errNoInstance
	}
	select {
	case p.busy <- struct{}{}:
		return p.take()
	case <-ctx.Done():
		return nil, errNoInstance
	}
}

// take turns the right to an instance into one, or gives the right back.
func (p *pool) take() (in *instance, err error) {
	defer func() {
		if err != nil {
			<-p.busy
		}
	}()
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n > 0 {
			in, p.idle = p.idle[n-1], p.idle[:n-1] // the one used last, so that the others may grow old
		}
		p.mu.Unlock()
		if n == 0 {
			return p.startNew()
		}
		if p.freeze {
			_ = in.proc.Thaw() // of a dead process: found out below
		}
		if in.alive() {
			return in, nil
		}
		p.forget(in)
	}
}

func (p *pool) startNew() (*instance, error) {
	in, err := p.start()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.all[in] = struct{}{}
	}
	p.mu.Unlock()
	if closed {
		in.kill()
		return nil, errClosed
	}
	return in, nil
}

// release takes an instance back. One that failed for good has been killed by then and is forgotten.
func (p *pool) release(in *instance) {
	defer func() { <-p.busy }()
	if !in.alive() {
		p.forget(in)
		return
	}
	if p.freeze {
		_ = in.proc.Freeze()
	}
	p.mu.Lock()
	p.idle = append(p.idle, in)
	p.mu.Unlock()
}

func (p *pool) forget(in *instance) {
	in.kill()
	p.mu.Lock()
	delete(p.all, in)
	p.mu.Unlock()
}

// close kills every instance, lent ones too, and waits until they are back: those that borrowed them see a process that exited.
// It is called once.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	all := p.all
	p.all, p.idle = map[*instance]struct{}{}, nil
	p.mu.Unlock()
	for in := range all {
		in.kill()
	}
	for range cap(p.busy) {
		p.busy <- struct{}{} // never given back: no instance starts any more
	}
}
