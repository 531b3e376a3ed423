package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"

	"github.com/nsqio/nsq/nsqlookupd"
	"github.com/urfave/cli/v3"
)

// nsqlookupdCommand is what tests run to have an nsqlookupd that they can kill. It is not listed: users have dev, with one nsqd.
func nsqlookupdCommand() *cli.Command {
	return &cli.Command{
		Name:         "nsqlookupd",
		Usage:        "run the embedded nsqlookupd until SIGTERM",
		Hidden:       true,
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "tcp", Required: true, Usage: "loopback ip:port for nsqd"},
			&cli.StringFlag{Name: "http", Required: true, Usage: "loopback ip:port for workers"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error {
			return runNSQLookupd(ctx, cmd.String("tcp"), cmd.String("http"))
		}),
	}
}

// runNSQLookupd serves until ctx is done.
func runNSQLookupd(ctx context.Context, tcp, http string) error {
	for _, addr := range []string{tcp, http} {
		host, _, err := net.SplitHostPort(addr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("nsqlookupd: %q is no loopback ip:port", addr)
		}
	}
	options := nsqlookupd.NewOptions()
	options.TCPAddress, options.HTTPAddress, options.BroadcastAddress = tcp, http, "127.0.0.1"
	options.Logger = log.New(os.Stderr, options.LogPrefix, log.LstdFlags)
	daemon, err := nsqlookupd.New(options)
	if err != nil {
		return fmt.Errorf("nsqlookupd: %w", err)
	}
	defer daemon.Exit()
	ended := make(chan error, 1)
	go func() { ended <- daemon.Main() }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return fmt.Errorf("nsqlookupd: %w", errors.Join(errors.New("ended by itself"), err))
	}
}
