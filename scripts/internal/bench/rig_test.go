//go:build linux

package bench

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"oss-callback/scripts/internal/nsqdproc"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

// The test binary is nsqd too.
func TestMain(m *testing.M) {
	if len(os.Args) == 8 && os.Args[1] == "nsqd" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := nsqdproc.Run(ctx, os.Args[3], os.Args[5], os.Args[7]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// newTestRig has the real binaries and measures briefly.
func newTestRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	built, err := stack.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := BuildFloors(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	signer, err := osssim.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return &rig{signer: signer, Options: Options{
		Function: built.Function, Worker: built.Worker, Floors: dir, NSQD: os.Args[0], NSQDArgs: []string{"nsqd"}, Dir: t.TempDir(), Quick: true,
	}}
}
