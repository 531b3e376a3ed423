package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/bench"
)

const benchTimeout = 20 * time.Minute

func benchCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "bench",
		Usage:        "measure function and worker beside the least that could be done, side by side in one run",
		OnUsageError: onUsageError,
		Description: `Ratios are what counts: machines differ, and shared ones differ from minute to minute. Close what else runs. A target that
is missed is shown and is no error. All of it takes about four minutes.

Sections: ` + strings.Join(bench.Names(), ", ") + ".",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: "measure this `section` alone; may be given more than once"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object instead of tables"},
			&cli.StringFlag{Name: "svg", Usage: "write the plot of growth to this `file`"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error {
			for _, name := range cmd.StringSlice("only") {
				if !slices.Contains(bench.Names(), name) {
					return fmt.Errorf("--only: there is no section %q, but: %s", name, strings.Join(bench.Names(), ", "))
				}
			}
			only := cmd.StringSlice("only")
			if cmd.IsSet("svg") && len(only) > 0 && !slices.Contains(only, "growth") {
				return errors.New("--svg plots the section growth: add --only growth")
			}
			if folder := filepath.Dir(cmd.String("svg")); cmd.IsSet("svg") {
				if info, err := os.Stat(folder); err != nil || !info.IsDir() { // before minutes have passed
					return fmt.Errorf("--svg: there is no folder %s", folder)
				}
			}
			return runBench(ctx, env, bench.Options{Only: only}, cmd.Bool("json"), cmd.String("svg"))
		}),
	}
}

// runBench returns nil when all was measured, whatever the figures are.
func runBench(ctx context.Context, env environment, o bench.Options, asJSON bool, svg string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, benchTimeout, fmt.Errorf("bench took longer than %v", benchTimeout))
	defer cancel()
	dir, err := os.MkdirTemp("", "oss-callback-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binaries, err := env.build(ctx, dir)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	o.Function, o.Worker, o.Dir, o.Floors = binaries.Function, binaries.Worker, dir, filepath.Join(dir, "floors")
	if err := os.Mkdir(o.Floors, 0o700); err != nil {
		return err
	}
	if err := bench.BuildFloors(ctx, o.Floors); err != nil {
		return err
	}
	if o.NSQD, err = os.Executable(); err != nil {
		return err
	}
	o.NSQDArgs = []string{"nsqd"}
	out := newPrinter(env.stdout)
	if !asJSON {
		benchMachine(out, bench.ThisMachine())
		o.OnSection = func(s bench.Section) { benchSection(env.stdout, out, s) }
	}
	report, err := bench.Run(ctx, o)
	if asJSON { // what was measured before it went wrong, too
		encoder := json.NewEncoder(env.stdout)
		encoder.SetIndent("", "  ")
		err = errors.Join(err, encoder.Encode(report))
	}
	if err != nil {
		return err
	}
	if svg != "" {
		plot, err := report.Plot()
		if err != nil {
			return err
		}
		if err := os.WriteFile(svg, []byte(plot), 0o644); err != nil {
			return err
		}
	}
	if !asJSON {
		benchVerdict(out, report)
	}
	return nil
}
