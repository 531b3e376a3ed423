package fcsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEvent(t *testing.T) {
	s := serve(t, Config{})
	before := time.Now().UnixMilli()
	r := send(t, t.Context(), "POST", s.URL()+"/event/a%2Fb%20c?id=1&index=2&id=%33", "bucket=b&object=a%2Fb<>", http.Header{
		"x-oss-tag": {"CALLBACK"}, "Accept": {"a", "b"}, "X-Fc-Foo": {"dropped"}, "Keep-Alive": {"dropped"}, "Connection": {"keep-alive"},
		"Authorization": {"sig+/=="}, "User-Agent": {"aliyun-oss-callback"}, "Accept-Encoding": {"gzip"},
	})
	var got event
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatalf("%v: %q", err, r.body)
	}
	epoch, err := strconv.ParseInt(got.RequestContext.TimeEpoch, 10, 64)
	if err != nil || epoch < before || epoch > time.Now().UnixMilli() {
		t.Errorf("timeEpoch %q, %v", got.RequestContext.TimeEpoch, err)
	}
	if stamp, err := time.Parse(time.RFC3339, got.RequestContext.Time); err != nil || stamp.Unix() != epoch/1000 {
		t.Errorf("time %q, %v", got.RequestContext.Time, err)
	}
	if id := got.RequestContext.RequestID; id != r.Header.Get("X-Fc-Request-Id") || !regexp.MustCompile(`^1-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("requestId %q", id)
	}
	want := event{
		Version: "v1", RawPath: "/event/a%2Fb%20c", Body: "bucket=b&object=a%2Fb<>",
		Headers: map[string]string{"X-Oss-Tag": "CALLBACK", "Accept": "a,b", "Authorization": "sig+/==", "User-Agent": "aliyun-oss-callback",
			"Accept-Encoding": "gzip", "Content-Length": "23"},
		QueryParameters: map[string]string{"id": "1,3", "index": "2"},
		RequestContext: requestContext{
			AccountID: accountID, DomainName: "127.0.0.1", DomainPrefix: "127",
			RequestID: got.RequestContext.RequestID, Time: got.RequestContext.Time, TimeEpoch: got.RequestContext.TimeEpoch,
			HTTP: httpContext{Method: "POST", Path: "/event/a/b c", Protocol: "HTTP/1.1", SourceIP: "127.0.0.1", UserAgent: "aliyun-oss-callback"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	binary := post(t, t.Context(), s.URL()+"/event/", "\xff\x00")
	if err := json.Unmarshal([]byte(binary.body), &got); err != nil || !got.IsBase64Encoded || got.Body != "/wA=" {
		t.Errorf("binary body: %v, %+v", err, got)
	}
}

func TestResponseMapping(t *testing.T) {
	s := serve(t, Config{})
	const ours = `{"statusCode":200,"headers":{"Content-Type":"application/json"},"isBase64Encoded":false,"body":"{}"}`
	for _, c := range []struct {
		name, result string
		status       int
		body         string
		header       map[string]string // "" must be absent
	}{
		{"as documented", ours, 200, "{}", map[string]string{"Content-Type": "application/json", "Content-Length": "2", "Content-Disposition": "attachment"}},
		{"status kept", `{"statusCode":403,"body":"no"}`, 403, "no", nil},
		{"base64", `{"statusCode":200,"isBase64Encoded":true,"body":"/w=="}`, 200, "\xff", map[string]string{"Content-Length": "1"}},
		{"empty body", `{"statusCode":200,"headers":{}}`, 200, "", map[string]string{"Content-Length": "0"}},
		{"null headers", `{"statusCode":200,"headers":null,"body":"x"}`, 200, "x", nil},
		{"forbidden headers", `{"statusCode":200,"headers":{"X-Fc-A":"1","server":"me","Content-Length":"99","Date":"now","Content-Disposition":"inline","x-own":"1"},"body":"x"}`,
			200, "x", map[string]string{"X-Fc-A": "", "Server": "", "Content-Length": "1", "Content-Disposition": "attachment", "X-Own": "1"}},
		{"null", `null`, 200, "null", map[string]string{"Content-Type": "application/json"}},
		{"no statusCode", `{"body":"x"}`, 200, `{"body":"x"}`, nil},
		{"other case", `{"StatusCode":403,"body":"x"}`, 200, `{"StatusCode":403,"body":"x"}`, nil},
		{"statusCode is text", `{"statusCode":"403"}`, 200, `{"statusCode":"403"}`, nil},
		{"array", `[1]`, 200, `[1]`, nil},
		{"bad base64", `{"statusCode":200,"isBase64Encoded":true,"body":"?"}`, 502, "", map[string]string{"X-Fc-Error-Type": "BadResponse"}},
		{"bad status", `{"statusCode":42}`, 502, "", map[string]string{"X-Fc-Error-Type": "BadResponse"}},
		{"huge headers", `{"statusCode":200,"headers":{"a":"` + strings.Repeat("x", 9000) + `"}}`, 502, "", map[string]string{"X-Fc-Error-Type": "BadResponse"}},
	} {
		r := post(t, t.Context(), s.URL()+"/result", c.result)
		if r.StatusCode != c.status || c.status != 502 && r.body != c.body {
			t.Errorf("%s: %d %q", c.name, r.StatusCode, r.body)
		}
		for name, want := range c.header {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", c.name, name, got, want)
			}
		}
	}
}

func TestPlatformRefuses(t *testing.T) {
	s := serve(t, Config{Binary: probe, Env: map[string]string{"PROBE_START": "exit"}}) // no request gets as far as an instance
	long := strings.Repeat("x", 9000)
	for _, c := range []struct {
		name, method, path, body, header string
		status                           int
		code                             string
	}{
		{"method", "GET", "/", "", "", 403, "FCCommonError"},
		{"target", "POST", "/" + long[:4096], "", "", 400, "InvalidArgument"},
		{"query", "POST", "/?" + long[:4096], "", "", 400, "InvalidArgument"},
		{"headers", "POST", "/", "", long, 400, "InvalidArgument"},
		{"body", "POST", "/", strings.Repeat("x", maxBodyBytes+1), "", 400, "InvalidArgument"},
	} {
		r := send(t, t.Context(), c.method, s.URL()+c.path, c.body, http.Header{"X-Long": {c.header}})
		if r.StatusCode != c.status || r.Header.Get("X-Fc-Error-Type") != c.code || !strings.Contains(r.body, c.code) {
			t.Errorf("%s: %d %v %s", c.name, r.StatusCode, r.Header, r.body)
		}
	}
}

func TestContextAndEnvironment(t *testing.T) {
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "the developer's")
	s := serve(t, Config{
		Timeout: 20 * time.Second, Region: "cn-test", FunctionName: "f", Env: map[string]string{"OSS_ENDPOINT": "http://127.0.0.1:1"},
		Credentials: Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token"},
	})
	var got struct {
		Context struct {
			Credentials struct{ AccessKeyId, AccessKeySecret, SecurityToken string }
			Function    struct {
				Name    string
				Timeout int
			}
			Region string
		}
		Environment []string
		Left        int
	}
	r := post(t, t.Context(), s.URL()+"/context", "")
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	c := got.Context
	if c.Credentials.AccessKeyId != "id" || c.Credentials.AccessKeySecret != "secret" || c.Credentials.SecurityToken != "token" {
		t.Errorf("credentials %+v", c.Credentials)
	}
	if c.Function.Name != "f" || c.Function.Timeout != 20 || c.Region != "cn-test" || got.Left <= 0 || got.Left > 20_000 {
		t.Errorf("context %+v", got)
	}
	for _, want := range []string{"OSS_ENDPOINT=http://127.0.0.1:1", "FC_REGION=cn-test", "FC_FUNCTION_NAME=f"} {
		if !slices.Contains(got.Environment, want) {
			t.Errorf("%s is not in %q", want, got.Environment)
		}
	}
	if s := strings.Join(got.Environment, " "); strings.Contains(s, "ALIBABA_CLOUD") || strings.Contains(s, "secret") {
		t.Errorf("credentials in the environment: %s", s)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"Binary":       {Binary: "/nowhere"},
		"Listen":       {Binary: probe, Listen: "0.0.0.0:0"},
		"Timeout":      {Binary: probe, Timeout: -1},
		"MaxInstances": {Binary: probe, MaxInstances: -1},
		"FC_REGION":    {Binary: probe, Env: map[string]string{"FC_REGION": "x"}},
	} {
		if s, err := Start(t.Context(), c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	s := serve(t, Config{})
	dir := s.dir
	if s.Close() != nil || s.Close() != nil {
		t.Error("second Close failed")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("working directory is left behind:", err)
	}
}
