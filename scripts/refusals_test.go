//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"oss-callback/function/callback"
	"oss-callback/queue/nsqtest"
	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/stack"
)

// TestEveryRefusal drives the compiled function through both doors to every answer that a client can bring about, each from a
// callback signed as OSS signs, and has OSS's judge look at them.
func TestEveryRefusal(t *testing.T) {
	signer, err := osssim.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	oss, err := osssim.Start(osssim.Config{Region: stack.Region, Buckets: []string{"photos"},
		AccessKeyID: stack.AccessKeyID, AccessKeySecret: stack.AccessKeySecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { oss.Close() })
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 40, 30)), nil); err != nil {
		t.Fatal(err)
	}
	oss.Put("photos", "a.jpg", "image/jpeg", photo.Bytes())
	oss.Put("photos", "a.txt", "text/plain", []byte("no image"))

	settings := map[string]string{
		"OSS_ENDPOINT": oss.Endpoint(), "OSS_REGION": stack.Region, "ALLOWED_BUCKETS": "photos",
		"NSQD_ADDRS": nsqtest.New(t).TCPAddr(), "OSS_CALLBACK_PUBLIC_KEY": signer.PublicKeyPEM(), "CALLBACK_BUDGET": "2s",
	}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(settings)
		maps.Copy(all, more)
		return all
	}
	secret := "0123456789abcdef-secret"
	token := func(prefix string, expires time.Duration) string {
		s, err := callback.Token{Bucket: "photos", Prefix: prefix, Expires: time.Now().Add(expires)}.Mint([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return "/cb/" + s
	}
	good := func(object string, size int) string {
		return url.Values{"bucket": {"photos"}, "object": {object}, "etag": {"E"}, "size": {fmt.Sprint(size)}}.Encode()
	}
	type request struct {
		path, query, body string
		alter             func(http.Header)
		status            int
		code              string
	}
	jpg := photo.Len()
	groups := []struct {
		name     string
		settings map[string]string
		requests []request
	}{
		{"plain", settings, []request{
			{body: good("a.jpg", jpg), status: 200},
			{body: good("a.txt", 8), status: 200, code: "not_an_image"},
			{body: good("a.jpg", jpg), alter: func(h http.Header) { h.Del("Authorization") }, status: 401, code: "unsigned"},
			{body: good("a.jpg", jpg), alter: func(h http.Header) { h.Set("Authorization", "eA==") }, status: 403, code: "bad_signature"},
			{body: good("a.jpg", jpg), alter: func(h http.Header) {
				h.Set("Authorization", "eA==")
				h.Set("X-Oss-Pub-Key-Url", "aHR0cHM6Ly9ldmlsLmV4YW1wbGUuY29tL2sucGVt") // https://evil.example.com/k.pem
			}, status: 403, code: "untrusted_key_url"},
			{body: good("a.jpg", jpg), alter: func(h http.Header) { h.Set("X-Oss-Signature-Version", "2.0") }, status: 400, code: "unsupported_signature_version"},
			{body: "bucket=photos", status: 400, code: "malformed_callback"},
			{body: `{"bucket":""photos""}`, alter: func(h http.Header) { h.Set("Content-Type", "application/json") }, status: 400, code: "malformed_callback"},
			{body: strings.Repeat("x", 70<<10), status: 413, code: "body_too_large"},
			{body: "bucket=others&object=a.jpg", status: 403, code: "bucket_not_allowed"},
			{body: good("thumbs/a.jpg", 1), status: 403, code: "bucket_not_allowed"},
			{body: good(".outbox/a.json", 1), status: 403, code: "bucket_not_allowed"},
			{body: good("gone.jpg", 1), status: 404, code: "object_gone"},
			{body: good("a.jpg", jpg+1), status: 409, code: "object_changed"},
		}},
		{"token and images only", with(map[string]string{"CALLBACK_TOKEN_SECRET": "another-0123456789," + secret, "REQUIRE_IMAGE": "true"}), []request{
			{path: token("", time.Hour), body: good("a.jpg", jpg), status: 200},
			{path: token("", time.Hour), body: good("a.txt", 8), status: 422, code: "not_an_image"},
			{path: "/cb", body: good("a.jpg", jpg), status: 403, code: "bad_token"},
			{path: token("user/7/", time.Hour), body: good("a.jpg", jpg), status: 403, code: "bad_token"},
			{path: token("", -time.Minute), body: good("a.jpg", jpg), status: 403, code: "token_expired"},
		}},
		{"no queue", with(map[string]string{"NSQD_ADDRS": freeAddr(t), "OUTBOX": "off"}), []request{
			{body: good("a.jpg", jpg), status: 503, code: "queue_unavailable"},
		}},
	}
	for _, g := range groups {
		event, _ := openEvent(t, binaries.Function, g.settings)
		for name, d := range map[string]door{"event": event, "web": openWeb(t, binaries.Function, g.settings)} {
			for i, r := range g.requests {
				if r.path == "" {
					r.path = "/cb"
				}
				header := signer.Headers(r.path, r.query, r.query != "", []byte(r.body), osssim.CallbackMeta{Bucket: "photos"})
				if r.alter != nil {
					r.alter(header)
				}
				if status, code := d.post(t, r.path, r.query, header, r.body); status != r.status || code != r.code {
					t.Errorf("%s, %s door, request %d: %d %s, want %d %s\n%s", g.name, name, i, status, code, r.status, r.code, lastLine(d.log.String()))
				}
			}
		}
	}
	// Only the event door loses queries.
	event, _ := openEvent(t, binaries.Function, settings)
	const query = "a=1&b=2&c=3&d=4&e=5"
	header := signer.Headers("/cb", query, true, []byte(good("a.jpg", jpg)), osssim.CallbackMeta{Bucket: "photos"})
	if status, code := event.post(t, "/cb", query, header, good("a.jpg", jpg)); status != 400 || code != "query_not_recoverable" {
		t.Errorf("five parameters: %d %s", status, code)
	}
	if status, code := openWeb(t, binaries.Function, settings).post(t, "/cb", query, header, good("a.jpg", jpg)); status != 200 || code != "" {
		t.Errorf("five parameters at the web door: %d %s", status, code)
	}
}

func (d door) post(t *testing.T, path, query string, header http.Header, body string) (status int, code string) {
	t.Helper()
	target := d.url + path
	if query != "" {
		target += "?" + query
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswer(t, resp.StatusCode, resp.Header, resp.TransferEncoding, answer)
	var said struct{ Error, Reason string }
	if err := json.Unmarshal(answer, &said); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return resp.StatusCode, said.Error + said.Reason
}

func lastLine(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return lines[len(lines)-1]
}
