//go:build linux

package nsqdproc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"oss-callback/queue/nsqtest"
)

// The test binary is the child too.
func TestMain(m *testing.M) {
	if len(os.Args) == 8 && os.Args[1] == "nsqd" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := Run(ctx, os.Args[3], os.Args[5], os.Args[7]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func start(t *testing.T) (*NSQD, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	n, err := Start(ctx, Options{Path: os.Args[0], Args: []string{"nsqd"}, Dir: t.TempDir(), Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Kill)
	return n, ctx
}

// Messages that reached their channel survive SIGKILL.
func TestKillAndRestart(t *testing.T) {
	n, ctx := start(t)
	if err := n.CreateChannel(ctx, "topic", "channel"); err != nil {
		t.Fatal(err)
	}
	const messages = 100
	for i := range messages {
		if err := n.Publish(ctx, "topic", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	all := func(s nsqtest.Stats) bool { return s.Depth == messages }
	if _, err := n.Wait(ctx, "topic", "channel", all); err != nil {
		t.Fatal(err)
	}
	tcp, http := n.TCPAddr(), n.HTTPAddr()
	n.Kill()
	if err := n.Ping(ctx); err == nil {
		t.Error("a dead nsqd answers")
	}
	n.Kill()
	if err := n.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if n.TCPAddr() != tcp || n.HTTPAddr() != http {
		t.Error("moved")
	}
	if _, err := n.Wait(ctx, "topic", "channel", all); err != nil {
		t.Fatal(err)
	}
}

func TestFreeze(t *testing.T) {
	n, ctx := start(t)
	if err := n.Freeze(); err != nil {
		t.Fatal(err)
	}
	silent, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := n.Ping(silent); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("frozen: %v", err)
	}
	if err := n.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := n.Ping(ctx); err != nil {
		t.Error(err)
	}
	n.Stop()
	n.Stop()
}

func TestStartFails(t *testing.T) {
	if _, err := Start(t.Context(), Options{Path: os.Args[0], Dir: "/nowhere/at all"}); err == nil {
		t.Error("started without a folder")
	}
	if _, err := Start(t.Context(), Options{Path: "/bin/false", Dir: t.TempDir()}); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}
