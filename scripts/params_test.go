//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oss-callback/function/callback"
	"oss-callback/scripts/internal/osssim"
)

// What must never be printed, and what stands in a form only.
const (
	paramsTokenSecret   = "the new secret mints"
	paramsKeySecret     = "local-access-key-secret"
	paramsSecurityToken = "local-security-token"
)

// paramsRig is a simulated OSS, and an endpoint that answers with what it verified, token included. The environment is that of a backend.
func paramsRig(t *testing.T) (oss *osssim.Server, endpointURL string) {
	t.Helper()
	oss, err := osssim.Start(osssim.Config{AccessKeyID: "local-id", AccessKeySecret: paramsKeySecret, Buckets: []string{"photos"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { oss.Close() })
	verifier, err := callback.NewVerifier(callback.Config{
		Buckets: []string{"photos"}, PublicKey: []byte(oss.PublicKeyPEM()), TokenSecrets: [][]byte{[]byte(paramsTokenSecret)},
	})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, callback.MaxBody+1))
		upload, err := verifier.Verify(r.Context(), callback.Request{Path: r.URL.EscapedPath(), Query: callback.Query{Raw: r.URL.RawQuery}, Header: r.Header, Body: body})
		if err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusForbidden)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"object": upload.Object, "user": upload.Vars["x:user"]})
	}))
	t.Cleanup(endpoint.Close)
	oss.AllowPublic(endpoint.Listener.Addr().String())
	paramsEnv(t, paramsTokenSecret+" , the old secret, not used", "local-id", paramsKeySecret, paramsSecurityToken)
	return oss, endpoint.URL + "/callback"
}

func paramsEnv(t *testing.T, tokenSecret, id, secret, securityToken string) {
	t.Setenv("CALLBACK_TOKEN_SECRET", tokenSecret)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", id)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", securityToken)
}

// runParamsCommand runs the command as the app does.
func runParamsCommand(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	command := paramsCommand(environment{stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	command.Writer, command.ErrWriter = &out, &errs
	err = command.Run(t.Context(), append([]string{"params"}, args...))
	return out.String(), errs.String(), err
}

// curled runs a printed command with a photo beside it.
func curled(t *testing.T, command string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "photo.jpg"), []byte("jpeg"), 0o600); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	shell.Dir = dir
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, command)
	}
	return string(out)
}

func TestParamsCurl(t *testing.T) {
	oss, url := paramsRig(t)
	for _, tt := range []struct {
		name, user, answer string
		more               []string
	}{
		{"prefix", "7", `{"object":"users/7/photo.jpg","user":["7"]}`, []string{"--prefix", "users/7/"}},
		{"key", "it's, $HOME", `{"object":"@a 'b'","user":["it's, $HOME"]}`, []string{"--key", "@a 'b'", "--json-body"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, stderr, err := runParamsCommand(t, append(tt.more, "--local", "--url", url, "--bucket", "photos", "--var", "x:user="+tt.user,
				"--endpoint", oss.Endpoint(), "--region", "oss-cn-hangzhou", "--output", "curl")...)
			if err != nil || stderr != "" {
				t.Fatal(err, stderr)
			}
			if got := curled(t, out); !strings.Contains(got, " 200 OK") || !strings.HasSuffix(got, tt.answer+"\n") {
				t.Errorf("%s\nwant %s", got, tt.answer)
			}
			if strings.Contains(out, paramsTokenSecret) || strings.Contains(out, paramsKeySecret) {
				t.Error("a secret in", out)
			}
		})
	}
}

func TestParamsJSON(t *testing.T) {
	oss, url := paramsRig(t)
	out, _, err := runParamsCommand(t, "--local", "--url", url, "--bucket", "photos", "--key", "k", "--var", "x:user=7", "--endpoint", oss.Endpoint(),
		"--region", "cn-hangzhou", "--output", "json")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(got))
	want := []string{"bucket", "callback", "callbackDecoded", "callbackUrl", "callbackVar", "callbackVarDecoded", "form", "key", "prefix", "tokenExpires", "warnings"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Error(diff)
	}
	for _, key := range keys {
		if !strings.Contains(paramsHelp, key) {
			t.Errorf("%s is not in the help", key)
		}
	}
	if diff := cmp.Diff(map[string]any{"x:user": "7"}, got["callbackVarDecoded"]); diff != "" {
		t.Error(diff)
	}
	form := got["form"].(map[string]any)
	var command strings.Builder // what a script would make of it
	command.WriteString("curl -s -i")
	for _, field := range form["fields"].([]any) {
		f := field.(map[string]any)
		command.WriteString(" --form-string '" + f["name"].(string) + "=" + f["value"].(string) + "'")
	}
	if answer := curled(t, command.String()+" -F file=@photo.jpg "+form["url"].(string)); !strings.Contains(answer, " 200 OK") {
		t.Error(answer)
	}
	if strings.Contains(out, paramsTokenSecret) || strings.Contains(out, paramsKeySecret) {
		t.Error("a secret in", out)
	}
}

// Without keys and a token there is no form, and the keys of the JSON stay.
func TestParamsJSONLeavesOut(t *testing.T) {
	paramsEnv(t, "", "", "", "")
	out, stderr, err := runParamsCommand(t, "--url", "http://203.0.113.1/a+b", "--bucket", "photos", "--output", "json")
	if err != nil || !strings.HasPrefix(stderr, "Warning: The path of the callback URL holds") {
		t.Fatal(err, stderr)
	}
	for _, want := range []string{`"callbackUrl": "http://203.0.113.1/a+b"`, `"callbackVar": ""`, `"callbackVarDecoded": null`, `"form": null`, `"tokenExpires": null`,
		`"warnings": [`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
}

func TestParamsShell(t *testing.T) {
	oss, url := paramsRig(t)
	const user = "it's `id` $HOME\n\"\\"
	out, _, err := runParamsCommand(t, "--local", "--url", url, "--bucket", "photos", "--key", "o'k", "--var", "x:user="+user, "--endpoint", oss.Endpoint(),
		"--region", "cn-hangzhou", "--output", "shell")
	if err != nil {
		t.Fatal(err)
	}
	script := out + `printf '%s\n' "$OSS_CALLBACK_VAR" "$OSS_POST_KEY" "$OSS_POST_URL" "$OSS_POST_CALLBACK" "$OSS_CALLBACK" "${OSS_POST_X_OSS_SIGNATURE:+signed}"`
	printed, err := exec.CommandContext(t.Context(), "sh", "-euc", script).CombinedOutput()
	lines := strings.Split(string(printed), "\n")
	if err != nil || len(lines) != 7 {
		t.Fatalf("%v\n%s", err, printed)
	}
	var vars map[string]string
	if text, err := base64.StdEncoding.DecodeString(lines[0]); err != nil || json.Unmarshal(text, &vars) != nil || vars["x:user"] != user {
		t.Errorf("%s: %q", lines[0], vars)
	}
	if lines[1] != "o'k" || lines[2] != oss.Endpoint()+"/photos/" || lines[3] != lines[4] || lines[5] != "signed" {
		t.Errorf("%q", lines)
	}
	if strings.Contains(out, paramsTokenSecret) || strings.Contains(out, paramsKeySecret) || strings.Contains(out, "export ") {
		t.Error(out)
	}
}

func TestParamsForPeople(t *testing.T) {
	_, url := paramsRig(t)
	out, _, err := runParamsCommand(t, "--local", "--url", url, "--bucket", "photos", "--prefix", "users/\x1b[31m/", "--var", "x:user=7",
		"--endpoint", "oss-cn-beijing.aliyuncs.com")
	for _, want := range []string{url + "/", `ends in a token for keys under "users/\x1b[31m/" in photos, good until 2`, "x-oss-callback ", "x-oss-callback-var ", `{"x:user":"7"}`,
		"not two", "PostObject to https://photos.oss-cn-beijing.aliyuncs.com/", "of 1 to 33554432 bytes"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
	for _, secret := range []string{paramsTokenSecret, paramsKeySecret, paramsSecurityToken, "\x1b"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q in %s", secret, out)
		}
	}
	paramsEnv(t, "", "", "", "")
	out, _, err = runParamsCommand(t, "--local", "--url", url, "--bucket", "photos", "--key", "k")
	for _, want := range []string{"without a token: CALLBACK_TOKEN_SECRET is not set", "none: there are no variables",
		"no form without ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, --endpoint"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
}

func TestParamsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, says  string
		tokenSecret string
		args        []string
	}{
		{"private", "0007-00000008", "", []string{"--url", "http://127.0.0.1:9000"}},
		{"placeholder", "0007-00000105", "", []string{"--body", "bucket=$(bucket)"}},
		{"empty body", "0007-00000011", "", []string{"--body", ""}},
		{"no value", "write x:name=value", "", []string{"--var", "x:user"}},
		{"twice", "each name once", "", []string{"--var", "x:user=1", "--var", "x:user=2"}},
		{"no x:", "no name of a variable", "", []string{"--var", "user=1"}},
		{"both", "there is a prefix too", "", []string{"--key", "k", "--prefix", "p"}},
		{"output", "--output is json, shell or curl", "", []string{"--output", "yaml"}},
		{"curl without keys", "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET", "", []string{"--output", "curl", "--endpoint", "http://127.0.0.1:1"}},
		{"expired", "--expires must be positive", "", []string{"--expires", "-1h"}},
		{"argument", "takes no arguments", "", []string{"photo.jpg"}},
		{"only a comma", "16 bytes", " , ", nil},
		{"short secret", "16 bytes", "short, but the old one is long enough", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			paramsEnv(t, tt.tokenSecret, "", "", "")
			args := append([]string{"--bucket", "photos", "--url", "https://203.0.113.1/cb"}, tt.args...)
			out, _, err := runParamsCommand(t, args...)
			if err == nil || !strings.Contains(err.Error(), tt.says) || out != "" {
				t.Errorf("%v, want %q; stdout %q", err, tt.says, out)
			}
		})
	}
	t.Run("form", func(t *testing.T) {
		paramsEnv(t, "", "id", paramsKeySecret, "")
		for says, args := range map[string][]string{
			"--endpoint:": {"--endpoint", "https://a.example/b", "--region", "cn-hangzhou"}, "no form without --region": {"--endpoint", "https://a.example", "--output", "curl"},
			"size limit": {"--endpoint", "http://127.0.0.1:1", "--region", "r", "--max-size", "0"}, "7 days": {"--endpoint", "http://127.0.0.1:1", "--region", "r", "--expires", "200h"},
		} {
			_, _, err := runParamsCommand(t, append(args, "--bucket", "photos", "--url", "https://203.0.113.1/cb")...)
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, want %q", err, says)
			}
		}
	})
}
