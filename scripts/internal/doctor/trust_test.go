package doctor

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func refuse(status int, code string) string {
	return sized(status, `{"status":"rejected","error":"`+code+`"}`, "")
}

// TestTrust is about who is let in. Endpoints trust the test's key unless OSS's own is named.
func TestTrust(t *testing.T) {
	t.Parallel()
	always := func(status int, code string) behaviour { return func(request) string { return refuse(status, code) } }
	// forVerified answers what verifies so, and refuses the rest.
	forVerified := func(status int, code string) behaviour {
		return func(r request) string {
			if r.verified {
				return refuse(status, code)
			}
			return correct(r)
		}
	}
	byKey := func(t *testing.T, o Options) Options { return withKey(t, o) }
	noObject := func(t *testing.T, o Options) Options { o = withKey(t, o); o.Object = ""; return o }
	byNothing := func(_ *testing.T, o Options) Options { return o }
	local := func(_ *testing.T, o Options) Options { o.AllowPrivate = true; return o }
	for name, c := range map[string]struct {
		behave            behaviour
		oss               bool
		means             func(*testing.T, Options) Options
		status, signature Verdict
		says              string // in a finding of the two
	}{
		"verifies nothing":                 {always(200, ""), false, byNothing, Fail, Skip, "verifies nothing"},
		"verifies nothing, with a key":     {always(200, ""), false, byKey, Pass, Fail, "gets 200 too"},
		"another key":                      {correct, true, byKey, Skip, Fail, "bad_signature"},
		"OSS's key":                        {correct, true, byNothing, Pass, Pass, "then 403 bucket_not_allowed"},
		"not OSS's key":                    {correct, false, byNothing, Skip, Fail, "rsa1024min=0"},
		"not OSS's key, but a simulator's": {correct, false, local, Skip, Skip, "simulator's key"},
		"any bucket":                       {forVerified(200, ""), true, byNothing, Pass, Warn, "accept your own buckets only"},
		"only its presence": {func(r request) string {
			if r.Header.Get("Authorization") == "" {
				return correct(r)
			}
			return refuse(200, "")
		}, false, byNothing, Fail, Skip, "verifies nothing"},
		"other words of refusal": {func(r request) string {
			if r.verified {
				return refuse(422, "no such customer")
			}
			return refuse(401, "who are you")
		}, true, byNothing, Pass, Pass, "gets 422, an altered copy 401"},
		"one path only": {func(r request) string {
			if r.URL.Path != "/oss-callback" {
				return refuse(404, "")
			}
			return correct(r)
		}, true, byNothing, Skip, Skip, "--capture"},
		"authorization lost":             {always(401, "unsigned"), false, byNothing, Skip, Fail, "must be anonymous"},
		"query lost":                     {always(400, "query_not_recoverable"), false, byNothing, Skip, Fail, "web variant"},
		"misconfigured":                  {always(503, "misconfigured"), false, byNothing, Fail, Skip, "log names the cause"},
		"misconfigured, with a key":      {always(503, "misconfigured"), false, byKey, Fail, Skip, "log names the cause"},
		"gateway error":                  {always(502, ""), false, byNothing, Fail, Skip, "the function did not run"},
		"queue down":                     {forVerified(503, "queue_unavailable"), false, byKey, Fail, Pass, "NSQD_ADDRS"},
		"bucket not allowed":             {forVerified(403, "bucket_not_allowed"), false, byKey, Fail, Pass, "ALLOWED_BUCKETS"},
		"object gone":                    {forVerified(404, "object_gone"), false, byKey, Skip, Pass, "--object"},
		"no image":                       {forVerified(422, "not_an_image"), false, byKey, Skip, Pass, "--object"},
		"bad token":                      {forVerified(403, "bad_token"), false, byKey, Fail, Pass, "mint the URL"},
		"bad token for a made-up object": {forVerified(403, "bad_token"), false, noObject, Skip, Pass, "mint the URL"},
		"expired token":                  {forVerified(403, "token_expired"), false, byKey, Fail, Pass, "mint a new URL"},
		"stranger's refusal":             {always(403, "no"), false, byKey, Fail, Skip, "endpoint's log"},
		"crash shown as 200":             {crash, false, byNothing, Fail, Skip, "UnhandledInvocationError"},
		"crash shown as 200, with a key": {crash, false, byKey, Fail, Skip, "UnhandledInvocationError"},
		"200 to an altered sample": {func(r request) string {
			if r.URL.Path == sample.path {
				return refuse(200, "")
			}
			return correct(r)
		}, true, byNothing, Skip, Fail, "altered copy of OSS's own sample gets 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []func(*endpoint)
			if c.oss {
				options = append(options, trustOSS)
			}
			report := examine(t, c.means(t, start(t, c.behave, options...).options()))
			status, signature := finding(report, ruleStatus), finding(report, ruleSignature)
			if status.Verdict != c.status || signature.Verdict != c.signature {
				t.Errorf("status %s, signature %s; want %s, %s%s", status.Verdict, signature.Verdict, c.status, c.signature, text(report))
			}
			if all := fmt.Sprint(status, signature); !strings.Contains(all, c.says) {
				t.Errorf("%q is not in %s", c.says, all)
			}
			if c.status != Fail && c.signature != Fail {
				only(t, report, Fail)
			}
		})
	}
}

func crash(request) string {
	return sized(200, `{"errorMessage":"x","errorType":"y"}`, "X-Fc-Error-Type: UnhandledInvocationError\r\n")
}

// TestErrorAnswers are wrong in form while good callbacks are answered well. OSS never shows their bodies, but they tell of a server
// that answers so elsewhere.
func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	const page = "<html><body>403</body></html>"
	for name, c := range map[string]struct {
		answer, rule string
	}{
		"page":        {sized(403, page, ""), ruleJSON},
		"word":        {sized(403, "Forbidden", ""), ruleJSON},
		"chunked":     {raw(403, "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"), ruleNotChunked},
		"no length":   {raw(403, "", "{}"), ruleLength},
		"empty":       {raw(403, "Content-Length: 0\r\n", ""), rulePositive},
		"mark of BOM": {sized(403, utf8BOM+"{}", ""), ruleBOM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(r request) string {
				if r.verified {
					return correct(r)
				}
				return c.answer
			})
			byKey := examine(t, withKey(t, s.options()))
			only(t, byKey, Fail)
			only(t, byKey, Warn, c.rule)
			o := s.options()
			o.AllowPrivate = true // OSS's sample is not trusted here
			only(t, examine(t, o), Fail, c.rule)
		})
	}
}

func TestFunctionComputeRefusesPOST(t *testing.T) {
	s := start(t, func(request) string {
		return sized(403, `{"Code":"FCCommonError"}`, "X-Fc-Error-Type: FCCommonError\r\n")
	})
	report := examine(t, s.options())
	only(t, report, Fail, ruleMethod)
	if f := finding(report, ruleMethod); !strings.Contains(f.Cure, "trigger's methods") {
		t.Errorf("%+v", f)
	}
}

// TestWarnings do not make an endpoint fail.
func TestWarnings(t *testing.T) {
	t.Parallel()
	good := func(body string) behaviour {
		return func(r request) string {
			if r.verified {
				return sized(200, body, "")
			}
			return correct(r)
		}
	}
	for name, c := range map[string]struct {
		behave behaviour
		rule   string
	}{
		"array": {good(`[]`), ruleJSON},
		"long":  {good(`{"a":"` + strings.Repeat("x", smallAnswer) + `"}`), ruleSize},
		"HTTP/1.0 unanswered": {func(r request) string {
			if r.ProtoMinor == 0 {
				return ""
			}
			return correct(r)
		}, ruleHTTP10},
		"HTTP/1.0 refused": {func(r request) string {
			if r.ProtoMinor == 0 {
				return raw(426, "Content-Length: 0\r\n", "")
			}
			return correct(r)
		}, ruleHTTP10},
		"HTTP/1.0 without a length": {func(r request) string {
			if r.ProtoMinor == 0 && r.verified {
				return raw(200, "", `{"status":"queued"}`)
			}
			return correct(r)
		}, ruleHTTP10},
		"408 after idling":             {func(r request) string { return correct(r) + sized(408, "{}", "") }, ruleClose},
		"a line feed after the answer": {func(r request) string { return correct(r) + "\r\n" }, ruleExact},
		"form only": {func(r request) string {
			if r.Header.Get("Content-Type") == jsonType {
				return refuse(415, "form_only")
			}
			return correct(r)
		}, ruleBodyTypes},
		"its own host": {func(r request) string {
			if r.Host != host {
				return sized(404, "<html>", "")
			}
			return correct(r)
		}, ruleExtra},
		"big body lost": {func(r request) string {
			if len(r.body) > 64<<10 {
				return ""
			}
			return correct(r)
		}, ruleBigBody},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := examine(t, withKey(t, start(t, c.behave).options()))
			only(t, report, Fail)
			only(t, report, Warn, c.rule)
		})
	}
	t.Run("left open", func(t *testing.T) {
		t.Parallel()
		o := withKey(t, start(t, correct, keepOpen).options())
		o.Timeout = o.Timeout / 10
		report := examine(t, o)
		only(t, report, Fail)
		only(t, report, Warn, ruleClose)
	})
}

// TestRequestsAreLikeOSS's looks at what arrives.
func TestRequestsAreLikeOSSs(t *testing.T) {
	var md5Of []string // doctor sends one after the other
	s := start(t, func(r request) string {
		sum := md5.Sum(r.body)
		md5Of = append(md5Of, base64.StdEncoding.EncodeToString(sum[:]))
		return correct(r)
	})
	o := withKey(t, s.options())
	o.URL = "http://" + host + "/a/b?x=1"
	only(t, examine(t, o), Fail)
	for i, r := range s.requests() {
		for name, want := range map[string]string{
			"User-Agent": "aliyun-oss-callback", "X-Oss-Signature-Version": "1.0", "X-Oss-Tag": "CALLBACK", "X-Oss-Bucket": "photos",
			"X-Oss-Pub-Key-Url": "aHR0cHM6Ly9nb3NzcHVibGljLmFsaWNkbi5jb20vY2FsbGJhY2tfcHViX2tleV92MS5wZW0=",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("request %d: %s %q, want %q", i, name, got, want)
			}
		}
		if r.Method != http.MethodPost || r.RequestURI != "/a/b?x=1" ||
			r.Header.Get("Content-Md5") != md5Of[i] || !r.Close || len(r.Header.Get("X-Oss-Request-Id")) != 24 {
			t.Errorf("request %d: %s %s %v", i, r.Method, r.RequestURI, r.Header)
		}
	}
	if n := len(s.requests()); n < 8 {
		t.Errorf("only %d requests", n)
	}
}
