package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"oss-callback/scripts/internal/diagnose"
)

// maxDiagnosed is the longest input, in bytes. What OSS answers is below 1 KB.
const maxDiagnosed = 128 << 10

const diagnoseHelp = `Give it whatever you have in hand: the XML body of a 203 or 400, its message, an EC such as 0007-00000203 (or just 0203), a header
line, what curl -i printed, an SDK's exception, an answer of the function, lines of its log, or a request id. As an argument in
quotes, or on stdin:

  go run ./scripts diagnose 'Error status : 404.'
  go run ./scripts diagnose < answer.txt

What it prints are its own words, never the input: an input may hold secrets. Of several errors it explains the last.

Exit status: 0 if the input is known; 1 if not, with the nearest that are, and if there is no input.`

func diagnoseCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "diagnose",
		Usage:        "say what a failed upload or callback means, and what to do",
		ArgsUsage:    "[message, EC, body, exception or request id; else stdin]",
		Description:  diagnoseHelp,
		OnUsageError: onDiagnoseUsage,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "lang", Usage: "`language` of the output, en or zh; else that of LC_ALL, LC_MESSAGES or LANG"},
			&cli.BoolFlag{Name: "list", Usage: "list everything that is known"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object (with --list one per line)"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			lang := language(cmd.String("lang"))
			if lang == "" {
				return fmt.Errorf(diagnosisWords[language("")].badLang, cmd.String("lang"))
			}
			if cmd.Bool("list") {
				return listDiagnoses(env.stdout, lang, cmd.Bool("json"))
			}
			input, err := diagnoseInput(ctx, env, cmd.Args().Slice(), diagnosisWords[lang])
			if err != nil {
				return err
			}
			return runDiagnose(env.stdout, input, lang, cmd.Bool("json"))
		},
	}
}

// onDiagnoseUsage is for messages such as "Error status : -1." without their quotes.
func onDiagnoseUsage(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	lang := cmp.Or(language(cmd.String("lang")), language(""))
	return fmt.Errorf(diagnosisWords[lang].quote, err)
}

// language reads --lang, or the environment if it is empty. It returns "" for a name that it does not know.
func language(name string) diagnose.Lang {
	switch name {
	case string(diagnose.EN), string(diagnose.ZH):
		return diagnose.Lang(name)
	case "":
		if strings.HasPrefix(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")), "zh") {
			return diagnose.ZH
		}
		return diagnose.EN
	}
	return ""
}

// diagnoseInput is the arguments, or stdin if there are none.
func diagnoseInput(ctx context.Context, env environment, args []string, words diagnosisLabels) (string, error) {
	input := strings.Join(args, " ")
	if len(args) == 0 || input == "-" {
		if f, ok := env.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			fmt.Fprintln(env.stderr, words.paste)
		}
		var err error
		if input, err = readAtMost(ctx, env.stdin, maxDiagnosed); err != nil {
			return "", fmt.Errorf(words.unread, err)
		}
	}
	switch {
	case strings.TrimSpace(input) == "":
		return "", errors.New(words.empty)
	case len(input) > maxDiagnosed:
		return "", fmt.Errorf(words.tooLong, maxDiagnosed>>10)
	}
	return input, nil
}

// readAtMost reads limit+1 bytes at most. A read that is under way when ctx ends is left behind: the process ends too.
func readAtMost(ctx context.Context, r io.Reader, limit int64) (string, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(r, limit+1))
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return string(r.text), r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// diagnosed is one result. Its JSON is an interface for scripts.
type diagnosed struct {
	Known       bool            `json:"known"`
	Read        evidenceRead    `json:"read,omitzero"`
	Diagnosis   *diagnosisJSON  `json:"diagnosis,omitempty"`
	Contradicts *diagnosisJSON  `json:"contradicts,omitempty"` // what the EC alone would mean, where the message means something else
	Nearest     []diagnosisJSON `json:"nearest,omitempty"`     // where nothing is known
}

// evidenceRead is what was recognised in the input, but for what may be secret.
type evidenceRead struct {
	Status    int       `json:"status,omitzero"`
	Code      string    `json:"code,omitempty"`
	EC        string    `json:"ec,omitempty"`
	RequestID string    `json:"requestId,omitempty"`
	Time      time.Time `json:"time,omitzero"`   // of the upload, after its request id
	Others    int       `json:"others,omitzero"` // other failures in the input, of which this is the last
}

type diagnosisJSON struct {
	ID     string          `json:"id"`
	EC     []string        `json:"ec"`
	Title  string          `json:"title"`
	Cause  string          `json:"cause"`
	Stored diagnose.Stored `json:"stored"`
	Cure   diagnose.Cure   `json:"cure"`
	Now    string          `json:"now"`
	Change string          `json:"change"`
	Log    string          `json:"log"` // what to look for in the function's log
	Sure   diagnose.Sure   `json:"sure"`
	Doc    string          `json:"doc,omitempty"`
}

func runDiagnose(w io.Writer, input string, lang diagnose.Lang, asJSON bool) error {
	e := diagnose.Read(input)
	shown := e.Shown()
	read := evidenceRead{Status: shown.Status, Code: shown.Code, EC: shown.EC, RequestID: shown.RequestID, Others: shown.Others}
	read.Time, _ = e.Time()
	result := diagnosed{Read: read}
	if d, ok := diagnose.Find(e); ok {
		known := toJSON(d, e.EC, lang)
		result.Known, result.Diagnosis = true, &known
		if other, differs := diagnose.Contradiction(e, d); differs {
			contradicts := toJSON(other, e.EC, lang)
			result.Contradicts = &contradicts
		}
	} else {
		for _, d := range diagnose.Nearest(input, 3) {
			result.Nearest = append(result.Nearest, toJSON(d, "", lang))
		}
	}
	if asJSON {
		if err := encodeDiagnosis(w, result); err != nil {
			return err
		}
	} else {
		showDiagnosis(w, result, lang)
	}
	if !result.Known {
		return cli.Exit("", 1) // it is said already
	}
	return nil
}

func toJSON(d diagnose.Diagnosis, ec string, lang diagnose.Lang) diagnosisJSON {
	text := d.Text.In(lang)
	j := diagnosisJSON{ID: d.ID, EC: append([]string{}, d.EC...), Title: text.Title, Cause: text.Cause, Stored: d.Stored, Cure: d.Cure, Now: text.Now,
		Change: text.Change, Log: d.LogField, Sure: d.Sure}
	if len(d.EC) > 0 {
		ec = cmp.Or(ec, d.EC[0])
	}
	if ec != "" {
		j.Doc = "https://api.aliyun.com/troubleshoot?q=" + ec
	}
	return j
}

func encodeDiagnosis(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}
