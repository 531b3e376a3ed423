//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"oss-callback/scripts/internal/stack"
)

// What TestMain builds once for all tests.
var (
	command  string // this package, as `go run` would run it
	binaries stack.Binaries
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == dyingWorker {
		dieWhenHealthy()
	}
	dir, err := os.MkdirTemp("", "scripts-test-")
	if err != nil {
		panic(err)
	}
	command = filepath.Join(dir, "scripts")
	if out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	if binaries, err = stack.Build(context.Background(), dir); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// dyingWorker is the name under which the test binary plays a worker that dies as soon as it is up.
const dyingWorker = "worker-that-dies"

func dieWhenHealthy() {
	fmt.Fprintln(os.Stderr, "worker: about to die")
	err := http.ListenAndServe(os.Getenv("METRICS_ADDR"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		os.Exit(3)
	}))
	panic(err)
}
