package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/application"
)

const packageHelp = `The folder holds publish.yaml, readme.md, version.md, a hook, and under src/ the files of the last commit. Name and Provider in
publish.yaml are the publisher's. Then, with an account at the registry:

  cd dist && s registry publish

To try it without one, zip the folder's content and give a copy of that to s init --uri, which deletes what it unpacks:

  s init oss-callback --uri copy.zip --parameters '{"ALLOWED_BUCKETS":"photos"}'`

func packageCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "package",
		Usage:        "assemble the application for the Serverless Devs registry",
		Description:  packageHelp,
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Value: "dist", Usage: "write into `FOLDER`, which must be empty or not there"},
			&cli.StringFlag{Name: "version", Value: "0.1.0", Usage: "of the application"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error {
			out := cmd.String("out")
			report, err := application.Write(ctx, application.Options{Dir: ".", Out: out, Version: cmd.String("version")})
			if err != nil {
				return err
			}
			if report.Uncommitted > 0 {
				fmt.Fprintf(env.stderr, "Warning: the last commit was packaged; %d of your files have changed since or are new: see git status.\n", report.Uncommitted)
			}
			p := newPrinter(env.stdout)
			p.item("packaged", filepath.Join(out, "src"), fmt.Sprintf("%d files, %d KiB, commit %.12s", report.Files, report.Bytes>>10, report.Commit))
			p.item("next", fmt.Sprintf("cd %s && s registry publish", out), "after a look at Name and Provider in publish.yaml")
			return nil
		}),
	}
}
