package params

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/google/go-cmp/cmp"

	"oss-callback/function/callback"
)

// TestCarriers uploads through the three ways that a callback can travel, with both body types: OSS takes it, and the callback that it sends
// verifies, token included.
func TestCarriers(t *testing.T) {
	r := start(t, testSecret)
	const key = "users/7/cat.jpg"
	carriers := map[string]func(*testing.T, Params) []byte{
		"header": func(t *testing.T, p Params) (answer []byte) {
			if err := r.bucket(t).PutObject(key, strings.NewReader("x"), oss.ContentType("image/jpeg"), oss.Callback(p.Callback),
				oss.CallbackVar(p.CallbackVar), oss.CallbackResult(&answer)); err != nil {
				t.Fatal(err)
			}
			return answer
		},
		"query": func(t *testing.T, p Params) []byte {
			signed, err := r.bucket(t).SignURL(key, oss.HTTPPut, 60, oss.ContentType("image/jpeg"), oss.AddParam("callback", p.Callback), oss.AddParam("callback-var", p.CallbackVar))
			if err != nil {
				t.Fatal(err)
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, signed, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "image/jpeg")
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Fatal(response.Status)
			}
			return []byte(`{"status":"queued"}`)
		},
		"form": func(t *testing.T, p Params) []byte {
			form, err := p.PostForm(testKeys, policySpec())
			if err != nil {
				t.Fatal(err)
			}
			status, answer := r.post(t, append([]Field{{"Content-Type", "image/jpeg"}}, form.Fields...), "x")
			if status != http.StatusOK {
				t.Fatal(status, answer)
			}
			return []byte(answer)
		},
	}
	for _, bodyType := range []BodyType{"", FormBody, JSONBody} {
		for name, upload := range carriers {
			t.Run(string(bodyType)+" "+name, func(t *testing.T) {
				spec := r.spec()
				spec.BodyType, spec.TokenSecret, spec.TokenExpires = bodyType, testSecret, time.Now().Add(time.Hour)
				p := build(t, spec)
				if answer := upload(t, p); string(answer) != `{"status":"queued"}` {
					t.Errorf("the uploader got %s", answer)
				}
				got, err := r.verified()
				if err != nil {
					t.Fatal(err)
				}
				want := callback.Upload{Bucket: testBucket, Object: key, ETag: "9DD4E461268C8034F5C8564E155C67A6", Size: 1, MimeType: "image/jpeg",
					RequestID: got.RequestID, Vars: map[string][]string{"x:user": {"7"}, "x:note": {spec.Vars["x:note"]}}}
				if diff := cmp.Diff(want, got); diff != "" || got.RequestID == "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestParams(t *testing.T) {
	p := build(t, Spec{CallbackURL: "https://a.example/cb?k=1;https://b.example;", Host: "cb.example.com:8443", Bucket: testBucket, Key: "k",
		BodyType: JSONBody, Vars: map[string]string{"x:b": "<2>", "x:a": "1"}})
	want := Params{
		URL: "https://a.example/cb?k=1;https://b.example",
		CallbackJSON: `{"callbackUrl":"https://a.example/cb?k=1;https://b.example","callbackHost":"cb.example.com:8443",` +
			`"callbackBody":"{\"bucket\":${bucket},\"object\":${object},\"etag\":${etag},\"size\":${size},\"mimeType\":${mimeType},\"reqId\":${reqId},` +
			`\"x:a\":${x:a},\"x:b\":${x:b}}","callbackBodyType":"application/json","callbackSNI":true}`,
		CallbackVarJSON: `{"x:a":"1","x:b":"<2>"}`,
	}
	got := Params{URL: p.URL, CallbackJSON: p.CallbackJSON, CallbackVarJSON: p.CallbackVarJSON, Warnings: p.Warnings}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Params{}, Spec{}, host{})); diff != "" {
		t.Error(diff)
	}
	for url, want := range map[string]string{
		"https://a.example": "https://a.example/T", "https://a.example/": "https://a.example/T", "https://a.example/b/": "https://a.example/b/T",
		"a.example?b=/c": "a.example/T?b=/c",
	} {
		if got := withToken(url, "T"); got != want {
			t.Errorf("%s with a token is %s, want %s", url, got, want)
		}
	}
	if p := build(t, Spec{CallbackURL: "https://a.example", Bucket: testBucket, Key: "k"}); p.CallbackVar != "" || p.CallbackVarJSON != "" {
		t.Errorf("variables out of nothing: %+v", p)
	}
}

// The secret must not be printed with the rest.
func TestParamsHoldNoSecret(t *testing.T) {
	p := build(t, Spec{CallbackURL: "https://a.example", Bucket: testBucket, Key: "k", TokenSecret: testSecret, TokenExpires: time.Now().Add(time.Hour)})
	if text := fmt.Sprintf("%+v %s", p, p.spec.TokenSecret); strings.Contains(text, string(testSecret)) || strings.Contains(text, fmt.Sprint(testSecret)) {
		t.Error(text)
	}
}

func TestTokenBinds(t *testing.T) {
	r := start(t, []byte("the new secret, 16+"), testSecret)
	put := func(t *testing.T, key string, change func(*Spec)) error {
		t.Helper()
		spec := r.spec()
		spec.TokenSecret, spec.TokenExpires = testSecret, time.Now().Add(time.Hour)
		change(&spec)
		p := build(t, spec)
		_ = r.bucket(t).PutObject(key, strings.NewReader("x"), oss.Callback(p.Callback), oss.CallbackVar(p.CallbackVar))
		_, err := r.verified()
		return err
	}
	for _, tt := range []struct {
		name, key string
		change    func(*Spec)
		want      error
	}{
		{"prefix", "users/7/a", func(*Spec) {}, nil},
		{"key", "a/b", func(s *Spec) { s.Prefix, s.Key = "", "a/b" }, nil},
		{"whole bucket", "a/b", func(s *Spec) { s.Prefix = "" }, nil},
		{"before a query", "users/7/a", func(s *Spec) { s.CallbackURL += "?a=b/c" }, nil},
		{"no path", "users/7/a", func(s *Spec) { s.CallbackURL = strings.TrimSuffix(s.CallbackURL, "/callback") }, nil},
		{"second URL", "users/7/a", func(s *Spec) { s.CallbackURL += ";" + s.CallbackURL + "?x=1" }, nil},
		{"other prefix", "users/8/a", func(*Spec) {}, callback.ErrBadToken},
		{"other key", "a/c", func(s *Spec) { s.Prefix, s.Key = "", "a/b" }, callback.ErrBadToken},
		{"old", "users/7/a", func(s *Spec) { s.TokenExpires = time.Now().Add(-time.Hour) }, callback.ErrTokenExpired},
		{"other secret", "users/7/a", func(s *Spec) { s.TokenSecret = []byte("some other secret") }, callback.ErrBadToken},
		{"none", "users/7/a", func(s *Spec) { s.TokenSecret = nil }, callback.ErrBadToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := put(t, tt.key, tt.change); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	many := map[string]string{}
	for i := range 11 {
		many[fmt.Sprintf("x:v%d", i)] = "1"
	}
	for _, tt := range []struct {
		name, says string
		spec       Spec
	}{
		{"none", "", Spec{CallbackURL: "https://a.example/b-c_d?a=1&b=2&c=3&d=4", Vars: map[string]string{"x:a": "1"}}},
		{"scheme", "no scheme", Spec{CallbackURL: "a.example/b"}},
		{"plain", "in the clear", Spec{CallbackURL: "http://a.example/b", TokenSecret: testSecret, TokenExpires: time.Now().Add(time.Hour)}},
		{"simple query", "", Spec{CallbackURL: "https://a.example/?a=1&b-c=x.y"}},
		{"odd query", "the go1 runtime loses how it was written", Spec{CallbackURL: "https://a.example/?a=1&"}},
		{"escaped query", "the go1 runtime loses how it was written", Spec{CallbackURL: "https://a.example/?a=%2f"}},
		{"query", "5 query parameters", Spec{CallbackURL: "https://a.example/?a=1&b=2&c=3&d=4&e=5"}},
		{"plus", "languages disagree", Spec{CallbackURL: "https://a.example/a+b"}},
		{"escape", "languages disagree", Spec{CallbackURL: "https://a.example/a%20b"}},
		{"dots", "segments", Spec{CallbackURL: "https://a.example/a/.."}},
		{"slashes", "segments", Spec{CallbackURL: "https://a.example/a//b"}},
		{"many", "11 variables", Spec{CallbackURL: "https://a.example", Vars: many}},
		{"long", "513 bytes", Spec{CallbackURL: "https://a.example", Vars: map[string]string{"x:a": strings.Repeat("1", 510)}}},
		{"foreign body", "malformed_callback", Spec{CallbackURL: "https://a.example", Body: "b=${bucket}&object=${object}"}},
		{"doubled", "malformed_callback", Spec{CallbackURL: "https://a.example", Body: "bucket=b&bucket=${bucket}&object=${object}"}},
		{"quoted in a form", "malformed_callback", Spec{CallbackURL: "https://a.example", Body: `bucket="${bucket}"&object=${object}`}},
		{"foreign JSON", "malformed_callback", Spec{CallbackURL: "https://a.example", BodyType: JSONBody, Body: `{"o":{"bucket":${bucket},"object":${object}}}`}},
		{"thumbnails", "bucket_not_allowed", Spec{CallbackURL: "https://a.example", Prefix: "thumbs/a"}},
		{"outbox", "bucket_not_allowed", Spec{CallbackURL: "https://a.example", Key: ".outbox/a"}},
		{"whole bucket", "every key", Spec{CallbackURL: "https://a.example", TokenSecret: testSecret, TokenExpires: time.Now().Add(time.Hour)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Bucket = testBucket
			if tt.says != "every key" && tt.spec.Key == "" && tt.spec.Prefix == "" {
				tt.spec.Key = "k"
			}
			p := build(t, tt.spec)
			if tt.says == "" && len(p.Warnings) > 0 || tt.says != "" && (len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], tt.says)) {
				t.Errorf("%q, want one with %q", p.Warnings, tt.says)
			}
		})
	}
}
