// Package stack builds the function and the worker and runs them with everything around them on this machine: nsqd, a simulated
// OSS, and Function Compute's runtime API (or plain HTTP) in front of the function. Commands and end-to-end tests share it.
//
// Whatever it starts listens on loopback, and nothing outlives Close or the process that called Start.
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Errors of Build.
var (
	ErrNoGo     = errors.New("stack: the go command is not on the PATH: install Go from https://go.dev/dl/ and try again")
	ErrNoModule = errors.New("stack: not inside this project: change to its folder and try again")
)

// Binaries are the paths of what Build compiled.
type Binaries struct{ Function, Worker string }

// Build compiles the function and the worker as they are shipped, but for this machine, into dir. It works from any folder of the
// project, and GOFLAGS counts. Errors are ErrNoGo, ErrNoModule, or hold the compiler's words.
func Build(ctx context.Context, dir string) (Binaries, error) {
	err := Compile(ctx, dir, "./function", "./queue/worker")
	if err != nil {
		return Binaries{}, err
	}
	return Binaries{Function: Executable(dir, "function"), Worker: Executable(dir, "worker")}, nil
}

// Compile compiles programs of this project as Build does, each named after its package: see Executable.
func Compile(ctx context.Context, dir string, packages ...string) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	// A slash at the end makes it a folder: one build for all.
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", dir + string(filepath.Separator)}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("stack: go build: %w\n%s", err, out)
	}
	return nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", ErrNoGo
	}
	if err != nil {
		return "", fmt.Errorf("stack: go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if file == "" || file == os.DevNull {
		return "", ErrNoModule
	}
	root := filepath.Dir(file)
	for _, part := range []string{"function", filepath.Join("queue", "worker")} {
		if _, err := os.Stat(filepath.Join(root, part)); err != nil {
			return "", ErrNoModule
		}
	}
	return root, nil
}

// Executable is the path of what Compile made of the package of that name.
func Executable(dir, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name)
}
