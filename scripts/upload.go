package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/diagnose"
	"oss-callback/scripts/internal/params"
	"oss-callback/scripts/internal/uploader"
)

// Exit statuses of upload. They are an interface for scripts.
const (
	exitCallbackFailed = 2 // stored; the callback failed, and will again until something is changed
	exitGaveUp         = 3 // stored; the callback failed in every try, and may work later
	exitNotStored      = 4
	exitUnknown        = 5
)

const uploadHelp = `Uploads one file as a good client does. After a 203 it says why the callback failed, uploads again where that is the cure
(the object was gone), pauses with jitter where waiting is (OSS or the endpoint is busy or cannot be reached), and stops at once
where neither helps. Uploading again is harmless: the job of the same bytes has the same id.

The callback is minted here from --url, as params does it, or comes ready-made from your backend: --callback and --callback-var.

Keys come from the environment: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN;
with CALLBACK_TOKEN_SECRET the URL ends in a token for this key.

Exit status (of the program; "go run" makes 1 of all but 0, so build it for scripts: go build -o oss-callback ./scripts):
  0  stored, and the callback succeeded; the endpoint's reply is on stdout
  1  a setting is wrong, the file cannot be read
  2  stored, but the callback failed, and will again until something is changed
  3  stored, but the callback failed in every try; later it may work
  4  not stored: OSS refused the upload, or failed in every try
  5  nobody knows whether it is stored: no answer came
Ctrl-C ends with 3, 4 or 5, whichever is known by then.`

// tokenLife is how long the callback of an upload may take to come; it covers large files on slow lines.
const tokenLife = 6 * time.Hour

func uploadCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:         "upload",
		Usage:        "upload a file with a callback as a good client does: understands 203, waits, uploads again where that helps",
		ArgsUsage:    "FILE",
		Description:  uploadHelp,
		OnUsageError: onUsageError,
		// Values of variables may hold commas.
		DisableSliceFlagSeparator: true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "endpoint", Required: true, Sources: cli.EnvVars("OSS_ENDPOINT"), Usage: "OSS `URL`, such as https://oss-cn-hangzhou.aliyuncs.com"},
			&cli.StringFlag{Name: "region", Sources: cli.EnvVars("OSS_REGION"), Usage: "such as cn-hangzhou; needed where the endpoint does not tell"},
			&cli.StringFlag{Name: "bucket", Required: true, Usage: "`name` of the bucket"},
			&cli.StringFlag{Name: "key", Usage: "of the object; default: the file's own name"},
			&cli.StringFlag{Name: "url", Usage: "callback `URL`"},
			&cli.StringSliceFlag{Name: "var", Usage: "custom variable, `x:name=value`; may be repeated"},
			&cli.StringFlag{Name: "callback", Usage: "ready-made, Base64, instead of --url"},
			&cli.StringFlag{Name: "callback-var", Usage: "ready-made, Base64, with --callback"},
			&cli.StringFlag{Name: "method", Value: string(uploader.Auto), Usage: "put, multipart, post (the form that browsers send), or auto: multipart from 32 MiB"},
			&cli.IntFlag{Name: "part-size", Usage: "KiB of a part; default 8192"},
			&cli.IntFlag{Name: "attempts", Value: 5, Usage: "uploads in all, with pauses of up to 30 s"},
			&cli.BoolFlag{Name: "local", Usage: "the endpoint to call back is a simulator's, on this machine"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 1 {
				return errors.New("upload takes one file")
			}
			config, err := uploadConfig(env, cmd)
			if err != nil {
				return err
			}
			return runUpload(ctx, env, config)
		},
	}
}

// uploadConfig makes the settings of the upload, callback parameters and all. What params warns of goes to stderr.
func uploadConfig(env environment, cmd *cli.Command) (uploader.Config, error) {
	file := cmd.Args().First()
	credentials := accessKey()
	if credentials.AccessKeyID == "" || credentials.AccessKeySecret == "" {
		return uploader.Config{}, errors.New("ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET must be set")
	}
	c := uploader.Config{
		Endpoint: cmd.String("endpoint"), Region: regionOf(cmd),
		AccessKeyID: credentials.AccessKeyID, AccessKeySecret: credentials.AccessKeySecret, SecurityToken: credentials.SecurityToken,
		Bucket: cmd.String("bucket"), Key: cmp.Or(cmd.String("key"), filepath.Base(file)), File: file,
		Method: uploader.Method(cmd.String("method")), PartSize: int64(cmd.Int("part-size")) << 10, Attempts: cmd.Int("attempts"),
		Callback: cmd.String("callback"), CallbackVar: cmd.String("callback-var"),
	}
	if c.Region == "" {
		return c, fmt.Errorf("--region is needed: the endpoint %s does not tell it", c.Endpoint)
	}
	if err := flagsTogether(cmd); err != nil {
		return c, err
	}
	endpoint, err := params.Endpoint(c.Endpoint, c.Bucket)
	if err != nil {
		return c, fmt.Errorf("--endpoint: %w", err)
	}
	c.Endpoint = endpoint.String()
	if c.Callback != "" {
		if c.Method == uploader.Post {
			return c, errors.New("post needs --url: its form is signed together with the callback")
		}
		return c, nil
	}
	minted, err := mintFor(cmd, c)
	if err != nil {
		return c, err
	}
	for _, warning := range minted.Warnings {
		fmt.Fprintln(env.stderr, "Warning:", warning)
	}
	c.Callback, c.CallbackVar = minted.Callback, minted.CallbackVar
	if c.Method == uploader.Post {
		c.Form = func() (string, [][2]string, error) { return signForm(minted, credentials, c) }
	}
	return c, nil
}

// flagsTogether refuses what would be ignored.
func flagsTogether(cmd *cli.Command) error {
	ready, minted := cmd.String("callback") != "", cmd.String("url") != ""
	switch {
	case ready == minted:
		return errors.New("give --url, from which the callback is made, or --callback, which is one")
	case ready && len(cmd.StringSlice("var")) > 0:
		return errors.New("--var goes with --url; with --callback the variables come as --callback-var")
	case minted && cmd.String("callback-var") != "":
		return errors.New("--callback-var goes with --callback; with --url the variables come as --var")
	}
	return nil
}

func mintFor(cmd *cli.Command, c uploader.Config) (params.Params, error) {
	vars, err := paramsVars(cmd.StringSlice("var"))
	if err != nil {
		return params.Params{}, err
	}
	spec := params.Spec{CallbackURL: cmd.String("url"), Bucket: c.Bucket, Key: c.Key, Vars: vars, AllowPrivate: cmd.Bool("local")}
	if spec.TokenSecret = mintingSecret(); spec.TokenSecret != nil {
		spec.TokenExpires = time.Now().Add(tokenLife)
	}
	return params.Build(spec)
}

// signForm is called for each try, since a form's policy expires.
func signForm(minted params.Params, credentials params.Credentials, c uploader.Config) (string, [][2]string, error) {
	info, err := os.Stat(c.File)
	if err != nil {
		return "", nil, err
	}
	form, err := minted.PostForm(credentials, params.PolicySpec{Region: c.Region, Expires: time.Now().Add(tokenLife), MaxSize: max(info.Size(), 1), Empty: true})
	if err != nil {
		return "", nil, err
	}
	url, err := params.PostURL(c.Endpoint, c.Bucket)
	fields := make([][2]string, len(form.Fields))
	for i, f := range form.Fields {
		fields[i] = [2]string{f.Name, f.Value}
	}
	return url, fields, err
}

func runUpload(ctx context.Context, env environment, c uploader.Config) error {
	out := newPrinter(env.stderr)
	lang := language("")
	bar := newProgress(env.stderr)
	c.OnProgress = bar.set
	c.OnRetry = func(f *uploader.Failure, pause time.Duration) {
		bar.clear()
		describeFailure(out, f, lang)
		out.item("again", fmt.Sprintf("try %d of %d, after a pause of %s", f.Tries+1, c.Attempts, short(pause)))
	}
	began := time.Now()
	result, err := uploader.Upload(ctx, c)
	bar.clear()
	if err == nil {
		out.step("stored", time.Since(began), fmt.Sprintf("oss://%s/%s, ETag %s, request %s", c.Bucket, printable(c.Key), result.ETag, result.RequestID))
		if len(result.Reply) > 0 {
			fmt.Fprintf(env.stdout, "%s\n", result.Reply)
		}
		return nil
	}
	f, ok := errors.AsType[*uploader.Failure](err)
	if !ok {
		return err
	}
	describeFailure(out, f, lang)
	return cli.Exit(verdict(f), status(f))
}

func status(f *uploader.Failure) int {
	switch {
	case f.Stored == diagnose.Yes && f.Cure == diagnose.Stop:
		return exitCallbackFailed
	case f.Stored == diagnose.Yes:
		return exitGaveUp
	case f.Stored == diagnose.No:
		return exitNotStored
	}
	return exitUnknown
}

func verdict(f *uploader.Failure) string {
	tries := fmt.Sprintf("%d tries", f.Tries)
	if f.Tries == 1 {
		tries = "one try"
	}
	switch status(f) {
	case exitCallbackFailed:
		return "the object is stored, but nobody was told: mend what is said above, then upload again"
	case exitGaveUp:
		return "the object is stored, but nobody was told in " + tries + ": upload again later"
	case exitNotStored:
		return "the object is not stored, after " + tries
	}
	return "after " + tries + " it is unknown whether the object is stored: look for it, or upload again"
}
