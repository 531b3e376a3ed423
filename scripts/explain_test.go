package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oss-callback/scripts/internal/osssim"
)

// genuineCallback is OSS's own: the JSON vector of function/callback.
const genuineCallback = "POST /3ecb4401-bd1f-4421-a385-46b57f0d6daa HTTP/1.1\r\n" +
	"Content-Type: application/json\r\n" +
	"x-oss-pub-key-url: aHR0cHM6Ly9nb3NzcHVibGljLmFsaWNkbi5jb20vY2FsbGJhY2tfcHViX2tleV92MS5wZW0=\r\n" +
	"authorization: eugZUpzNaW3Ba40tGc3IUczSmdwfOKS1fXl6xd+QmOITTUPLwhBw1DBBUwaGuLsKYdCauOcHhGCEVMEObQgThA==\r\n\r\n" +
	`{"bucket":"post-test","object":"42cf77bf-2d25-485a-947c-b9216ee079ee","etag":"97E1A27874032FC4B29F007C90DFA372","size":31,` +
	`"mimeType":"image/jpeg","imageInfo":null}`

// explainIt runs the command as run does.
func explainIt(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"scripts", "explain"}, args...), environment{stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

func TestExplainCommand(t *testing.T) {
	prefixed := strings.Replace(genuineCallback, "POST /", "POST /fc/", 1)
	steering := strings.Replace(prefixed, "HTTP/1.1\r\n", "HTTP/1.1\r\nX-Forwarded-Prefix: /\x1b[31mred\r\n", 1)
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		code  int
		says  []string
	}{
		"genuine":  {genuineCallback, nil, 0, []string{"genuine     ", "post-test/42cf77bf-2d25-485a-947c-b9216ee079ee, 31 bytes", "raw HTTP"}},
		"stdin":    {genuineCallback, []string{"-"}, 0, []string{"genuine"}},
		"ours":     {genuineCallback, []string{"--bucket", "a,post-test"}, 0, []string{"genuine"}},
		"not ours": {genuineCallback, []string{"--bucket", "a", "--bucket", "b"}, 1, []string{"genuine-not-ours", `bucket "post-test"`}},
		"altered":  {prefixed, nil, 1, []string{"path-prefix-added", `"/fc"`, "Cure: nginx", "Proved", "post-test/"}},
		"by URL":   {strings.Replace(genuineCallback, "POST /3", "POST /x?", 1), []string{"--url", "https://f.example.com/3ecb4401-bd1f-4421-a385-46b57f0d6daa"}, 1, []string{"path-rewritten", "query-added"}},
		"GET":      {strings.Replace(genuineCallback, "POST", "GET", 1), nil, 1, []string{"method-changed", "OSS sends POST"}},
		"token":    {strings.Replace(genuineCallback, " HTTP/1.1", "?eugZUpzNaW3B HTTP/1.1", 1), nil, 1, []string{"query-added", "one without a value"}},
		"steering": {steering, nil, 1, []string{"path-prefix-added"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ALLOWED_BUCKETS", "")
			t.Setenv("CALLBACK_TOKEN_SECRET", "")
			code, out, stderr := explainIt(t, tc.stdin, tc.args...)
			if code != tc.code || stderr != "" {
				t.Errorf("exit status %d, %q", code, stderr)
			}
			for _, s := range tc.says {
				if !strings.Contains(out, s) {
					t.Errorf("%q is not in\n%s", s, out)
				}
			}
			if strings.Contains(out, "eugZUpzNaW3B") || strings.ContainsRune(out, '\x1b') {
				t.Errorf("shows what it must not:\n%s", out)
			}
		})
	}
}

func TestExplainJSON(t *testing.T) {
	var report struct {
		Verdict     string
		Alterations []struct {
			ID, What, Cure string
			Proved         bool
		}
		Upload struct {
			Bucket string
			Vars   []string
		}
		Guesses int
	}
	code, out, _ := explainIt(t, strings.Replace(genuineCallback, "authorization: ", "authorization: OSS ", 1), "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 {
		t.Fatalf("%d, %v\n%s", code, err, out)
	}
	if report.Verdict != "altered" || len(report.Alterations) != 1 || report.Alterations[0].ID != "base64url" || !report.Alterations[0].Proved ||
		report.Upload.Bucket != "post-test" || report.Upload.Vars == nil || report.Guesses != 1 {
		t.Errorf("%+v", report)
	}
}

// The simulator's own key, as dev hands it out; a bucket and a token secret from the environment.
func TestExplainWithAKeyFile(t *testing.T) {
	signer, err := osssim.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	body := "bucket=photos&object=a.jpg"
	var request bytes.Buffer
	request.WriteString("POST /cb HTTP/1.1\r\n")
	if err := signer.Headers("/cb", "", false, []byte(body), osssim.CallbackMeta{}).Write(&request); err != nil {
		t.Fatal(err)
	}
	request.WriteString("\r\n" + body + "\n") // an editor's
	dir := t.TempDir()
	key, captured := filepath.Join(dir, "key.pem"), filepath.Join(dir, "captured.txt")
	if err := errors.Join(os.WriteFile(key, []byte(signer.PrivateKeyPEM()), 0o600), os.WriteFile(captured, request.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALLOWED_BUCKETS", "photos,more")
	if code, out, stderr := explainIt(t, "", captured, "--key", key); code != 0 || !strings.Contains(out, "Content-Length does not count it") {
		t.Errorf("%d %s\n%s", code, stderr, out)
	}
	steering := "bucket=photos&object=a%1B%5B31m%E2%80%AEb.jpg"
	var colored bytes.Buffer
	colored.WriteString("POST /cb HTTP/1.1\r\n")
	if err := signer.Headers("/cb", "", false, []byte(steering), osssim.CallbackMeta{}).Write(&colored); err != nil {
		t.Fatal(err)
	}
	code, out, _ := explainIt(t, colored.String()+"\r\n"+steering, "--key", key)
	if code != 0 || !strings.Contains(out, `"photos/a\x1b[31m\u202eb.jpg,"`) || strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("%d, steers the terminal:\n%q", code, out)
	}
	t.Setenv("CALLBACK_TOKEN_SECRET", "a secret of more than 16 bytes")
	if code, out, stderr := explainIt(t, "", "--key", key, captured); code != 1 || !strings.Contains(out, "its token is not one of yours") {
		t.Errorf("%d %s\n%s", code, stderr, out)
	}
}

func TestExplainRefusals(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.pem")
	if err := os.WriteFile(big, make([]byte, maxKeyFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		says  string
	}{
		"nothing":      {"", nil, "nothing at all"},
		"an answer":    {"HTTP/1.1 203 CallbackFailed\n\n", nil, "diagnose"},
		"no such file": {"", []string{filepath.Join(dir, "none")}, "none"},
		"two files":    {"", []string{"a", "b"}, "one file"},
		"big key":      {genuineCallback, []string{"--key", big}, "too big"},
		"no key":       {genuineCallback, []string{"--key", os.DevNull}, "--key: the file is empty"},
		"unknown flag": {"", []string{"--keys"}, "keys"},
	} {
		if code, _, stderr := explainIt(t, tc.stdin, tc.args...); code != 1 || !strings.Contains(stderr, tc.says) {
			t.Errorf("%s: %d %q does not say %q", name, code, stderr, tc.says)
		}
	}
}
