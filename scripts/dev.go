package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/badserver"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

const startupTimeout = 2 * time.Minute // a cold build cache included

func devCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "dev",
		Usage:        "run all of it on this machine until Ctrl-C, for your own client to upload to",
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "web", Usage: "run the function behind plain HTTP instead of the FC runtime API"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON line with the addresses on stdout, everything else on stderr"},
			&cli.StringSliceFlag{Name: "oss", Usage: "decide what OSS's documentation leaves open, comma-separated: " + switchNames()},
			&cli.IntFlag{Name: "max-callbacks", Usage: "callbacks open at once before OSS says \"Too many callback requests.\"; 0 is any number"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error {
			behaviour, err := osssim.ParseBehaviour(cmd.StringSlice("oss"))
			if err != nil {
				return fmt.Errorf("--oss: %w", err)
			}
			return runDev(ctx, env, cmd.Bool("json"), stack.Options{Web: cmd.Bool("web"), Behaviour: behaviour, MaxCallbacks: cmd.Int("max-callbacks")})
		}),
	}
}

func switchNames() string {
	var names []string
	for _, s := range osssim.Switches() {
		names = append(names, s.Name+" ("+s.About+")")
	}
	return strings.Join(names, ", ")
}

// addresses is the line of dev --json. Its keys are an interface for scripts and for clients in other languages.
type addresses struct {
	OSS             string `json:"oss"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"accessKeyId"`
	AccessKeySecret string `json:"accessKeySecret"`
	Bucket          string `json:"bucket"`
	Callback        string `json:"callback"` // base64, the value of x-oss-callback
	NSQD            string `json:"nsqd"`
	NSQDHTTP        string `json:"nsqdHTTP"`
	Topic           string `json:"topic"`
	Metrics         string `json:"metrics"`
	SigningKey      string `json:"signingKey"` // file with the key that signs callbacks, for doctor --key
}

// runDev returns nil when ctx is done, and an error when something did not start or ended by itself.
func runDev(ctx context.Context, env environment, asJSON bool, options stack.Options) (err error) {
	human := env.stdout
	if asJSON {
		human = env.stderr
	}
	out := newPrinter(human)
	logs := stack.NewTail(tailLines)
	s, dir, err := startDev(ctx, env, options, out, logs)
	if dir != "" {
		defer os.RemoveAll(dir)
	}
	if ctx.Err() != nil && err != nil {
		return nil // Ctrl-C during the start
	}
	if err != nil {
		return explain(ctx, err, logs, logs)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	bad, err := badserver.Start(ctx)
	if err != nil {
		return err
	}
	defer bad.Close()
	s.OSS.AllowPublic(bad.Addr())

	addresses, err := addressesOf(s)
	if err != nil {
		return err
	}
	addresses.SigningKey = filepath.Join(dir, "oss-signing-key.pem")
	if err := os.WriteFile(addresses.SigningKey, []byte(s.OSS.PrivateKeyPEM()), 0o600); err != nil {
		return err
	}
	if err := describe(out, s, addresses, bad); err != nil {
		return err
	}
	if asJSON {
		if err := json.NewEncoder(env.stdout).Encode(addresses); err != nil {
			return fmt.Errorf("write to stdout: %w", err)
		}
	}
	select {
	case <-ctx.Done():
		out.line(dim, "\nEnding everything.")
		return nil
	case err := <-s.Failed():
		return explain(ctx, err, logs, logs)
	}
}

// startDev builds and starts the stack. The caller removes dir, where the binaries are.
func startDev(ctx context.Context, env environment, options stack.Options, out *printer, logs io.Writer) (s *stack.Stack, dir string, err error) {
	began := time.Now()
	buildCtx, cancel := context.WithTimeout(ctx, startupTimeout)
	defer cancel()
	if dir, err = os.MkdirTemp("", "oss-callback-build-"); err != nil {
		return nil, "", err
	}
	binaries, err := env.build(buildCtx, dir)
	if err != nil {
		return nil, dir, err
	}
	out.step("build", time.Since(began), "function and worker compiled as they are shipped")
	options.Binaries, options.FunctionLog, options.WorkerLog = binaries, logs, logs
	options.OnStep = func(name, where string, took time.Duration) { out.step(name, took, where) }
	options.OnCallback = func(x osssim.Exchange) { showCallback(out, x) }
	s, err = stack.Start(ctx, options)
	return s, dir, err
}

func addressesOf(s *stack.Stack) (addresses, error) {
	minted, err := stack.Minted(s.CallbackURL(), "")
	return addresses{
		OSS: s.OSS.Endpoint(), Region: stack.Region, AccessKeyID: stack.AccessKeyID, AccessKeySecret: stack.AccessKeySecret,
		Bucket: stack.Bucket, Callback: minted.Callback, NSQD: s.NSQ.TCPAddr(), NSQDHTTP: s.NSQ.HTTPAddr(),
		Topic: stack.Topic, Metrics: s.MetricsURL(),
	}, err
}
