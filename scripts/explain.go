package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	explainer "oss-callback/scripts/internal/explain"
)

const (
	// maxCapture bounds a capture, in bytes: HAR files hold the answers, too.
	maxCapture = 16 << 20
	maxKeyFile = 64 << 10
)

const explainHelp = `Takes a captured request from a file, or from stdin, and tells whether OSS made it and whether it is as OSS sent it. If not, the
usual alterations are undone one by one, and in pairs, until the signature fits: that is a proof, and says what to change.
Nothing is sent or run. Values of parameters, authorization, and what in a path may be a token are not shown.

Understood are a raw HTTP request (also with the prefixes of curl -v), a curl command ("copy as cURL", bash), a HAR file or
one entry of it, the JSON event of a Function Compute HTTP trigger, and
  {"method":"POST","path":"/cb","query":"id=1","headers":{"authorization":"…"},"body":"…"}
where path and query are as in the request line (query is an object where only decoded parameters are known), and bodyBase64
may stand for body. What API gateways and Express call these is understood too, PHP's and CGI's names of headers, Node's
Buffers, a sniffer's TCP stream, and PowerShell's UTF-16.

ALLOWED_BUCKETS and CALLBACK_TOKEN_SECRET mean what they mean to the function: whether a genuine callback is ours.

--json prints one object: verdict, summary, alterations (id, what, cure, proved), notes, upload (bucket, object, etag, size,
mimeType, operation, requestId, vars: their names), guesses and limitHit. verdict is genuine, genuine-not-ours, altered,
altered-content, unsigned, foreign-key or unexplained. proved says that the callback verifies with the alterations undone.

Exit status: 0 only if the callback is genuine as captured and, as far as was asked, ours; 1 otherwise.

Examples:
  go run ./scripts explain captured.txt --url 'https://f.example.com/callback?id=1'
  pbpaste | go run ./scripts explain --bucket photos`

func explainCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "explain",
		Usage:        "tell what altered a captured callback on its way, and how to stop it",
		ArgsUsage:    "[file]",
		Description:  explainHelp,
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "callbackUrl as it was given to OSS: finds what was lost or rewritten"},
			&cli.StringFlag{Name: "key", Usage: "PEM `file` with another key than OSS's: private clouds and simulators, such as the signing key that dev prints"},
			&cli.StringSliceFlag{Name: "bucket", Sources: cli.EnvVars("ALLOWED_BUCKETS"), Usage: "a bucket of ours; may be repeated"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error { return runExplain(ctx, env, cmd) },
	}
}

func runExplain(ctx context.Context, env environment, cmd *cli.Command) error {
	options := explainer.Options{URL: cmd.String("url"), Buckets: trimmed(cmd.StringSlice("bucket"))}
	for part := range strings.SplitSeq(os.Getenv("CALLBACK_TOKEN_SECRET"), ",") {
		if part = strings.TrimSpace(part); part != "" {
			options.TokenSecrets = append(options.TokenSecrets, []byte(part))
		}
	}
	if name := cmd.String("key"); name != "" {
		key, err := readCapped(name, maxKeyFile)
		if err != nil {
			return fmt.Errorf("--key: %w", err)
		}
		if len(key) == 0 {
			return errors.New("--key: the file is empty")
		}
		options.Key = key
	}
	input, err := explainInput(env, cmd)
	if err != nil {
		return err
	}
	capture, err := explainer.Read(input)
	if err != nil {
		return err
	}
	report, err := explainer.Explain(ctx, capture, options)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		err = encodeExplanation(env.stdout, report)
	} else {
		err = showExplanation(env.stdout, capture, report)
	}
	if err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	if report.Verdict != explainer.Genuine {
		return cli.Exit("", 1)
	}
	return nil
}

func explainInput(env environment, cmd *cli.Command) ([]byte, error) {
	switch name := cmd.Args().First(); {
	case cmd.Args().Len() > 1:
		return nil, errors.New("explain takes one file, but got " + cmd.Args().Get(1) + ", too; put options in front of it")
	case name == "" || name == "-":
		if f, ok := env.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			fmt.Fprintln(env.stderr, "Paste the request, then press Ctrl-D.")
		}
		return readAllCapped(env.stdin, "stdin", maxCapture)
	default:
		return readCapped(name, maxCapture)
	}
}

func readCapped(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAllCapped(f, name, limit)
}

func readAllCapped(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is too big: more than %d bytes. Keep only the request", name, limit)
	}
	return b, nil
}
