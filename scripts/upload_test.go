//go:build linux

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oss-callback/function/callback"
	"oss-callback/scripts/internal/badserver"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

// uploadCLI runs the command against r's OSS and returns its exit status.
func (r *rig) uploadCLI(file string, args ...string) (code int, stdout, stderr string) {
	r.t.Helper()
	r.t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", stack.AccessKeyID)
	r.t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", stack.AccessKeySecret)
	var out, errs bytes.Buffer
	args = append([]string{"scripts", "upload", "--local", "--endpoint", r.oss.Endpoint(), "--region", "oss-" + stack.Region, "--bucket", stack.Bucket}, args...)
	code = run(r.ctx, append(args, file), environment{stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	for _, secret := range []string{stack.AccessKeySecret, "secret-of-16-bytes"} {
		if strings.Contains(out.String()+errs.String(), secret) {
			r.t.Errorf("a secret is printed:\n%s%s", &out, &errs)
		}
	}
	return code, out.String(), errs.String()
}

func textFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(name, []byte("a note"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestUploadCommand asserts every documented exit status.
func TestUploadCommand(t *testing.T) {
	r := newRig(t, 0)
	bad, err := badserver.Start(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bad.Close() })
	r.oss.AllowPublic(bad.Addr())
	for _, s := range osssim.Scenarios() {
		r.oss.Provoke(s, stack.ScenarioPrefix+s.Name+"/")
	}
	r.oss.Inject(osssim.Fault{Prefix: "broken/", DropConnection: true})
	file := textFile(t)
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"mend it":  {[]string{"--url", bad.URL() + "/html"}, 2, []string{"Response body is not valid json format. (EC 0007-00000205)", "the object is stored, but nobody was told: mend"}},
		"vanished": {[]string{"--url", bad.URL() + "/html", "--key", "203/object-gone/a.txt", "--attempts", "1", "--method", "post"}, 2, []string{"not valid json"}},
		"throttled": {[]string{"--url", bad.URL() + "/html", "--key", "203/too-many-callbacks/a.txt", "--attempts", "2"}, 3,
			[]string{"try 2 of 2, after a pause of", "in 2 tries: upload again later"}},
		"refused by OSS":       {[]string{"--url", bad.URL() + "/html", "--key", "203/ec-0006/a.txt"}, 4, []string{"the object is not stored, after one try"}},
		"ready-made, refused":  {[]string{"--callback", "e30="}, 4, []string{"EC 0007-00000004"}},
		"nobody knows":         {[]string{"--url", bad.URL() + "/html", "--key", "broken/a.txt", "--attempts", "1"}, 5, []string{"it is unknown whether the object is stored"}},
		"params warns":         {[]string{"--url", bad.URL() + "/html?a=1&", "--attempts", "1"}, 2, []string{"Warning: The query of the callback URL"}},
		"params refuses":       {[]string{"--url", "ftp://example.com/"}, 1, []string{"0007-00000004"}},
		"two callbacks":        {[]string{"--url", bad.URL() + "/html", "--callback", "e30="}, 1, []string{"give --url, from which the callback is made, or --callback"}},
		"post, ready-made":     {[]string{"--callback", "e30=", "--method", "post"}, 1, []string{"post needs --url"}},
		"ignored variable":     {[]string{"--callback", "e30=", "--var", "x:a=1"}, 1, []string{"--var goes with --url"}},
		"ignored callback-var": {[]string{"--url", bad.URL() + "/html", "--callback-var", "e30="}, 1, []string{"--callback-var goes with --callback"}},
		"bucket's domain":      {[]string{"--url", bad.URL() + "/html", "--endpoint", "https://" + stack.Bucket + ".oss-cn-hangzhou.aliyuncs.com"}, 1, []string{"is the bucket's own domain"}},
		"form not possible":    {[]string{"--url", bad.URL() + "/html", "--method", "post", "--region", "Nowhere!"}, 1, []string{"is no region"}},
		"variable":             {[]string{"--url", bad.URL() + "/html", "--var", "user"}, 1, []string{"write x:name=value"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := r.uploadCLI(file, c.args...)
			if code != c.code || stdout != "" {
				t.Errorf("exit status %d, want %d; stdout %q\n%s", code, c.code, stdout, stderr)
			}
			for _, s := range c.says {
				if !strings.Contains(stderr, s) {
					t.Errorf("does not say %q:\n%s", s, stderr)
				}
			}
		})
	}
	if code, _, stderr := r.uploadCLI(filepath.Join(t.TempDir(), "none.jpg"), "--url", bad.URL()); code != 1 || !strings.Contains(stderr, "no such file") {
		t.Errorf("no file: %d %s", code, stderr)
	}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
	var errs bytes.Buffer
	if code := run(r.ctx, []string{"scripts", "upload", "--endpoint", "https://oss-cn-hangzhou.aliyuncs.com", "--bucket", "b", "--url", "http://example.com", file},
		environment{stdout: &errs, stderr: &errs}); code != 1 || !strings.Contains(errs.String(), "ALIBABA_CLOUD_ACCESS_KEY_ID and") {
		t.Errorf("no key: %d %s", code, &errs)
	}
}

// TestUploadCommandWithToken uploads in every way to an endpoint that wants our token, and prints its reply.
func TestUploadCommandWithToken(t *testing.T) {
	r := newRig(t, 0)
	secret := "secret-of-16-bytes"
	verifier, err := callback.NewVerifier(callback.Config{Buckets: []string{stack.Bucket}, TokenSecrets: [][]byte{[]byte(secret)}, PublicKey: []byte(r.oss.PublicKeyPEM())})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(req.Body)
		up, err := verifier.Verify(req.Context(), callback.Request{Path: req.URL.EscapedPath(), Header: req.Header, Body: body.Bytes()})
		if err != nil || up.Vars["x:note"][0] != "a,b=c" {
			t.Errorf("%v, %+v", err, up)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"by":"` + up.Operation + `"}`))
	}))
	t.Cleanup(endpoint.Close)
	r.oss.AllowPublic(strings.TrimPrefix(endpoint.URL, "http://"))
	t.Setenv("CALLBACK_TOKEN_SECRET", " "+secret+" ,another-secret-0123")
	for _, method := range []string{"put", "multipart", "post", "auto"} {
		code, stdout, stderr := r.uploadCLI(textFile(t), "--url", endpoint.URL+"/cb", "--var", "x:note=a,b=c", "--method", method, "--key", method+"/note.txt")
		if code != 0 || !strings.HasPrefix(stdout, `{"by":"`) || !strings.Contains(stderr, "oss://"+stack.Bucket+"/"+method+"/note.txt, ETag ") {
			t.Errorf("%s: exit status %d, %s\n%s", method, code, stdout, stderr)
		}
	}
}
