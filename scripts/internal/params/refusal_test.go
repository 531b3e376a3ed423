package params

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// TestRefusedAsOSSRefuses: Build gives the EC and the words that OSS answers when the same parameters are sent all the same.
func TestRefusedAsOSSRefuses(t *testing.T) {
	r := start(t)
	withURL := func(url string) func(*Spec) { return func(s *Spec) { s.CallbackURL = url } }
	withBody := func(body string) func(*Spec) { return func(s *Spec) { s.Body = body } }
	long := strings.Repeat("a", 3900)
	for _, tt := range []struct {
		name   string
		change func(*Spec)
		ec     string
		field  string
	}{
		{"callback too long", func(s *Spec) { s.CallbackURL += "/" + long }, "01", "callback"},
		{"no url", withURL(""), "04", "callbackUrl"},
		{"empty url in the list", withURL("https://a.example;;https://b.example"), "04", "callbackUrl"},
		{"only a semicolon", withURL(";"), "04", "callbackUrl"},
		{"port is a word", withURL("https://a.example:http/"), "04", "callbackUrl"},
		{"port zero", withURL("https://a.example:0/"), "04", "callbackUrl"},
		{"port negative", withURL("https://a.example:-1/"), "04", "callbackUrl"},
		{"port too large", withURL("https://a.example:65536/"), "04", "callbackUrl"},
		{"port empty", withURL("https://a.example:/"), "04", "callbackUrl"},
		{"scheme", withURL("ftp://a.example/"), "04", "callbackUrl"},
		{"space", withURL("https://a.example/a b"), "04", "callbackUrl"},
		{"line break", withURL("https://a.example/\r\nHost: b"), "04", "callbackUrl"},
		{"not ASCII", withURL("https://a.example/é"), "04", "callbackUrl"},
		{"host not ASCII", withURL("https://bücher.example/"), "04", "callbackUrl"},
		{"broken escape", withURL("https://a.example/%zz"), "04", "callbackUrl"},
		{"user name", withURL("https://u:p@a.example/"), "04", "callbackUrl"},
		{"no host", withURL("https:///a"), "04", "callbackUrl"},
		{"six urls", withURL(strings.Repeat("https://a.example;", 6)), "05", "callbackUrl"},
		{"no name", withURL("https://no_such!host/"), "07", "callbackUrl"},
		{"number", withURL("https://123.456/"), "07", "callbackUrl"},
		{"short name", withURL("http://my/"), "07", "callbackUrl"},
		{"IPv6", withURL("http://[2001:db8::1]/"), "07", "callbackUrl"},
		{"IPv6 loopback", withURL("http://[::1]:80/"), "07", "callbackUrl"},
		{"IPv6 with a zone", withURL("http://[fe80::1%25eth0]/"), "07", "callbackUrl"},
		{"loopback", withURL("http://127.0.0.1:9000/"), "08", "callbackUrl"},
		{"loopback in IPv6", withURL("http://[::ffff:127.0.0.1]/"), "08", "callbackUrl"},
		{"localhost", withURL("localhost:9000/x"), "08", "callbackUrl"},
		{"10", withURL("10.0.0.1/x"), "08", "callbackUrl"},
		{"172.16", withURL("http://172.16.0.1"), "08", "callbackUrl"},
		{"192.168", withURL("https://a.example;https://192.168.1.1"), "08", "callbackUrl"},
		{"link local", withURL("http://169.254.169.254/"), "08", "callbackUrl"},
		{"carrier", withURL("http://100.64.0.1/"), "08", "callbackUrl"},
		{"unspecified", withURL("http://0.0.0.0/"), "08", "callbackUrl"},
		{"host with a path", func(s *Spec) { s.Host = "a.example/b" }, "09", "callbackHost"},
		{"host with a scheme", func(s *Spec) { s.Host = "http://a.example" }, "09", "callbackHost"},
		{"host injects", func(s *Spec) { s.Host = "a\r\nb: c" }, "09", "callbackHost"},
		{"body type", func(s *Spec) { s.BodyType = "text/plain" }, "13", "callbackBodyType"},
		{"body type with charset", func(s *Spec) { s.BodyType = JSONBody + "; charset=utf-8" }, "13", "callbackBodyType"},
		{"variables too long", func(s *Spec) { s.Vars["x:user"] = long }, "101", "callback-var"},
		{"brace missing", withBody("a=$x:user}"), "105", "callbackBody"},
		{"parentheses", withBody("a=$(object)"), "105", "callbackBody"},
		{"not closed", withBody("a=${object"), "105", "callbackBody"},
		{"no placeholder name", withBody("a=${}"), "105", "callbackBody"},
		{"nested", withBody("a=${${object}}"), "105", "callbackBody"},
		{"plain dollar", withBody("price=5$"), "105", "callbackBody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := Spec{CallbackURL: "https://a.example/cb", Bucket: testBucket, Prefix: "users/7/", Vars: map[string]string{"x:user": "7"},
				BodyType: FormBody, Body: "bucket=${bucket}&object=${object}&x:user=${x:user}"}
			tt.change(&spec)
			_, err := Build(spec)
			refusal := wantRefusal(t, err)
			if want := "0007-" + strings.Repeat("0", 8-len(tt.ec)) + tt.ec; refusal.EC != want || refusal.Field != tt.field {
				t.Errorf("%s %s, want %s %s", refusal.Field, refusal.EC, tt.field, want)
			}
			if !strings.Contains(err.Error(), refusal.EC) || !strings.Contains(err.Error(), refusal.Message) {
				t.Errorf("%v does not tell what OSS says", err)
			}

			raw := marshal(callbackParam{URL: spec.CallbackURL, Host: spec.Host, Body: spec.Body, BodyType: spec.BodyType, SNI: true})
			err = r.bucket(t).PutObject("users/7/never", strings.NewReader("x"), oss.Callback(base64.StdEncoding.EncodeToString([]byte(raw))),
				oss.CallbackVar(base64.StdEncoding.EncodeToString([]byte(marshal(spec.Vars)))))
			answer, ok := errors.AsType[oss.ServiceError](err)
			if !ok || answer.StatusCode != 400 || answer.Ec != refusal.EC {
				t.Errorf("OSS answers %v, Build says %s", err, refusal.EC)
			}
			if refusal.Message != "" && refusal.Message != answer.Message {
				t.Errorf("OSS's words are %q, not %q", answer.Message, refusal.Message)
			}
		})
	}
	if keys := r.oss.Keys(testBucket); len(keys) > 0 {
		t.Errorf("stored %q", keys)
	}
}

// TestRefusedByUs: what OSS would take, and nobody would be glad of.
func TestRefusedByUs(t *testing.T) {
	body := func(text string) func(*Spec) { return func(s *Spec) { s.Body = text } }
	jsonBody := func(text string) func(*Spec) { return func(s *Spec) { s.BodyType, s.Body = JSONBody, text } }
	for _, tt := range []struct {
		name, field, says string
		change            func(*Spec)
	}{
		{"bucket", "bucket", "no bucket name", func(s *Spec) { s.Bucket = "Photos" }},
		{"no bucket", "bucket", "no bucket name", func(s *Spec) { s.Bucket = "" }},
		{"key and prefix", "key", "there is a prefix too", func(s *Spec) { s.Key = "a" }},
		{"key begins with a slash", "key", "not beginning with", func(s *Spec) { s.Prefix, s.Key = "", "/a" }},
		{"prefix too long", "key", "1023", func(s *Spec) { s.Prefix = strings.Repeat("a", 1024) }},
		{"prefix not UTF-8", "key", "UTF-8", func(s *Spec) { s.Prefix = "\xff" }},
		{"short secret", "token", "16 bytes", func(s *Spec) { s.TokenSecret, s.TokenExpires = []byte("short"), time.Now() }},
		{"empty secret", "token", "16 bytes", func(s *Spec) { s.TokenSecret, s.TokenExpires = []byte{}, time.Now() }},
		{"no expiry", "token", "expiry", func(s *Spec) { s.TokenSecret = testSecret }},
		{"fragment", "callbackUrl", "never sent", func(s *Spec) { s.CallbackURL += "#a" }},
		{"empty query", "callbackUrl", `"?" at the end`, func(s *Spec) { s.CallbackURL += "?" }},
		{"quote in the path", "callbackUrl", "percent-encode", func(s *Spec) { s.CallbackURL += `/"a"` }},
		{"brace in the query", "callbackUrl", "percent-encode", func(s *Spec) { s.CallbackURL += "?a={b}" }},
		{"escape in the query", "callbackUrl", "%25", func(s *Spec) { s.CallbackURL += "?a=100%" }},
		{"bare imageInfo", "callbackBody", "Get image info failed", body("i=${imageInfo}&u=${x:user}")},
		{"imageInfo", "callbackBody", "Get image info failed", body("h=${imageInfo.height}&u=${x:user}")},
		{"unknown", "callbackBody", "knows no ${mimetype}", body("m=${mimetype}&u=${x:user}")},
		{"variable missing", "callbackBody", "no variable of the name of ${x:other}", body("o=${x:other}&u=${x:user}")},
		{"variable unused", "x:user", "would never arrive", body("bucket=${bucket}")},
		{"not UTF-8", "callbackBody", "UTF-8", body("\xff${x:user}")},
		{"form escape", "callbackBody", "%25", body("a=100%&u=${x:user}")},
		{"quoted text", "callbackBody", "quotes around ${etag} away", jsonBody(`{"etag":"${etag}","u":${x:user}}`)},
		{"quoted variable", "callbackBody", "quotes around ${x:user} away", jsonBody(`{"u":"\"${x:user}"}`)},
		{"no object", "callbackBody", "no JSON object", jsonBody(`[${x:user}]`)},
		{"null", "callbackBody", "no JSON object", func(s *Spec) { s.BodyType, s.Body, s.Vars = JSONBody, "null", nil }},
		{"a form as JSON", "callbackBody", "no JSON object", jsonBody("u=${x:user}")},
		{"inner quotes", "callbackBody", "backslash", jsonBody(`{"a":"say "hi"","u":${x:user}}`)},
		{"upper case", "callback-var", "lower-case", func(s *Spec) { s.Vars = map[string]string{"x:User": ""} }},
		{"no x:", "callback-var", "x:", func(s *Spec) { s.Vars = map[string]string{"user": ""} }},
		{"no name", "callback-var", "x:", func(s *Spec) { s.Vars = map[string]string{"x:": ""} }},
		{"quote in a name", "callback-var", "lower-case", func(s *Spec) { s.Vars = map[string]string{`x:a"b`: ""} }},
		{"placeholder in a name", "callback-var", "lower-case", func(s *Spec) { s.Vars = map[string]string{"x:${": ""} }},
		{"value not UTF-8", "x:user", "UTF-8", func(s *Spec) { s.Vars["x:user"] = "\xff" }},
		{"value with NUL", "x:user", "NUL", func(s *Spec) { s.Vars["x:user"] = "\x00" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := Spec{CallbackURL: "https://a.example/cb", Bucket: testBucket, Prefix: "users/7/", Vars: map[string]string{"x:user": "7"}}
			tt.change(&spec)
			_, err := Build(spec)
			if r := wantRefusal(t, err); r.EC != "" || r.Field != tt.field || !strings.Contains(r.Cure, tt.says) {
				t.Errorf("%+v, want %s with %q", r, tt.field, tt.says)
			}
		})
	}
}

func TestAllowPrivate(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:9000/", "localhost:1", "http://192.168.0.1", "http://oss-sim:80/cb"} {
		p := build(t, Spec{CallbackURL: url, Bucket: testBucket, Key: "k", AllowPrivate: true})
		if err := p.CheckDNS(t.Context(), answers{}); err != nil {
			t.Error(url, err)
		}
	}
}

// answers is a DNS of a few names; others cannot be asked for.
type answers map[string][]string

func (a answers) LookupNetIP(_ context.Context, network, host string) (addrs []netip.Addr, err error) {
	texts, ok := a[host]
	if !ok || network != "ip4" {
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	}
	for _, text := range texts {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	if addrs == nil {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, err
}

func TestCheckDNS(t *testing.T) {
	dns := answers{"good.example": {"203.0.113.1"}, "gone.example": nil, knownName: {"203.0.113.2"}}
	for url, ec := range map[string]string{
		"https://good.example":                        "",
		"https://203.0.113.7":                         "",
		"https://good.example;https://gone.example/a": "0007-00000007",
	} {
		err := build(t, Spec{CallbackURL: url, Bucket: testBucket, Key: "k"}).CheckDNS(t.Context(), dns)
		if refusal, _ := errors.AsType[Refusal](err); refusal.EC != ec || (err == nil) != (ec == "") {
			t.Errorf("%s: %v, want %q", url, err, ec)
		}
	}
	for name, dns := range map[string]answers{"no answer": {}, "private here": {"other.example": {"203.0.113.1", "10.0.0.1"}}, "cut off from the internet": {"other.example": nil, knownName: nil}} {
		err := build(t, Spec{CallbackURL: "https://other.example", Bucket: testBucket, Key: "k"}).CheckDNS(t.Context(), dns)
		if _, isRefusal := errors.AsType[Refusal](err); err == nil || isRefusal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
