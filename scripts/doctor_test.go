package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oss-callback/function/callback"
	"oss-callback/scripts/internal/badserver"
)

// examined runs doctor with args.
func examined(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"scripts", "doctor"}, args...), environment{stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

// TestDoctorPassesOurVerifier lets doctor send OSS's own sample to the verifier that is shipped.
func TestDoctorPassesOurVerifier(t *testing.T) {
	verifier, err := callback.NewVerifier(callback.Config{Buckets: []string{"photos"}, Transport: offline{}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = verifier.Verify(r.Context(), callback.Request{
				Path: r.URL.EscapedPath(), Query: callback.Query{Raw: r.URL.RawQuery}, Header: r.Header, Body: body,
			})
		}
		code := "bad_signature"
		if errors.Is(err, callback.ErrBucketNotAllowed) {
			code = "bucket_not_allowed"
		}
		answer := `{"status":"rejected","error":"` + code + `"}`
		w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	token := strings.Repeat("Token0", 10)
	code, out, stderr := examined(t, s.URL+"/cb/"+token, "--local", "--tries", "1")
	if code != 0 {
		t.Errorf("exit status %d, %s\n%s", code, stderr, out)
	}
	for _, want := range []string{
		"ok    signature         OSS's own sample passes", "skip  public-address", "\nNo rule fails: use this URL as callbackUrl", "/cb/Token0…",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, token) {
		t.Errorf("the token is in\n%s", out)
	}
}

type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("offline") }

func TestDoctorFailsBadServers(t *testing.T) {
	bad, err := badserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	for path, rules := range map[string]string{
		"/html": "status json", "/bom": "status bom", "/empty": "status length-positive", "/no-length": "status content-length",
		"/chunked": "status not-chunked", "/redirect": "redirect", "/created": "status", "/nowhere": "method",
	} {
		code, out, stderr := examined(t, "--local", "--json", "--tries", "1", bad.URL()+path)
		var report struct {
			URL      string
			Failed   int
			Findings []struct{ Rule, Verdict, Cure string }
		}
		if stderr != "" || code != 1 || json.Unmarshal([]byte(out), &report) != nil {
			t.Fatalf("%s: exit status %d, %v\n%s", path, code, stderr, out)
		}
		var failed []string
		for _, f := range report.Findings {
			if f.Verdict == "fail" {
				failed = append(failed, f.Rule)
			}
		}
		if strings.Join(failed, " ") != rules || report.Failed != len(failed) || report.URL != bad.URL()+path {
			t.Errorf("%s: %v, want %s", path, failed, rules)
		}
	}
	code, out, stderr := examined(t, "--local", bad.URL()+"/created", "--tries", "1")
	if stderr != "" || code != 1 || !strings.Contains(out, "\nFAIL  status") || !strings.Contains(out, "cure: verify OSS's signature") ||
		!strings.Contains(out, "\n1 rule fails: mend the first one and run doctor again.") {
		t.Errorf("exit status %d, %v\n%s", code, stderr, out)
	}
}

func TestDoctorUsage(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, maxDoctorFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"takes one argument":            {},
		"one argument, the":             {"http://127.0.0.1:1/", "http://127.0.0.1:2/"},
		"--tries must be":               {"http://127.0.0.1:1/", "--tries", "0"},
		"99 tries":                      {"http://127.0.0.1:1/", "--tries", "99"},
		"--key: open":                   {"http://127.0.0.1:1/", "--key", filepath.Join(dir, "none")},
		"--capture: " + big:             {"http://127.0.0.1:1/", "--capture", big},
		"a key needs a bucket":          {"http://127.0.0.1:1/", "--key", os.DevNull},
		"the capture has no empty line": {"http://127.0.0.1:1/", "--capture", os.DevNull},
	} {
		if code, out, stderr := examined(t, args...); code != 1 || !strings.Contains(stderr, says) || out != "" {
			t.Errorf("%v: %d, %s, want %q\n%s", args, code, stderr, says, out)
		}
	}
}
