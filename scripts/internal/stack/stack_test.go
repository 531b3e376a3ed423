//go:build unix

package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBuildSaysWhatIsMissing(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	t.Run("module", func(t *testing.T) {
		t.Chdir(outside)
		if _, err := Build(t.Context(), dir); !errors.Is(err, ErrNoModule) {
			t.Error(err)
		}
	})
	t.Run("another module", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(outside, "go.mod"), []byte("module other\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Chdir(outside)
		if _, err := Build(t.Context(), dir); !errors.Is(err, ErrNoModule) {
			t.Error(err)
		}
	})
	t.Run("go", func(t *testing.T) {
		t.Setenv("PATH", outside)
		if _, err := Build(t.Context(), dir); !errors.Is(err, ErrNoGo) {
			t.Error(err)
		}
	})
}

// A worker that ends at once: Start says so, shows why in the log, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	worker := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(worker, []byte("#!/bin/sh\necho NSQD_ADDRS=$NSQD_ADDRS key=$ALIBABA_CLOUD_ACCESS_KEY_ID; exit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "the developer's")
	log := NewTail(3)
	var up []string
	_, err := Start(t.Context(), Options{
		Binaries: Binaries{Function: worker, Worker: worker}, WorkerLog: log, WorkerEnv: map[string]string{"NSQD_ADDRS": "overridden"},
		OnStep: func(name, _ string, _ time.Duration) { up = append(up, name) },
	})
	exit, isExit := errors.AsType[*exec.ExitError](err)
	if !errors.Is(err, ErrEnded) || !isExit || exit.ExitCode() != 3 || !strings.Contains(err.Error(), "start worker") {
		t.Error(err)
	}
	if want := []string{"NSQD_ADDRS=overridden key=" + AccessKeyID}; !cmp.Equal(want, log.Lines()) {
		t.Errorf("log %q, want %q", log.Lines(), want)
	}
	if want := []string{"nsqd", "OSS", "FC"}; !cmp.Equal(want, up) {
		t.Errorf("steps %q, want %q", up, want)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTail(t *testing.T) {
	tail := NewTail(2)
	for _, s := range []string{"a\nb", "b\n", "c\nd"} {
		fmt.Fprint(tail, s)
	}
	if want := []string{"bb", "c", "d"}; !cmp.Equal(want, tail.Lines()) {
		t.Errorf("%q, want %q", tail.Lines(), want)
	}
	fmt.Fprint(tail, strings.Repeat("x", 10_000)+"\n")
	if lines := tail.Lines(); len(lines) != 2 || len(lines[1]) != tailLine {
		t.Errorf("a long line was kept whole: %d lines", len(lines))
	}
}
