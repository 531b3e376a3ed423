package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

// captured is a good callback for the path of options(), as a file.
func captured(t testing.TB, path string) []byte {
	t.Helper()
	m := message{path: path, contentType: formType, body: []byte("bucket=photos&object=cat.jpg&size=10")}
	m, err := m.sign(testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return newSender(parseTarget("http://elsewhere.example"), "photos", "").render(message{path: m.path, contentType: m.contentType, body: m.body,
		authorization: m.authorization, more: []string{"X-Forwarded-For: 192.0.2.1"}})
}

func TestCapture(t *testing.T) {
	good := captured(t, "/oss-callback")
	for name, capture := range map[string][]byte{
		"as it was":            good,
		"line feeds":           bytes.ReplaceAll(good, []byte("\r\n"), []byte("\n")),
		"with a newline after": append(bytes.Clone(good), "\r\n"...),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, correct)
			o := s.options()
			o.Capture = capture
			report := examine(t, o)
			only(t, report, Fail)
			only(t, report, Warn)
			only(t, report, Skip, ruleSNI, ruleNoSNI)
			first := s.requests()[0]
			if first.Host != host || first.Header.Get("X-Forwarded-For") != "192.0.2.1" || !first.Close {
				t.Errorf("%s %v", first.Host, first.Header)
			}
		})
	}
	t.Run("of an endpoint that verifies nothing", func(t *testing.T) {
		o := start(t, func(request) string { return refuse(200, "") }).options()
		o.Capture = good
		only(t, examine(t, o), Fail, ruleSignature)
	})
}

func TestUnusableInput(t *testing.T) {
	good, key := captured(t, "/oss-callback"), testKeyPEM(t)
	token := strings.Repeat("t", 60)
	replace := func(old, by string) []byte { return bytes.Replace(good, []byte(old), []byte(by), 1) }
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	ecPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})
	url := "http://" + host + "/oss-callback"
	for says, o := range map[string]Options{
		"URL is missing":             {},
		"exclude each other":         {URL: url, Key: key, Bucket: "b", Capture: good},
		"needs a bucket":             {URL: url, Key: key},
		"no PEM":                     {URL: url, Key: []byte("key"), Bucket: "b"},
		"OSS signs with RSA":         {URL: url, Key: ecPEM, Bucket: "b"},
		"no RSA private key":         {URL: url, Key: public, Bucket: "b"},
		"11 tries":                   {URL: url, Tries: 11},
		"-1 tries":                   {URL: url, Tries: -1},
		"no empty line":              {URL: url, Capture: []byte("POST / HTTP/1.1\r\n")},
		"does not begin with":        {URL: url, Capture: replace("POST", "GET")},
		"is no header":               {URL: url, Capture: replace("Date:", "Date")},
		"no authorization":           {URL: url, Capture: replace("authorization:", "x-authorization:")},
		"no x-oss-pub-key-url":       {URL: url, Capture: replace("x-oss-pub-key-url:", "x:")},
		"is no number":               {URL: url, Capture: replace("Content-Length: ", "Content-Length: x")},
		"it is not complete":         {URL: url, Capture: good[:len(good)-1]},
		"more than one request":      {URL: url, Capture: append(bytes.Clone(good), good...)},
		"larger than":                {URL: url, Capture: make([]byte, maxCapture+1)},
		"could not be verified":      {URL: url + "2", Capture: good},
		"sent to /oss-callback, but": {URL: url + "/" + token, Capture: good},
	} {
		_, err := Examine(t.Context(), o)
		if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), token) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// TestTokensAreNotShown has an endpoint echo all that it is told.
func TestTokensAreNotShown(t *testing.T) {
	const token = "Token9abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVW"
	path := "/cb/" + token
	for name, answer := range map[string]behaviour{
		"body": func(r request) string {
			return sized(200, "Cannot POST "+r.RequestURI+" "+r.Header.Get("Authorization"), "")
		},
		"signature": func(r request) string { return sized(200, "You sent "+r.Header.Get("Authorization"), "") },
		"location":  func(r request) string { return sized(302, "{}", "Location: /login?next="+r.RequestURI+"\r\n") },
		"code": func(r request) string {
			if r.ProtoMinor == 0 {
				return refuse(200, r.RequestURI)
			}
			return refuse(200, "a\x9bb")
		},
		"status line": func(r request) string { return r.RequestURI + "\r\n\r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			o := start(t, answer).options()
			o.URL, o.Capture = "http://"+host+path, captured(t, path)
			authorization := mustCapture(t, o.Capture).authorization
			report := examine(t, o)
			// Excerpts cut what they show, so that not only the whole would tell.
			all := report.URL + text(report)
			if strings.Contains(all, token[:8]) || strings.Contains(all, authorization[:8]) || !strings.Contains(report.URL, "/cb/Token9…") {
				t.Errorf("%s%s", report.URL, text(report))
			}
		})
	}
}

// TestTokensAnywhere are not shown wherever in the path they stand.
func TestTokensAnywhere(t *testing.T) {
	const token = "Token9abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVW"
	for _, path := range []string{"/cb/" + token + "/", "/" + token + "/oss-callback", "/cb/" + token, "/cb?token=" + token} {
		for name, behave := range map[string]behaviour{
			"location": func(r request) string { return sized(301, "{}", "Location: https://"+host+r.RequestURI+"\r\n") },
			"foreign location": func(r request) string {
				return sized(301, "{}", "Location: //cdn.example/"+strings.ToLower(token)+"?a="+token+"\r\n")
			},
			"body": func(r request) string { return sized(403, "No "+r.RequestURI, "") },
		} {
			o := start(t, behave).options()
			o.URL = "http://" + host + path
			report := examine(t, o)
			if all := report.URL + text(report); strings.Contains(strings.ToLower(all), "token9ab") {
				t.Errorf("%s of %s: %s%s", name, path, report.URL, text(report))
			}
		}
	}
}

func mustCapture(t *testing.T, raw []byte) *capture {
	t.Helper()
	c, err := parseCapture(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := start(t, func(r request) string { cancel(); <-r.gone; return "" })
	if _, err := Examine(ctx, s.options()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// go test -fuzz FuzzReply ./scripts/internal/doctor
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		sized(200, `{"status":"queued"}`, ""), sized(403, utf8BOM+"{}", ""), raw(200, "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
		raw(200, "Content-Length: 99\r\n", "{}"), raw(200, "Content-Length: 1\r\n", "{}"), raw(204, "", ""), raw(200, "", `[1]`), raw(200, "", "<html>"),
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "220 ESMTP\r\n",
		"HTTP/1.1 200 OK\nContent-Length: -1\n\n",
		raw(200, "Content-Length: 18446744073709551615\r\n", "{}"), raw(200, "Content-Length: 9223372036854775807\r\n", "\xff\xfe{"),
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, linger bool) {
		got, err := readReply(iotest.OneByteReader(bytes.NewReader(raw)), linger)
		if err != nil {
			if !errors.Is(err, errNoReply) {
				t.Fatal(err)
			}
			return
		}
		if got.status < 200 || got.status > 999 || len(got.body) > maxBody+1 {
			t.Fatalf("status %d, %d bytes", got.status, len(got.body))
		}
		found := shape(got)
		for _, rule := range []string{ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact, ruleNotChunked, ruleSize} {
			if found := found[rule]; found.Rule != rule || found.Detail == "" && found.Verdict != Pass {
				t.Fatalf("%s: %+v", rule, found)
			}
		}
	})
}

// go test -fuzz FuzzCapture ./scripts/internal/doctor
func FuzzCapture(f *testing.F) {
	good := captured(f, "/oss-callback")
	f.Add(good)
	f.Add(bytes.ReplaceAll(good, []byte("\r\n"), []byte("\n")))
	f.Add([]byte("POST / HTTP/1.1\n\n"))
	f.Add([]byte("POST / HTTP/1.1\nauthorization: a\nx-oss-pub-key-url: b\nContent-Length: 1\n\nx"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseCapture(raw)
		if err != nil {
			return
		}
		again, err := parseCapture(c.render("h"))
		if err != nil || !bytes.Equal(again.body, c.body) || again.requestURI != c.requestURI {
			t.Fatalf("%v: sent again it is %q", err, c.render("h"))
		}
		if bytes.Equal(c.altered().body, c.body) {
			t.Fatal("the altered copy is not altered")
		}
	})
}

// go test -fuzz FuzzURL ./scripts/internal/doctor
func FuzzURL(f *testing.F) {
	for _, seed := range []string{
		"http://h/a", "https://h:8443/a/b?c=d", "h", "http://[::1]:1/", "http://u@h/#x", "http://h/%41+", "http://h//", "http://h?a;b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := parseTarget(raw)
		if (got.fault == "") != (got.url != nil) || (got.fault == "") != (got.cure == "") {
			t.Fatalf("%+v", got)
		}
		if got.fault != "" {
			return
		}
		if strings.ContainsAny(got.requestURI(), " \r\n") || !strings.HasPrefix(got.path, "/") || got.port == "" {
			t.Fatalf("%+v", got)
		}
		_ = got.redact(got.shown())
	})
}
