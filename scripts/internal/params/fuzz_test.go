package params

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/osssim"
)

// go test ./scripts/internal/params -run '^$' -fuzz FuzzBuild -fuzztime 30s
//
// Build never panics, and what it accepts OSS accepts, in a form that it signed.
func FuzzBuild(f *testing.F) {
	const form, json = "bucket=${bucket}&object=${object}&u=${x:user}", `{"bucket":${bucket},"object":${object},"u":${x:user}}`
	f.Add("https://a.example/cb", "", "users/7/", "x:user", "7", "", true)
	f.Add("https://a.example:8443/cb?a=1&b=%20;http://b.example", "a.example:80", "k", "x:user", "é\"\\\n", form, false)
	f.Add("a.example/x", "a.example", "", "x:user", "@</etc/passwd", json, true)
	f.Add("http://123.456/$", "", "/", "x:User", "", "a=$(object)", false)
	f.Add("http://[::1%25a]:1/;;", "a/b", "${filename}", "x:${", "\xff", `{"u":"${x:user}"}`, true)
	f.Add("ftp://u:p@a.example:-1/#?", "\r\n", "\x00", "user", "\x00", "${imageInfo.width}${", false)
	f.Add("https://xn--bcher-kva.example./a+b/../%41?", "1.2.3.4", "a", "x:键", "1", "bucket=${bucket}&x=${x:键}%zz", false)
	f.Add("203.0.113.9:8080/é", "", "thumbs/", "x:user", "", "{\"a\":\"${size}\\\"\",\"u\":${x:user}}", true)
	r := start(f)
	// Whatever passes the checks is "throttled" before anything leaves this machine.
	r.oss.Inject(osssim.Fault{Operation: "Callback", Code: "throttled"})
	target, err := PostURL(r.oss.Endpoint(), testBucket)
	if err != nil {
		f.Fatal(err)
	}
	bucket := r.bucket(f)
	f.Fuzz(func(t *testing.T, url, host, prefix, name, value, body string, asJSON bool) {
		spec := Spec{CallbackURL: url, Host: host, Bucket: testBucket, Prefix: prefix, Body: body, Vars: map[string]string{name: value}}
		if asJSON {
			spec.BodyType = JSONBody
		}
		for _, secret := range [][]byte{nil, testSecret} {
			spec.TokenSecret, spec.TokenExpires = secret, time.Now().Add(time.Hour)
			p, err := Build(spec)
			if err != nil {
				if refusal, ok := errors.AsType[Refusal](err); !ok || refusal.Cure == "" || refusal.Field == "" {
					t.Fatalf("%v is no whole Refusal", err)
				}
				return
			}
			form, err := p.PostForm(testKeys, policySpec())
			if err != nil {
				if _, ok := errors.AsType[Refusal](err); !ok || !strings.Contains(prefix, fileName) {
					t.Fatal(err)
				}
				return
			}
			if len(prefix) > 1000 {
				return // no room for a name
			}
			contentType, posted := multipartForm(t, form.Fields, "x")
			post := httptest.NewRequest(http.MethodPost, target, posted)
			post.Header.Set("Content-Type", contentType)
			signed, err := bucket.SignURL("k", oss.HTTPPut, 60, oss.AddParam("callback", p.Callback), oss.AddParam("callback-var", p.CallbackVar))
			if err != nil {
				t.Fatal(err)
			}
			for _, request := range []*http.Request{post, httptest.NewRequest(http.MethodPut, signed, strings.NewReader("x"))} {
				answer := httptest.NewRecorder()
				r.oss.ServeHTTP(answer, request)
				if answer.Code != http.StatusNonAuthoritativeInfo || answer.Header().Get("X-Oss-Ec") != "0007-00000201" {
					t.Fatalf("OSS refuses the %s of %s %s: %d %s", request.Method, p.CallbackJSON, p.CallbackVarJSON, answer.Code, answer.Body)
				}
			}
		}
	})
}
