package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/nsqdproc"
)

// nsqdCommand is what tests run to have an nsqd that they can kill. It is not listed: users have dev.
func nsqdCommand() *cli.Command {
	return &cli.Command{
		Name:         "nsqd",
		Usage:        "run the embedded nsqd until SIGTERM, with its messages on disk",
		Hidden:       true,
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Required: true, Usage: "folder of the messages"},
			&cli.StringFlag{Name: "tcp", Required: true, Usage: "loopback ip:port for publishers and consumers"},
			&cli.StringFlag{Name: "http", Required: true, Usage: "loopback ip:port of the HTTP API"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error {
			return nsqdproc.Run(ctx, cmd.String("dir"), cmd.String("tcp"), cmd.String("http"))
		}),
	}
}
