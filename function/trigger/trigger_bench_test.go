package trigger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const benchSignature = "eugZUpzNaW3Ba40tGc3IUczSmdwfOKS1fXl6xd+QmOITTUPLwhBw1DBBUwaGuLsKYdCauOcHhGCEVMEObQgThA=="

// benchEvent is an event with the headers that OSS and the gateway send.
func benchEvent(b *testing.B, body string, encoded bool) []byte {
	b.Helper()
	if encoded {
		body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	payload, err := json.Marshal(map[string]any{
		"version": "v1", "rawPath": "/cb", "body": body, "isBase64Encoded": encoded,
		"headers": map[string]string{
			"Authorization": benchSignature, "Content-Type": "application/x-www-form-urlencoded", "Date": "Fri, 02 Jan 2026 03:04:05 GMT",
			"User-Agent": "aliyun-oss-callback", "X-Oss-Bucket": "photos", "X-Oss-Pub-Key-Url": benchSignature,
			"X-Oss-Request-Id": "534B371674E88A4D8906008B", "X-Oss-Signature-Version": "1.0", "X-Oss-Tag": "CALLBACK",
		},
		"queryParameters": map[string]string{},
		"requestContext": map[string]any{
			"accountId": "0000000000000000", "domainName": "f-abc.cn-hangzhou.fcapp.run", "domainPrefix": "f-abc", "requestId": "1-abc",
			"http": map[string]string{"method": "POST", "path": "/cb", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "aliyun-oss-callback"},
			"time": "2026-01-02T03:04:05Z", "timeEpoch": "1767323045678",
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return payload
}

// BenchmarkEvent decodes the event of an HTTP trigger.
func BenchmarkEvent(b *testing.B) {
	for _, c := range []struct {
		name    string
		size    int
		encoded bool
	}{{"text/small", 200, false}, {"text/4KB", 4 << 10, false}, {"base64/small", 200, true}, {"base64/4KB", 4 << 10, true}} {
		payload := benchEvent(b, strings.Repeat("a", c.size), c.encoded)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if r := parseEvent(payload); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}

// BenchmarkWebRequest decodes plain HTTP, after net/http has read the headers.
func BenchmarkWebRequest(b *testing.B) {
	for name, size := range map[string]int{"small": 200, "4KB": 4 << 10} {
		text := bytes.Repeat([]byte("a"), size)
		body := bytes.NewReader(text)
		r := httptest.NewRequest(http.MethodPost, "/cb?tenant=7", nil)
		r.Body, r.ContentLength = io.NopCloser(body), int64(size)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(text)
				if got := webRequest(r, 64<<10); got.Err != nil || len(got.Body) != size {
					b.Fatal(got.Err, len(got.Body))
				}
			}
		})
	}
}
