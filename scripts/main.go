// Command scripts holds everything a developer runs on his own machine: `go run ./scripts <command>`. Bare, it lists the commands.
//
// Each command is one file that makes its *cli.Command; app.go lists them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"oss-callback/scripts/internal/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends us at once
	ctx, orphaned := endWithGoRun(ctx)
	code := run(ctx, os.Args, environment{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, build: stack.Build})
	orphaned()
	os.Exit(code)
}
