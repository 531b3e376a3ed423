package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"oss-callback/scripts/internal/params"
)

const (
	lookUpTimeout = 3 * time.Second
	// defaultMaxSize is the largest original that the worker decodes, in bytes.
	defaultMaxSize = 32 << 20
)

const paramsHelp = `Everything that would make OSS refuse the upload, or send a callback that nobody can read, is refused here, with
OSS's own error code and the cure.

Secrets come from the environment only:
  CALLBACK_TOKEN_SECRET             as the function has it ("new,old": the first is used): the URL's path ends in a token for
                                    the bucket and the key or prefix, good for --expires
  ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN
                                    sign the form of a PostObject, whose policy pins the callback; the last one for STS keys.
                                    Without them the form is left out

--output json is one object: callbackUrl, callback, callbackVar ("" without variables), callbackDecoded, callbackVarDecoded,
bucket, key, prefix, tokenExpires (null without a token), warnings, and form (null if left out) with url and fields, a list
of {name,value} to post in this order, followed by the file as a field named "file".
--output shell is lines of NAME='value': OSS_CALLBACK_URL, OSS_CALLBACK, OSS_CALLBACK_VAR and, with a form, OSS_POST_URL and
OSS_POST_<FIELD> for each of its own fields, such as OSS_POST_X_OSS_SIGNATURE.
--output curl is a command that uploads photo.jpg. Warnings go to stderr.

Examples:
  go run ./scripts params --url https://f.example.com/callback --bucket photos --prefix users/7/ --var x:user=7
  go run ./scripts params --local --url http://127.0.0.1:9000/cb --bucket local-bucket --key a.jpg \
    --endpoint http://127.0.0.1:8080 --region cn-hangzhou --output curl`

func paramsCommand(env environment) *cli.Command {
	return &cli.Command{
		Name:                      "params",
		Usage:                     "mint what a client needs to upload with a callback: parameters, token, signed form",
		Description:               paramsHelp,
		OnUsageError:              onUsageError,
		DisableSliceFlagSeparator: true, // values of variables may hold commas
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Required: true, Usage: "`URL` that OSS shall call; up to five, separated by \";\", are tried in order"},
			&cli.StringFlag{Name: "bucket", Required: true, Usage: "bucket of the upload"},
			&cli.StringFlag{Name: "key", Usage: "the one object to upload"},
			&cli.StringFlag{Name: "prefix", Usage: "what the keys begin with, such as users/7/; without both, any key"},
			&cli.StringSliceFlag{Name: "var", Usage: "custom variable `x:name=value`, passed on to the function; may be repeated"},
			&cli.BoolFlag{Name: "json-body", Usage: "let OSS send JSON instead of a form"},
			&cli.StringFlag{Name: "body", Usage: "your own callbackBody `template` instead of the one that the function understands"},
			&cli.StringFlag{Name: "host", Usage: "Host header of the callback, if it is not the URL's"},
			&cli.DurationFlag{Name: "expires", Value: time.Hour, Usage: "how long token and form are good for"},
			&cli.Int64Flag{Name: "max-size", Value: defaultMaxSize, Usage: "largest file that the form may upload, in `bytes`"},
			&cli.StringFlag{Name: "endpoint", Usage: "OSS endpoint `URL` for the form, such as https://oss-cn-hangzhou.aliyuncs.com; an IP:port gets the bucket as path"},
			&cli.StringFlag{Name: "region", Usage: "region for the form's signature; default: the endpoint's"},
			&cli.BoolFlag{Name: "local", Usage: "the endpoint is a simulator's on this machine: private addresses are fine"},
			&cli.StringFlag{Name: "output", Usage: "json, shell or curl; default: for people"},
		},
		Action: noArguments(func(ctx context.Context, cmd *cli.Command) error { return runParams(ctx, env, cmd) }),
	}
}

// minted is what the command prints. Its JSON keys are an interface for scripts.
type minted struct {
	CallbackURL        string          `json:"callbackUrl"`
	Callback           string          `json:"callback"`
	CallbackVar        string          `json:"callbackVar"`
	CallbackDecoded    json.RawMessage `json:"callbackDecoded"`
	CallbackVarDecoded json.RawMessage `json:"callbackVarDecoded"`
	Bucket             string          `json:"bucket"`
	Key                string          `json:"key"`
	Prefix             string          `json:"prefix"`
	TokenExpires       *time.Time      `json:"tokenExpires"`
	Form               *mintedForm     `json:"form"`
	Warnings           []string        `json:"warnings"`

	noForm  string    // why Form is nil
	expires time.Time // of token and form
	maxSize int64
}

type mintedForm struct {
	URL string `json:"url"`
	params.Form
}

func runParams(ctx context.Context, env environment, cmd *cli.Command) error {
	var write func(io.Writer, minted) error
	switch output := cmd.String("output"); output {
	case "":
		write = explainParams
	case "json":
		write = writeJSON
	case "shell":
		write = writeShell
	case "curl":
		write = writeCurl
	default:
		return fmt.Errorf("--output is json, shell or curl, not %q", output)
	}
	m, err := mintParams(ctx, cmd)
	if err != nil {
		return err
	}
	for _, warning := range m.Warnings {
		fmt.Fprintln(env.stderr, "Warning:", warning)
	}
	return write(env.stdout, m)
}

func mintParams(ctx context.Context, cmd *cli.Command) (minted, error) {
	now := time.Now()
	spec := params.Spec{
		CallbackURL: cmd.String("url"), Host: cmd.String("host"), Bucket: cmd.String("bucket"), Key: cmd.String("key"), Prefix: cmd.String("prefix"),
		Body: cmd.String("body"), TokenExpires: now.Add(cmd.Duration("expires")).Truncate(time.Second), AllowPrivate: cmd.Bool("local"),
	}
	if cmd.Bool("json-body") {
		spec.BodyType = params.JSONBody
	}
	if cmd.IsSet("body") && spec.Body == "" {
		return minted{}, errors.New("--body is empty: OSS would answer 400, EC 0007-00000011: The callback body is empty. Leave it out for the default")
	}
	if cmd.Duration("expires") <= 0 {
		return minted{}, errors.New("--expires must be positive, such as 1h")
	}
	var err error
	if spec.Vars, err = paramsVars(cmd.StringSlice("var")); err != nil {
		return minted{}, err
	}
	spec.TokenSecret = mintingSecret()
	p, err := params.Build(spec)
	if err != nil {
		return minted{}, err
	}
	m := minted{
		CallbackURL: p.URL, Callback: p.Callback, CallbackVar: p.CallbackVar,
		CallbackDecoded: json.RawMessage(p.CallbackJSON), CallbackVarDecoded: json.RawMessage(cmp.Or(p.CallbackVarJSON, "null")),
		Bucket: spec.Bucket, Key: spec.Key, Prefix: spec.Prefix, Warnings: append([]string{}, p.Warnings...),
		expires: spec.TokenExpires, maxSize: cmd.Int64("max-size"),
	}
	if spec.TokenSecret != nil {
		m.TokenExpires = &m.expires
	}
	if err := m.checkDNS(ctx, p); err != nil {
		return minted{}, err
	}
	return m, m.sign(cmd, p, now)
}

// checkDNS refuses names that OSS would refuse. No DNS is no proof of anything.
func (m *minted) checkDNS(ctx context.Context, p params.Params) error {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	err := p.CheckDNS(ctx, net.DefaultResolver)
	if _, isRefusal := errors.AsType[params.Refusal](err); isRefusal {
		return err
	}
	if err != nil {
		m.Warnings = append(m.Warnings, fmt.Sprintf("It is not known whether OSS can reach the callback URL: %v.", err))
	}
	return nil
}

// sign makes the form, or says why there is none.
func (m *minted) sign(cmd *cli.Command, p params.Params, now time.Time) error {
	keys, endpoint, region := accessKey(), cmd.String("endpoint"), regionOf(cmd)
	var missing []string
	if keys.AccessKeyID == "" {
		missing = append(missing, "ALIBABA_CLOUD_ACCESS_KEY_ID")
	}
	if keys.AccessKeySecret == "" {
		missing = append(missing, "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	}
	if endpoint == "" {
		missing = append(missing, "--endpoint")
	} else if region == "" {
		missing = append(missing, "--region")
	}
	if len(missing) > 0 {
		m.noForm = "no form without " + strings.Join(missing, ", ")
		return nil
	}
	target, err := params.PostURL(endpoint, m.Bucket)
	if err != nil {
		return fmt.Errorf("--endpoint: %w", err)
	}
	form, err := p.PostForm(keys, params.PolicySpec{Region: region, Now: now, Expires: m.expires, MaxSize: m.maxSize})
	if err != nil {
		return err
	}
	m.Form = &mintedForm{URL: target, Form: form}
	return nil
}

// paramsVars reads x:name=value pairs.
func paramsVars(pairs []string) (map[string]string, error) {
	vars := map[string]string{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if _, twice := vars[name]; !ok || twice {
			return nil, fmt.Errorf("--var %.100q: write x:name=value, each name once", pair)
		}
		vars[name] = value
	}
	return vars, nil
}
