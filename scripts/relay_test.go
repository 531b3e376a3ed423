//go:build linux

package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// relay passes TCP connections on to an address, for as long as nobody cuts them. The address may be down: connections end at once.
type relay struct {
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]struct{}
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, open: map[net.Conn]struct{}{}}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { r.pass(client, target) })
		}
	})
	t.Cleanup(func() { listener.Close(); r.cut(); passing.Wait() })
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

func (r *relay) pass(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	defer r.track(client, server)()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			way[0].Close() // the other way ends too
			way[1].Close()
		})
	}
	both.Wait()
}

func (r *relay) track(conns ...net.Conn) (forget func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.open[c] = struct{}{}
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, c := range conns {
			delete(r.open, c)
		}
	}
}

// cut breaks all connections that are open now. New ones pass.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.Close()
	}
}
