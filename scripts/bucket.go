package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"oss-callback/queue/ossclient"
	"oss-callback/scripts/internal/bucketsetup"
)

// bucketTimeout is for a dozen small requests.
const bucketTimeout = time.Minute

const bucketHelp = `Brings a bucket into the state that uploads with callbacks need, as the files in deploy/oss have it: CORS rules, so that pages
of your origins may upload, and lifecycle rules that clean up after unfinished uploads and, where the bucket has versioning,
after the outbox. Without --apply nothing is written, only shown.

Rules of your own are never changed or removed, nor are rules of this command that you edited: what differs is told. What is
dangerous in them is told too: lifecycle rules that delete queued jobs or fresh uploads, or anything by date, open CORS rules, a
public bucket. Run it as often as you like; what is there is not added again. OSS has no conditional writes for these rules:
--apply looks once more right before it writes, and what somebody else writes in between is overwritten.

Keys come from the environment: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN.
They need, on acs:oss:*:*:<bucket>, oss:GetBucketCors, oss:GetBucketLifecycle, oss:GetBucketVersioning and oss:GetBucketAcl; with
--apply oss:PutBucketCors and oss:PutBucketLifecycle too.

--json is one object: bucket, applied, versioning, acl, documents (cors and lifecycle, each with name, changes, and the whole XML
before and after: keep it to go back) and warnings. A change has action (keep, add), rule, says, edited (true where a rule of
this command was edited) and after, the XML of what is added.

Exit status: 0 if all is as it should be, or was written, or shown; 1 if not. Warnings do not count.

Examples:
  go run ./scripts bucket --endpoint https://oss-cn-hangzhou.aliyuncs.com --bucket photos --origin https://app.example.com
  go run ./scripts bucket --endpoint https://oss-cn-hangzhou.aliyuncs.com --bucket photos --origin https://app.example.com --apply`

func bucketCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "bucket",
		Usage:        "show, and with --apply make, the CORS and lifecycle rules that a bucket for uploads needs",
		Description:  bucketHelp,
		OnUsageError: onUsageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "endpoint", Required: true, Sources: cli.EnvVars("OSS_ENDPOINT"), Usage: "OSS `URL`, such as https://oss-cn-hangzhou.aliyuncs.com"},
			&cli.StringFlag{Name: "region", Sources: cli.EnvVars("OSS_REGION"), Usage: "such as cn-hangzhou; needed where the endpoint does not tell"},
			&cli.StringFlag{Name: "bucket", Required: true, Usage: "`name` of the bucket"},
			&cli.StringSliceFlag{Name: "origin", Usage: "`origin` of pages that upload, such as https://app.example.com; may be repeated; none: no page uploads"},
			&cli.StringFlag{Name: "outbox-prefix", Value: ".outbox/", Sources: cli.EnvVars("OUTBOX_PREFIX"), Usage: "where function and worker keep jobs"},
			&cli.BoolFlag{Name: "apply", Usage: "write what is missing"},
			&cli.BoolFlag{Name: "dry-run", Usage: "write nothing, which is the default"},
			&cli.BoolFlag{Name: "json", Usage: "one JSON object on stdout"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error { return runBucket(ctx, env, cmd) }),
	}
}

func runBucket(ctx context.Context, env environment, cmd *cli.Command) error {
	apply := cmd.Bool("apply")
	if apply && cmd.Bool("dry-run") {
		return errors.New("give --apply or --dry-run, not both")
	}
	keys := accessKey()
	if keys.AccessKeyID == "" || keys.AccessKeySecret == "" {
		return errors.New("ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET must be set")
	}
	region := regionOf(cmd)
	if region == "" {
		return fmt.Errorf("--region is needed: the endpoint %s does not tell it", cmd.String("endpoint"))
	}
	setup, err := bucketsetup.New(bucketsetup.Config{
		Endpoint: cmd.String("endpoint"), Region: region, Bucket: cmd.String("bucket"), Keys: ossclient.Credentials(keys),
		Origins: trimmed(cmd.StringSlice("origin")), OutboxPrefix: cmd.String("outbox-prefix"),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bucketTimeout)
	defer cancel()
	plan, err := setup.Inspect(ctx)
	if err != nil {
		return err
	}
	if apply {
		if err := setup.Apply(ctx, plan); err != nil {
			return err
		}
	}
	if cmd.Bool("json") {
		return writeBucketJSON(env.stdout, plan, apply)
	}
	showBucket(env.stdout, plan, apply)
	return nil
}

// writeBucketJSON writes one object. Its keys are an interface for scripts.
func writeBucketJSON(w io.Writer, plan bucketsetup.Plan, applied bool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Applied bool `json:"applied"`
		bucketsetup.Plan
	}{applied, plan})
}

// showBucket is for people.
func showBucket(w io.Writer, plan bucketsetup.Plan, applied bool) {
	out := newPrinter(w)
	state := "dry run, nothing is written"
	if applied {
		state = "written"
	}
	switch {
	case plan.Changes() == 0 && len(plan.Warnings) > 0:
		state = "nothing to write, but see the warnings"
	case plan.Changes() == 0:
		state = "all is as it should be, nothing to do"
	}
	out.line(bold, "Bucket "+plan.Bucket+": "+state)
	for _, document := range plan.Documents {
		for _, change := range document.Changes {
			bucketItem(out, fmt.Sprintf("%-9s  %s", document.Name, change.Action), printable(change.Rule)+": "+printable(change.Says), marked(change)...)
		}
		if len(document.Changes) == 0 {
			bucketItem(out, document.Name, "no rules, none needed")
		}
	}
	bucketItem(out, "versioning", versioningAdvice(plan.Versioning))
	for _, warning := range plan.Warnings {
		bucketItem(out, "warning", printable(warning.Rule)+": "+printable(warning.Says), wrapped(printable("Cure: "+warning.Cure+"."), bucketWidth)...)
	}
	if n := plan.Changes(); n > 0 && !applied {
		out.line("", fmt.Sprintf("\n%d to write: the same command with --apply", n))
	}
}

// bucketWidth is how many columns a text takes beside its name.
const bucketWidth = diagnosisWidth - indent

func bucketItem(out *printer, name, text string, more ...string) {
	lines := wrapped(text, bucketWidth)
	out.item(name, lines[0], append(lines[1:], more...)...)
}

// marked are the lines of a rule that is added.
func marked(change bucketsetup.Change) (lines []string) {
	last := change.After[strings.LastIndexByte(change.After, '\n')+1:]
	deep := last[:len(last)-len(strings.TrimLeft(last, " \t"))] // as the rule stands in its file
	for line := range strings.Lines(change.After) {
		lines = append(lines, "+ "+printable(strings.TrimPrefix(strings.TrimRight(line, "\r\n"), deep)))
	}
	return lines
}

func versioningAdvice(status string) string {
	switch status {
	case "":
		return "off: overwritten and deleted objects are gone"
	case "Enabled":
		return "Enabled: callbacks, image info and the worker see the current version only; entries of the outbox stay as old versions until a rule removes them"
	}
	return status + ": old versions stay until a rule removes them, new objects have none"
}
