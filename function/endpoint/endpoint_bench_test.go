package endpoint

import (
	"bytes"
	"context"
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"oss-callback/function/callback"
	"oss-callback/function/logsink"
	"oss-callback/function/trigger"
)

const (
	benchPath = "/cb"
	benchBody = "bucket=photos&object=user%2F7%2F2026%2Fimg_0001.jpg&etag=5B3C1A2E053D763E1B002CC607C5A0FE&size=21839&mimeType=image%2Fjpeg" +
		"&reqId=534B371674E88A4D8906008B&x%3Auser=42"
)

// instant is an endpoint whose verifier and log are those of main, in front of an OSS and a queue that answer at once; and the
// headers that OSS sends with benchBody.
func instant(tb testing.TB) (*Endpoint, map[string]string) {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 512) // as OSS's
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	digest := md5.Sum([]byte(benchPath + "\n" + benchBody))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.MD5, digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	c, _ := working()
	c.Verifier, err = callback.NewVerifier(callback.Config{
		Buckets: []string{"photos"}, PublicKey: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	})
	if err != nil {
		tb.Fatal(err)
	}
	c.Logger = slog.New(slog.NewJSONHandler(logsink.New(io.Discard), nil))
	return New(c), map[string]string{
		"Authorization": base64.StdEncoding.EncodeToString(signature), "Content-Type": "application/x-www-form-urlencoded",
		"Content-Length": strconv.Itoa(len(benchBody)), "Date": "Fri, 02 Jan 2026 03:04:05 GMT", "User-Agent": "aliyun-oss-callback",
		"X-Oss-Bucket": "photos", "X-Oss-Request-Id": "534B371674E88A4D8906008B", "X-Oss-Signature-Version": "1.0", "X-Oss-Tag": "CALLBACK",
		"X-Oss-Pub-Key-Url": base64.StdEncoding.EncodeToString([]byte("https://gosspublic.alicdn.com/callback_pub_key_v1.pem")),
	}
}

// throughEvent returns a function that sends one callback through the event door, as the runtime SDK does, and wants it queued.
func throughEvent(tb testing.TB) func() {
	ep, headers := instant(tb)
	payload, err := json.Marshal(map[string]any{
		"version": "v1", "rawPath": benchPath, "body": benchBody, "isBase64Encoded": false, "headers": headers, "queryParameters": map[string]string{},
		"requestContext": map[string]any{
			"accountId": "0000000000000000", "domainName": "f-abc.cn-hangzhou.fcapp.run", "domainPrefix": "f-abc", "requestId": "1-abc",
			"http": map[string]string{"method": "POST", "path": benchPath, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "aliyun-oss-callback"},
			"time": "2026-01-02T03:04:05Z", "timeEpoch": strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10), // never late
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx := fccontext.NewContext(context.Background(), &fccontext.FcContext{RequestID: "1-abc",
		Credentials: fccontext.Credentials{AccessKeyId: "id", AccessKeySecret: "secret", SecurityToken: "token"}})
	handle := trigger.Event(ep.Handle)
	return func() {
		if answer, err := handle(ctx, payload); err != nil || answer.StatusCode != http.StatusOK {
			tb.Fatal(answer, err)
		}
	}
}

// throughWeb returns a function that sends one callback through the web door, as net/http does once it has read the headers.
func throughWeb(tb testing.TB) func() {
	ep, headers := instant(tb)
	r := httptest.NewRequest(http.MethodPost, benchPath, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	body, w := bytes.NewReader(nil), &discard{header: http.Header{}}
	r.Body, r.ContentLength = io.NopCloser(body), int64(len(benchBody))
	handler := trigger.Web(ep.Handle, ep.Health, callback.MaxBody)
	text := []byte(benchBody)
	return func() {
		body.Reset(text)
		if handler.ServeHTTP(w, r); w.status != http.StatusOK {
			tb.Fatal(w.status)
		}
	}
}

// discard is a http.ResponseWriter that keeps nothing but the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkEndpoint is all that we compute for one callback, from what arrives to the answer, log line included; OSS and NSQ take no
// time. go test ./function/endpoint -run '^$' -bench Endpoint -count 10
func BenchmarkEndpoint(b *testing.B) {
	for name, door := range map[string]func(testing.TB) func(){"event": throughEvent, "web": throughWeb} {
		b.Run(name, func(b *testing.B) {
			send := door(b)
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}

// BenchmarkAnswer encodes what the client is told.
func BenchmarkAnswer(b *testing.B) {
	c, _ := working()
	queued := New(c).run(b.Context(), post)
	pending := queued
	pending.job.Image, pending.job.Reason = nil, reasonPending
	for name, rec := range map[string]record{"queued": queued, "pending": pending, "refused": {err: callback.ErrBadSignature}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if answer := rec.answer(); len(answer.Body) == 0 {
					b.Fatal(answer)
				}
			}
		})
	}
}

// TestAllocationsOfEndpoint fails when the way from what arrives to the answer gets wasteful. The limits are what was measured when
// they were written, and one for what goes on besides: a change that needs more may raise them, knowingly.
func TestAllocationsOfEndpoint(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes sync.Pool forget, so that encoding/json and log/slog allocate more, now and then")
	}
	const mostEvent, mostWeb = 143, 62
	if n := allocations(throughEvent(t)); n > mostEvent {
		t.Errorf("event door: %v allocations, at most %d were needed so far", n, mostEvent)
	}
	if n := allocations(throughWeb(t)); n > mostWeb {
		t.Errorf("web door: %v allocations, at most %d were needed so far", n, mostWeb)
	}
}

// allocations is the least of several measurements: what else goes on in the process only ever adds to them.
func allocations(send func()) float64 {
	least := testing.AllocsPerRun(50, send)
	for range 9 {
		least = min(least, testing.AllocsPerRun(50, send))
	}
	return least
}
