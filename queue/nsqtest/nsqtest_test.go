package nsqtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRestartKeepsPortsAndMessages(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n := New(t)
	if err := n.CreateChannel(ctx, "topic", "channel"); err != nil {
		t.Fatal(err)
	}
	if err := n.Publish(ctx, "topic", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctx, "topic", "channel", func(s Stats) bool { return s.Depth == 1 }); err != nil {
		t.Fatal(err)
	}
	tcp, http := n.TCPAddr(), n.HTTPAddr()
	if err := n.Restart(); err != nil {
		t.Fatal(err)
	}
	if n.TCPAddr() != tcp || n.HTTPAddr() != http {
		t.Errorf("moved from %s, %s to %s, %s", tcp, http, n.TCPAddr(), n.HTTPAddr())
	}
	got, err := n.Receive(ctx, "topic", "channel")
	if err != nil || string(got) != "kept" {
		t.Fatalf("received %q, %v", got, err)
	}
	if _, err := n.Wait(ctx, "topic", "channel", Stats.Empty); err != nil {
		t.Fatal(err)
	}
	n.Stop()
	n.Stop()
}

func TestWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := New(t).Wait(ctx, "topic", "", func(s Stats) bool { return s.Depth == 1 })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the context's error", err)
	}
}

func TestStartRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"no directory":   {Options{}, "Options.Dir"},
		"all interfaces": {Options{Dir: t.TempDir(), TCPAddr: "0.0.0.0:0"}, "loopback"},
		"no port":        {Options{Dir: t.TempDir(), HTTPAddr: "127.0.0.1"}, "loopback"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := Start(c.opts)
			if err == nil {
				n.Stop()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want it to name %q", err, c.want)
			}
		})
	}
}
