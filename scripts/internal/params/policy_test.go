package params

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestPostForm(t *testing.T) {
	p := build(t, Spec{CallbackURL: "https://a.example", Bucket: testBucket, Prefix: "users/7/", Vars: map[string]string{"x:b": "2", "x:a": "<1>"}})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	form, err := p.PostForm(Credentials{"id", "secret", "sts"}, PolicySpec{Region: "cn-beijing", Now: now, Expires: now.Add(time.Hour), MaxSize: 9})
	if err != nil {
		t.Fatal(err)
	}
	const credential = "id/20260102/cn-beijing/oss/aliyun_v4_request"
	policy := `{"expiration":"2026-01-02T03:04:05.000Z","conditions":[{"bucket":"photos"},["starts-with","$key","users/7/"],["content-length-range",1,9],` +
		`{"success_action_status":"200"},{"callback":"` + p.Callback + `"},{"x:a":"<1>"},{"x:b":"2"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},` +
		`{"x-oss-credential":"` + credential + `"},{"x-oss-date":"20260102T020405Z"},{"x-oss-security-token":"sts"}]}`
	want := []Field{{"key", "users/7/${filename}"}, {"success_action_status", "200"}, {"callback", p.Callback}, {"x:a", "<1>"}, {"x:b", "2"},
		{"x-oss-signature-version", "OSS4-HMAC-SHA256"}, {"x-oss-credential", credential}, {"x-oss-date", "20260102T020405Z"},
		{"x-oss-security-token", "sts"}, {"policy", base64.StdEncoding.EncodeToString([]byte(policy))}, {"x-oss-signature", ""}}
	got := slices.Clone(form.Fields)
	got[len(got)-1].Value = "" // the simulator judges it, in the other tests
	if diff := gocmp.Diff(want, got); diff != "" || form.Policy != policy {
		t.Errorf("%s\n%s", diff, gocmp.Diff(policy, form.Policy))
	}
}

// TestPolicyPins alters, doubles and drops each field of a form that OSS takes as it is.
func TestPolicyPins(t *testing.T) {
	r := start(t)
	for name, change := range map[string]func(*Spec){"prefix": func(*Spec) {}, "key": func(s *Spec) { s.Prefix, s.Key = "", "users/7/cat.jpg" }} {
		t.Run(name, func(t *testing.T) {
			spec := r.spec()
			change(&spec)
			p := build(t, spec)
			policy := policySpec()
			policy.MaxSize = 10
			form, err := p.PostForm(testKeys, policy)
			if err != nil {
				t.Fatal(err)
			}
			if status, answer := r.post(t, form.Fields, "0123456789"); status != http.StatusOK {
				t.Fatalf("untouched: %d %s", status, answer)
			}
			refuse := func(what, code string, fields []Field, file string) {
				t.Helper()
				status, answer := r.post(t, fields, file)
				if (status != 403 && status != 400) || !strings.Contains(answer, "<Code>"+code) {
					t.Errorf("%s: %d %s, want %s", what, status, answer, code)
				}
			}
			codes := map[string]string{ // else AccessDenied, with the policy's condition
				"altered policy": "SignatureDoesNotMatch", "doubled policy": "SignatureDoesNotMatch",
				"altered x-oss-signature": "SignatureDoesNotMatch", "doubled x-oss-signature": "SignatureDoesNotMatch", "dropped x-oss-signature": "SignatureDoesNotMatch",
				"altered x-oss-credential": "InvalidAccessKeyId", "doubled x-oss-credential": "InvalidAccessKeyId", "dropped x-oss-credential": "InvalidAccessKeyId",
				"altered x-oss-date": "RequestTimeTooSkewed", "doubled x-oss-date": "RequestTimeTooSkewed", "dropped x-oss-date": "InvalidArgument",
				// Without the version OSS takes the form for one of V1.
				"altered x-oss-signature-version": "InvalidAccessKeyId", "doubled x-oss-signature-version": "InvalidAccessKeyId", "dropped x-oss-signature-version": "InvalidAccessKeyId",
				"dropped key": "InvalidObjectName",
			}
			evil := build(t, Spec{CallbackURL: strings.TrimSuffix(r.url, "/callback"), Bucket: testBucket, Key: "k", AllowPrivate: true})
			altered := map[string]string{
				"key": "users/8/cat.jpg", "callback": evil.Callback, "x-oss-signature-version": "OSS4-HMAC-SHA257", "x-oss-date": "20200101T000000Z",
				"x-oss-credential": "other-id/20260101/cn-hangzhou/oss/aliyun_v4_request", "policy": base64.StdEncoding.EncodeToString([]byte(`{"conditions":[]}`)),
			}
			for i, f := range form.Fields {
				value := altered[f.Name]
				if value == "" {
					value = "0"
				}
				for what, fields := range map[string][]Field{
					"altered " + f.Name: slices.Replace(slices.Clone(form.Fields), i, i+1, Field{f.Name, value}),
					"doubled " + f.Name: append(slices.Clone(form.Fields), Field{strings.ToUpper(f.Name[:1]) + f.Name[1:], value}),
					"dropped " + f.Name: slices.Delete(slices.Clone(form.Fields), i, i+1),
				} {
					if strings.HasPrefix(what, "doubled x:") {
						continue // names of variables have a case: "X:user" is none of ours, and the template does not use it
					}
					refuse(what, cmp.Or(codes[what], "AccessDenied"), fields, "x")
				}
			}
			refuse("too large", "EntityTooLarge", form.Fields, "01234567890")
			refuse("empty", "EntityTooSmall", form.Fields, "")
			if keys := r.oss.Keys(testBucket); len(keys) != 1 || keys[0] != "users/7/cat.jpg" {
				t.Errorf("stored %q", keys)
			}
		})
	}
	t.Run("other bucket's form", func(t *testing.T) {
		spec := r.spec()
		spec.Bucket = "others"
		form, err := build(t, spec).PostForm(testKeys, policySpec())
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := r.post(t, form.Fields, "x"); status != 403 || !strings.Contains(answer, "AccessDenied") {
			t.Errorf("%d %s", status, answer)
		}
	})
	t.Run("expired", func(t *testing.T) {
		policy := policySpec()
		policy.Now = time.Now().Add(-time.Hour)
		policy.Expires = policy.Now.Add(time.Minute)
		form, err := build(t, r.spec()).PostForm(testKeys, policy)
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := r.post(t, form.Fields, "x"); status != 403 || !strings.Contains(answer, "Policy expired") {
			t.Errorf("%d %s", status, answer)
		}
	})
}

func TestPostFormRefused(t *testing.T) {
	p := build(t, Spec{CallbackURL: "https://a.example", Bucket: testBucket, Key: "k"})
	for _, tt := range []struct {
		name, field, says string
		change            func(*Params, *Credentials, *PolicySpec)
	}{
		{"no id", "policy", "access key", func(_ *Params, c *Credentials, _ *PolicySpec) { c.AccessKeyID = "" }},
		{"no secret", "policy", "access key", func(_ *Params, c *Credentials, _ *PolicySpec) { c.AccessKeySecret = "" }},
		{"token with NUL", "policy", "not text", func(_ *Params, c *Credentials, _ *PolicySpec) { c.SecurityToken = "\x00" }},
		{"no region", "policy", "no region", func(_ *Params, _ *Credentials, s *PolicySpec) { s.Region = "" }},
		{"region is a path", "policy", "no region", func(_ *Params, _ *Credentials, s *PolicySpec) { s.Region = "a/b" }},
		{"no size", "policy", "size limit", func(_ *Params, _ *Credentials, s *PolicySpec) { s.MaxSize = 0 }},
		{"size above 5 GiB", "policy", "size limit", func(_ *Params, _ *Credentials, s *PolicySpec) { s.MaxSize = 5<<30 + 1 }},
		{"expired", "policy", "expire", func(_ *Params, _ *Credentials, s *PolicySpec) { s.Expires = time.Now().Add(-time.Second) }},
		{"eight days", "policy", "7 days", func(_ *Params, _ *Credentials, s *PolicySpec) { s.Expires = time.Now().Add(8 * 24 * time.Hour) }},
		{"file name in the key", "key", "${filename}", func(p *Params, _ *Credentials, _ *PolicySpec) { p.spec.Key = "a/${filename}" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, keys, policy := p, testKeys, policySpec()
			tt.change(&p, &keys, &policy)
			_, err := p.PostForm(keys, policy)
			if r := wantRefusal(t, err); r.Field != tt.field || !strings.Contains(r.Cure, tt.says) || strings.Contains(err.Error(), testKeys.AccessKeySecret) {
				t.Errorf("%+v, want %s with %q", r, tt.field, tt.says)
			}
		})
	}
}

// TestCurl runs the command in a shell, with values that curl and the shell love to interpret.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	r := start(t, testSecret)
	spec := r.spec()
	spec.Prefix, spec.Key = "", "@it's $(id) `id` \"x\";type=a\\ \n%41é&<.jpg"
	spec.TokenSecret, spec.TokenExpires = testSecret, time.Now().Add(time.Hour)
	spec.Vars = map[string]string{"x:file": "@/etc/passwd", "x:in": "</etc/passwd", "x:type": "a;type=text/html;filename=b", "x:sh": "'$HOME' \\'\"!~*"}
	form, err := build(t, spec).PostForm(testKeys, policySpec())
	if err != nil {
		t.Fatal(err)
	}
	target, err := PostURL(r.oss.Endpoint(), testBucket)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "photo.jpg"), []byte("jpeg"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-c", form.Curl(target))
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " 200 OK") || !strings.HasSuffix(string(out), `{"status":"queued"}`) {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := r.verified()
	if err != nil || got.Object != spec.Key || got.Size != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	for name, value := range spec.Vars {
		if diff := gocmp.Diff([]string{value}, got.Vars[name]); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestPostURL(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://oss-cn-hangzhou.aliyuncs.com":  "https://photos.oss-cn-hangzhou.aliyuncs.com/",
		"https://oss-cn-hangzhou.aliyuncs.com/": "https://photos.oss-cn-hangzhou.aliyuncs.com/",
		"oss-cn-hangzhou.aliyuncs.com":          "https://photos.oss-cn-hangzhou.aliyuncs.com/",
		"http://127.0.0.1:9000":                 "http://127.0.0.1:9000/photos/",
		"http://[::1]:9000":                     "http://[::1]:9000/photos/",
		"":                                      "",
		"ftp://a.example":                       "",
		"https://":                              "",
		"https://a.example/b":                   "",
		"https://u@a.example":                   "",
		"https://a.example?b=c":                 "",
		"https://a b":                           "",
	} {
		if got, err := PostURL(endpoint, testBucket); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", endpoint, got, err)
		}
	}
}

func TestRegion(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://oss-cn-hangzhou.aliyuncs.com": "cn-hangzhou", "oss-ap-southeast-1-internal.aliyuncs.com": "ap-southeast-1",
		"https://oss-accelerate.aliyuncs.com": "", "http://127.0.0.1:9000": "", "https://oss-cn-hangzhou.aliyuncs.com.evil.example": "",
	} {
		if got := Region(endpoint); got != want {
			t.Errorf("%s: %q, want %q", endpoint, got, want)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		"oss-cn-hangzhou.aliyuncs.com":                "https://oss-cn-hangzhou.aliyuncs.com",
		"http://127.0.0.1:9000/":                      "http://127.0.0.1:9000",
		"https://photos.oss-cn-hangzhou.aliyuncs.com": "bucket's own domain: give the endpoint, https://oss-cn-hangzhou.aliyuncs.com",
		"https://oss-cn-hangzhou.aliyuncs.com/a":      "is no endpoint",
		"ftp://oss-cn-hangzhou.aliyuncs.com":          "is no endpoint",
	} {
		u, err := Endpoint(endpoint, "photos")
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = u.String()
		}
		if !strings.Contains(got, want) || err == nil && got != want {
			t.Errorf("%s: %s, want %s", endpoint, got, want)
		}
	}
}
