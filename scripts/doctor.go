package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/doctor"
)

// maxDoctorFile bounds the files that doctor reads, in bytes.
const maxDoctorFile = 1 << 20

const doctorHelp = `Calls the endpoint as OSS does and prints one line per rule: ok, warn, FAIL or skip, what was measured, and the cure. It makes
about 12 requests, 16 at most, one after the other, each of which may take 5 s, the time that OSS waits; --tries says how many of
them, 3 unless told, only measure the time. If the endpoint limits how often it may be called (429, or 503 where the same callback
passed before), doctor stops and skips the rest.

Without more it can only send callbacks that the endpoint must refuse: forged ones, and one that OSS itself signed, for a bucket
that is not yours. To see a good one get 200, give one of these:

  --capture FILE  a genuine callback as your server received it: request line, header lines, empty line, body. It is sent again
                  several times, and your endpoint handles it each time as if OSS had sent it.
  --key FILE      the private key of a simulator, in PEM, whose public half the endpoint has in OSS_CALLBACK_PUBLIC_KEY. The signed
                  callbacks name --bucket and --object; with an object that exists, each may queue a job.

  go run ./scripts doctor https://callback-abcdefg.cn-hangzhou.fcapp.run/oss-callback
  go run ./scripts doctor --local http://127.0.0.1:9000/oss-callback

A token at the end of the URL is not printed in full.

Exit status: 0 if no rule fails (warnings and skipped rules do not count), 1 if one does or something else went wrong.

What holds if a rule passes:
`

func doctorRules() string {
	var b strings.Builder
	for _, rule := range doctor.Rules() {
		fmt.Fprintf(&b, "\n  %-16s  %s", rule.ID, rule.Title)
	}
	return b.String()
}

func doctorCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "doctor",
		Usage:        "judge a live callback endpoint the way OSS will",
		ArgsUsage:    "URL",
		Description:  doctorHelp + doctorRules(),
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "capture", Usage: "`FILE` with a genuine callback, to send again"},
			&cli.StringFlag{Name: "key", Usage: "`FILE` with the private key that signs"},
			&cli.StringFlag{Name: "bucket", Usage: "with --key: a bucket that the endpoint accepts"},
			&cli.StringFlag{Name: "object", Usage: "with --key: an image in it; default: one that does not exist"},
			&cli.BoolFlag{Name: "local", Usage: "the endpoint is a simulator's on this machine: private addresses are fine"},
			&cli.IntFlag{Name: "tries", Value: doctor.DefaultTries, Usage: fmt.Sprintf("callbacks that measure the time, 1 to %d", doctor.MaxTries)},
			&cli.BoolFlag{Name: "json", Usage: `one JSON object: {"url","failed","warned","findings":[{"rule","verdict","detail","cure"}]}`},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error { return runDoctor(ctx, env, cmd) },
	}
}

func runDoctor(ctx context.Context, env environment, cmd *cli.Command) error {
	if cmd.Args().Len() != 1 {
		return errors.New("doctor takes one argument, the callback URL, quoted if it holds ? or &")
	}
	if cmd.Int("tries") < 1 {
		return fmt.Errorf("--tries must be between 1 and %d", doctor.MaxTries)
	}
	o := doctor.Options{
		URL: cmd.Args().First(), Bucket: cmd.String("bucket"), Object: cmd.String("object"), AllowPrivate: cmd.Bool("local"), Tries: cmd.Int("tries"),
	}
	for name, into := range map[string]*[]byte{"key": &o.Key, "capture": &o.Capture} {
		if !cmd.IsSet(name) {
			continue
		}
		content, err := readDoctorFile(cmd.String(name))
		if err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
		*into = content
	}
	report, err := doctor.Examine(ctx, o)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		err = encodeFindings(env.stdout, report)
	} else {
		showFindings(newPrinter(env.stdout), report)
	}
	if err == nil && report.Count(doctor.Fail) > 0 {
		return cli.Exit("", 1) // all is said
	}
	return err
}

func readDoctorFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxDoctorFile+1))
	if err == nil && len(content) > maxDoctorFile {
		return nil, fmt.Errorf("%s is too big: more than %d bytes", name, maxDoctorFile)
	}
	return content, err
}

func encodeFindings(w io.Writer, report doctor.Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		URL      string           `json:"url"`
		Failed   int              `json:"failed"`
		Warned   int              `json:"warned"`
		Findings []doctor.Finding `json:"findings"`
	}{report.URL, report.Count(doctor.Fail), report.Count(doctor.Warn), report.Findings})
}

// showFindings writes a line per rule, and the cure below the ones that need one.
func showFindings(out *printer, report doctor.Report) {
	marks := map[doctor.Verdict]struct{ style, mark string }{
		doctor.Pass: {green, "ok"}, doctor.Warn: {bold, "warn"}, doctor.Fail: {red, "FAIL"}, doctor.Skip: {dim, "skip"},
	}
	for _, f := range report.Findings {
		m := marks[f.Verdict]
		out.line("", fmt.Sprintf("%s  %-16s  %s", out.paint(m.style, fmt.Sprintf("%-4s", m.mark)), f.Rule, f.Detail))
		if f.Cure != "" {
			out.line(m.style, fmt.Sprintf("%*scure: %s", indent, "", f.Cure))
		}
	}
	out.line(bold, "\n"+nextStep(report))
}

func nextStep(report doctor.Report) string {
	failed, warned := report.Count(doctor.Fail), report.Count(doctor.Warn)
	if failed > 0 {
		return plural(failed, "rule fails", "rules fail") + ": mend the first one and run doctor again."
	}
	text := "No rule fails"
	if warned > 0 {
		text += ", " + plural(warned, "warning", "warnings")
	}
	for _, f := range report.Findings {
		if (f.Rule == "status" || f.Rule == "signature") && f.Verdict == doctor.Skip {
			return text + ", but " + f.Rule + " could not be judged: its line says what is missing."
		}
	}
	return text + ": use this URL as callbackUrl, and mint the parameters with: go run ./scripts params --url URL --bucket BUCKET"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
