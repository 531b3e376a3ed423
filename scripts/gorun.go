package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// endWithGoRun ends ctx when we were started by `go run` and it has been killed: the go command passes Ctrl-C on, but dies of SIGTERM
// without a word to its child. The function it returns ends the watch.
func endWithGoRun(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	path, err := os.Executable()
	if err != nil || !isGoRun(path) {
		return ctx, cancel
	}
	parent := os.Getppid()
	go func() {
		defer cancel()
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for os.Getppid() == parent {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}

// isGoRun tells by the path of our executable, which `go run` keeps in a temporary folder or in its build cache.
func isGoRun(path string) bool {
	if strings.Contains(path, string(filepath.Separator)+"go-build") {
		return true
	}
	cache := os.Getenv("GOCACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return false
		}
		cache = filepath.Join(user, "go-build")
	}
	rel, err := filepath.Rel(cache, path)
	return err == nil && filepath.IsLocal(rel)
}
