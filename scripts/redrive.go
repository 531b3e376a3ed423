package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"oss-callback/queue"
	"oss-callback/scripts/internal/redrive"
)

const redriveHelp = `Without --list, every dead letter that matches is published to its topic again, on the nsqd that it lies on, and only
then taken off. Interrupt it whenever you like: no letter is lost, at worst one is sent twice, which is harmless.

The letters are read from channel "redrive" of topic <topic>.dead. nsqd keeps dead letters in that topic until it has its
first channel, so the first run finds all of them. If you make another channel there first, run this command once with
--list before anything dies, so that both get a copy.

A job that dies again while the command runs is left for the next run.

NSQ_TLS and NSQ_AUTH_SECRET mean what they mean to the worker.

Exit status: 0 if every letter that matches was listed or sent, also if there was none; 1 if not: an nsqd could not be
reached, a letter could not be sent and was put back, a setting is wrong, or Ctrl-C.`

func redriveCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "redrive",
		Usage:        "list dead letters, and send them again",
		Description:  redriveHelp,
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "nsqd", Required: true, Sources: cli.EnvVars("NSQD_ADDRS"), Usage: "TCP addresses of all nsqd, `host:port,...`"},
			&cli.StringFlag{Name: "topic", Value: "oss_upload", Sources: cli.EnvVars("NSQ_TOPIC"), Usage: "where the jobs go"},
			&cli.BoolFlag{Name: "list", Aliases: []string{"dry-run"}, Usage: "send nothing, only show what would be sent"},
			&cli.StringFlag{Name: "reason", Usage: "only these: permanent, attempts_exhausted, malformed_job or unknown_version"},
			&cli.StringFlag{Name: "bucket", Usage: "only jobs of this bucket"},
			&cli.StringFlag{Name: "object-prefix", Usage: "only jobs of objects whose keys start so"},
			&cli.DurationFlag{Name: "older-than", Usage: "only letters that died longer ago, such as 1h30m"},
			&cli.IntFlag{Name: "limit", Usage: "stop after so many; 0 is no limit"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object per letter on stdout, the summary on stderr"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error { return runRedrive(ctx, env, cmd) }),
	}
}

func runRedrive(ctx context.Context, env environment, cmd *cli.Command) error {
	tls, err := strconv.ParseBool(cmp.Or(os.Getenv("NSQ_TLS"), "false"))
	if err != nil {
		return errors.New("NSQ_TLS is neither true nor false")
	}
	show, summary := showLetter(env.stdout), env.stdout
	if cmd.Bool("json") {
		show, summary = encodeLetter(env.stdout), env.stderr
	}
	var written error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tally, err := redrive.Run(ctx, redrive.Config{
		Addrs: trimmed(cmd.StringSlice("nsqd")), Topic: cmd.String("topic"), ListOnly: cmd.Bool("list"), Limit: cmd.Int("limit"),
		Conn: queue.Conn{TLS: tls, AuthSecret: os.Getenv("NSQ_AUTH_SECRET")},
		Match: redrive.Match{Reason: queue.Reason(cmd.String("reason")), Bucket: cmd.String("bucket"),
			ObjectPrefix: cmd.String("object-prefix"), OlderThan: cmd.Duration("older-than")},
		OnLetter: func(l redrive.Letter) {
			if err := show(l); err != nil && written == nil { // nobody sees any more what we do
				written = fmt.Errorf("write to stdout: %w", err)
				cancel()
			}
		},
	})
	if errors.Is(err, redrive.ErrConfig) {
		return err
	}
	fmt.Fprintf(summary, "%d listed, %d sent, %d failed, %d left where they were\n", tally.Listed, tally.Sent, tally.Failed, tally.Left)
	return errors.Join(written, err)
}

func trimmed(list []string) []string {
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// showLetter writes two lines for a letter, and before the first one a heading.
func showLetter(w io.Writer) func(redrive.Letter) error {
	const columns = "%-7s %-18s %8s %10s  %s\n"
	heading := true
	return func(l redrive.Letter) error {
		if heading {
			fmt.Fprintf(w, columns, "", "REASON", "ATTEMPTS", "AGE", "OBJECT")
			heading = false
		}
		reason, attempts, age := string(l.Reason), strconv.Itoa(l.Attempts), time.Since(l.At).Round(time.Second).String()
		if l.Reason == "" {
			reason, attempts, age = "unreadable", "", ""
		}
		_, err := fmt.Fprintf(w, columns, l.Action, reason, attempts, age, object(l))
		for _, text := range []string{l.Error, errorText(l.Err)} {
			if text != "" {
				fmt.Fprintf(w, "%48s%s\n", "", printable(text))
			}
		}
		return err
	}
}

func object(l redrive.Letter) string {
	if l.Job.Object == "" {
		return "(no job)"
	}
	return printable(l.Job.Bucket + "/" + l.Job.Object)
}

// printable keeps what others chose, such as keys, from steering the terminal.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// encodeLetter writes one line of JSON per letter. Its keys are an interface for scripts.
func encodeLetter(w io.Writer) func(redrive.Letter) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(l redrive.Letter) error {
		return enc.Encode(struct {
			Action   redrive.Action `json:"action"`
			NSQD     string         `json:"nsqd"`
			Reason   queue.Reason   `json:"reason"`
			Attempts int            `json:"attempts"`
			At       time.Time      `json:"at"`
			Job      string         `json:"job"`
			Bucket   string         `json:"bucket"`
			Object   string         `json:"object"`
			Error    string         `json:"error"`
			Failure  string         `json:"failure,omitempty"`
		}{l.Action, l.NSQD, l.Reason, l.Attempts, l.At, l.Job.ID, l.Job.Bucket, l.Job.Object, l.Error, errorText(l.Err)})
	}
}
