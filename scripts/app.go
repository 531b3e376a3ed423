package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/stack"
)

// environment is what commands touch of the outside.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	build          func(ctx context.Context, dir string) (stack.Binaries, error)
}

// run runs one command and returns the exit status: 0 only if it did all it was asked to, 1 unless the error names another one.
func run(ctx context.Context, args []string, env environment) int {
	err := newApp(env).Run(ctx, args)
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(env.stderr, "Error:", text)
	}
	if coded, ok := errors.AsType[cli.ExitCoder](err); ok {
		return coded.ExitCode()
	}
	return 1
}

func newApp(env environment) *cli.Command {
	return &cli.Command{
		Name:      "go run ./scripts",
		Usage:     "everything around the OSS upload callback, on your own machine",
		UsageText: "go run ./scripts <command> [options]\ngo run ./scripts <command> --help",
		Commands: []*cli.Command{
			demoCommand(env),
			devCommand(env),
			paramsCommand(env),
			uploadCommand(env),
			doctorCommand(env),
			diagnoseCommand(env),
			explainCommand(env),
			redriveCommand(env),
			bucketCommand(env),
			packageCommand(env),
			benchCommand(env),
			nsqdCommand(),
			nsqlookupdCommand(),
		},
		HideHelpCommand: true,
		Writer:          env.stdout,
		ErrWriter:       env.stderr,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if name := cmd.Args().First(); name != "" {
				return fmt.Errorf("there is no command %q: run it without one to see them all", name)
			}
			return cli.ShowRootCommandHelp(cmd)
		},
		OnUsageError:   onUsageError,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run says it, once
	}
}

func onUsageError(_ context.Context, _ *cli.Command, err error, _ bool) error { return err }

// noArguments is for commands that take options only.
func noArguments(action cli.ActionFunc) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) error {
		if cmd.Args().Present() {
			return errors.New(cmd.Name + " takes no arguments, but got " + cmd.Args().First())
		}
		return action(ctx, cmd)
	}
}
