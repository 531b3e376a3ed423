package osssim

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func TestCallbackSucceeds(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, goodReply(`{"status":"queued"}`))
	url := e.url + "/a%20b?id=1&index=2"
	callback := encode(t, map[string]any{
		"callbackUrl":  url,
		"callbackHost": "uploads.example.com",
		"callbackBody": `{"bucket":${bucket},"object":${object},"etag":${etag},"size":${size},"mimeType":${mimeType},"crc64":${crc64},` +
			`"contentMd5":${contentMd5},"vpcId":${vpcId},"clientIp":${clientIp},"reqId":${reqId},"operation":${operation},` +
			`"h":${imageInfo.height},"w":${imageInfo.width},"f":${imageInfo.format},"user":${x:user}}`,
		"callbackBodyType":  "application/json",
		"additionalHeaders": map[string]string{"X-Team": "uploads", "Authorization": "mine"},
	})
	image := pngImage(t, 4, 3)
	var (
		body   []byte
		header http.Header
	)
	err := h.bucket(t).PutObject("照片/a b.png", bytes.NewReader(image), oss.ContentType("image/png"), oss.Callback(callback),
		oss.CallbackVar(encode(t, map[string]string{"x:user": "o'n \"e\""})), oss.CallbackResult(&body), oss.GetResponseHeader(&header))
	if err != nil {
		t.Fatal(err)
	}
	o, _ := h.Get(testBucket, "照片/a b.png")
	if string(body) != `{"status":"queued"}` || header.Get("Content-Type") != "application/json" || header.Get("ETag") != `"`+o.ETag+`"` {
		t.Errorf("uploader got %q with %v", body, header)
	}

	request, sent := <-e.requests, <-e.bodies
	want := fmt.Sprintf(`{"bucket":"photos","object":"照片/a b.png","etag":"%s","size":%d,"mimeType":"image/png","crc64":"%d","contentMd5":"%s",`+
		`"vpcId":"","clientIp":"127.0.0.1","reqId":"%s","operation":"PutObject","h":3,"w":4,"f":"png","user":"o'n \"e\""}`,
		o.ETag, len(image), o.CRC64, o.ContentMD5, header.Get("X-Oss-Request-Id"))
	if sent != want {
		t.Errorf("callback body\n got %s\nwant %s", sent, want)
	}
	sum := md5.Sum([]byte(sent))
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Content-Md5": base64.StdEncoding.EncodeToString(sum[:]), "X-Oss-Bucket": testBucket,
		"X-Oss-Request-Id": header.Get("X-Oss-Request-Id"), "X-Team": "uploads", "User-Agent": "aliyun-oss-callback",
	} {
		if got := request.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if request.Host != "uploads.example.com" || request.RequestURI != "/callback/a%20b?id=1&index=2" || request.Proto != "HTTP/1.1" || !request.Close {
		t.Errorf("request %s %s, host %s, close %v", request.RequestURI, request.Proto, request.Host, request.Close)
	}
	opened := recovered(t, h.PublicKeyPEM(), request.Header.Get("Authorization"))
	if !bytes.Equal(opened, encodedDigest(md5.Sum([]byte("/callback/a b?id=1&index=2\n"+sent)))) {
		t.Error("the signature does not cover what arrived")
	}

	exchanges := h.recorded()
	if len(exchanges) != 1 {
		t.Fatalf("%d exchanges", len(exchanges))
	}
	if x := exchanges[0]; !x.Verdict.OK || x.URL != url || x.Object != o.Key || x.Status != 200 || string(x.Body) != string(body) || !bytes.HasSuffix(x.Request, []byte(sent)) {
		t.Errorf("exchange %+v", x)
	}
}

// TestCallbackFailures answers real uploads with everything OSS dislikes: 203 for the uploader, and the object stays.
func TestCallbackFailures(t *testing.T) {
	const connect = "Error status : -1.OSS can not connect to your callbackUrl, please check it."
	tests := []struct{ name, reply, message, ec string }{
		{"html", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "Response body is not valid json format.", "205"},
		{"byte order mark", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\xef\xbb\xbf{}", "Response body is not valid json format.", "205"},
		{"no length", "HTTP/1.1 200 OK\r\n\r\n{}", "Error Status : 400.User server missing content-length.", "204"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "Error Status : 400.User server missing content-length.", "204"},
		{"empty body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "Error Status : 400.User server return invalid conent-length value.", "204"},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}", "Error Status : 400.User server return invalid conent-length value.", "204"},
		{"huge length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}", "Error Status : 400.User server return too long content-length value.", "204"},
		{"redirect", "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}", "Error status : 301.", "203"},
		{"not found", "HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", "Error status : 404.", "203"},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "Error status : 204.", "203"},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", connect, "203"},
		{"no reply", "", connect, "203"},
		{"no http", "SSH-2.0-x\r\n", connect, "203"},
		{"endless head", "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 20000), connect, "203"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := start(t, nil)
			e := replyRaw(t, h, tt.reply)
			wantCallbackFailed(t, h, e.url, tt.ec, tt.message)
		})
	}
	t.Run("interim reply first", func(t *testing.T) {
		h := start(t, nil)
		e := replyRaw(t, h, "HTTP/1.1 100 Continue\r\n\r\n"+goodReply(`{}`))
		if err := h.bucket(t).PutObject("k", reader("x"), oss.Callback(callbackTo(t, e.url, "a"))); err != nil {
			t.Error(err)
		}
	})
	t.Run("closed port", func(t *testing.T) {
		h := start(t, nil)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		h.AllowPublic(listener.Addr().String())
		listener.Close()
		wantCallbackFailed(t, h, "http://"+listener.Addr().String()+"/", "203", connect)
	})
}

func wantCallbackFailed(t *testing.T, h *harness, url, ec, message string) {
	t.Helper()
	var header http.Header
	err := h.bucket(t).PutObject("k", reader("x"), oss.Callback(callbackTo(t, url, "a=${object}")), oss.GetResponseHeader(&header))
	service := wantServiceError(t, err, 203, "CallbackFailed")
	if service.Message != message || service.Ec != "0007-00000"+ec || header.Get("X-Oss-Ec") != service.Ec {
		t.Errorf("%s %q, header %q; want %s %q", service.Ec, service.Message, header.Get("X-Oss-Ec"), ec, message)
	}
	if service.RequestID == "" || service.HostID == "" || !strings.Contains(service.RawMessage, "https://api.aliyun.com/troubleshoot?q="+service.Ec) {
		t.Errorf("document %s", service.RawMessage)
	}
	if _, ok := h.Get(testBucket, "k"); !ok {
		t.Error("the object is gone")
	}
	for _, x := range h.recorded() {
		if x.Verdict.OK || x.Verdict.EC != service.Ec {
			t.Errorf("recorded %+v", x.Verdict)
		}
	}
}

func TestCallbackTimeout(t *testing.T) {
	silent := func(t *testing.T, h *harness) *endpoint {
		return serveRaw(t, h, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }) // until OSS hangs up
	}
	t.Run("cost too long", func(t *testing.T) {
		h := start(t, func(c *Config) { c.CallbackTimeout = 50 * time.Millisecond })
		wantCallbackFailed(t, h, silent(t, h).url, "202", "Cost too long time.")
	})
	t.Run("with address", func(t *testing.T) {
		h := start(t, func(c *Config) { c.CallbackTimeout, c.Behaviour.TimeoutWithAddress = 50*time.Millisecond, true })
		e := silent(t, h)
		err := h.bucket(t).PutObject("k", reader("x"), oss.Callback(callbackTo(t, e.url, "a")))
		service := wantServiceError(t, err, 203, "CallbackFailed")
		if !strings.HasPrefix(service.Message, e.hostport+" reply timeout, cost:") || !strings.Contains(service.Message, "timeout:50ms (err -4, errno115)") {
			t.Errorf("message %q", service.Message)
		}
	})
	t.Run("list shares the time", func(t *testing.T) {
		h := start(t, func(c *Config) { c.CallbackTimeout = 50 * time.Millisecond })
		second := replyRaw(t, h, goodReply(`{}`))
		wantCallbackFailed(t, h, silent(t, h).url+";"+second.url, "202", "Cost too long time.")
		if n := len(h.recorded()); n != 1 {
			t.Errorf("%d callbacks", n)
		}
	})
	t.Run("time per url", func(t *testing.T) {
		h := start(t, func(c *Config) { c.CallbackTimeout, c.Behaviour.TimeoutPerURL = time.Second, true })
		second := replyRaw(t, h, goodReply(`{}`))
		if err := h.bucket(t).PutObject("k", reader("x"), oss.Callback(callbackTo(t, silent(t, h).url+";"+second.url, "a"))); err != nil {
			t.Error(err)
		}
	})
}

func TestCallbackURLList(t *testing.T) {
	h := start(t, nil)
	bad, good, unused := replyRaw(t, h, "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"), replyRaw(t, h, goodReply(`{"n":2}`)), replyRaw(t, h, goodReply(`{}`))
	var body []byte
	err := h.bucket(t).PutObject("k", reader("x"), oss.Callback(callbackTo(t, strings.Join([]string{bad.url, good.url, unused.url}, ";")+";", "a")), oss.CallbackResult(&body))
	if err != nil || string(body) != `{"n":2}` {
		t.Errorf("%q, %v", body, err)
	}
	exchanges := h.recorded()
	if len(exchanges) != 2 || exchanges[0].Verdict.OK || exchanges[0].URL != bad.url || !exchanges[1].Verdict.OK || exchanges[1].URL != good.url {
		t.Errorf("exchanges %+v", exchanges)
	}
}

func TestCallbackHTTP10(t *testing.T) {
	h := start(t, func(c *Config) { c.Behaviour.HTTP10 = true })
	e := replyRaw(t, h, goodReply(`{}`))
	if err := h.bucket(t).PutObject("k", reader("x"), oss.Callback(callbackTo(t, "http://"+e.hostport, "a"))); err != nil {
		t.Fatal(err)
	}
	if request := <-e.requests; request.Proto != "HTTP/1.0" || request.RequestURI != "/" {
		t.Errorf("%s %s", request.RequestURI, request.Proto)
	}
}

func TestCallbackAfterMultipart(t *testing.T) {
	h := start(t, nil)
	e := replyRaw(t, h, goodReply(`{"n":1}`))
	bucket := h.bucket(t)
	upload, err := bucket.InitiateMultipartUpload("big")
	if err != nil {
		t.Fatal(err)
	}
	parts := []oss.UploadPart{putPart(t, bucket, upload, 1, []byte("whole"))}
	var body []byte
	callback := callbackTo(t, e.url, "op=${operation}&size=${size}&etag=${etag}&md5=${contentMd5}")
	if _, err := bucket.CompleteMultipartUpload(upload, parts, oss.Callback(callback), oss.CallbackResult(&body)); err != nil {
		t.Fatal(err)
	}
	o, _ := h.Get(testBucket, "big")
	if got, want := <-e.bodies, "op=CompleteMultipartUpload&size=5&etag="+o.ETag+"&md5="; got != want || string(body) != `{"n":1}` {
		t.Errorf("callback %q, want %q; uploader got %q", got, want, body)
	}
}

func TestCallbackImageInfo(t *testing.T) {
	callback := "h=${imageInfo.height}&w=${imageInfo.width}&f=${imageInfo.format}"
	put := func(t *testing.T, h *harness, content []byte) (string, error) {
		e := replyRaw(t, h, goodReply(`{}`))
		err := h.bucket(t).PutObject("k", bytes.NewReader(content), oss.Callback(callbackTo(t, e.url, callback)))
		if err != nil {
			return "", err
		}
		return <-e.bodies, nil
	}
	if got, err := put(t, start(t, nil), []byte("no image")); err != nil || got != "h=&w=&f=" {
		t.Errorf("no image: %q, %v", got, err)
	}
	_, err := put(t, start(t, nil), pngImage(t, 4, 3)[:20])
	if service := wantServiceError(t, err, 203, "CallbackFailed"); service.Ec != "0007-00000302" || service.Message != "Get image info failed." {
		t.Errorf("truncated: %s %q", service.Ec, service.Message)
	}
	h := start(t, nil)
	h.Inject(Fault{Operation: "ImageInfo", Code: "NoSuchKey", Status: 404})
	_, err = put(t, h, pngImage(t, 4, 3))
	if service := wantServiceError(t, err, 203, "CallbackFailed"); service.Ec != "0007-00000301" || service.Message != "Get image info failed." {
		t.Errorf("gone: %s %q", service.Ec, service.Message)
	}
	// An object that really has gone by the time it is looked at.
	c := &call{r: httptest.NewRequest(http.MethodPut, "/", nil)}
	p, err := parseCallback(callbackTo(t, "http://127.0.0.1:1", callback), Behaviour{})
	if err != nil {
		t.Fatal(err)
	}
	if _, verdict := start(t, nil).variables(c, Object{Bucket: testBucket, Key: "gone"}, p); verdict.EC != "0007-00000301" {
		t.Errorf("verdict %+v", verdict)
	}
}

func TestCallbackTLS(t *testing.T) {
	names := make(chan string, 8)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- hello.ServerName
		return nil, nil
	}}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())

	h := start(t, func(c *Config) {
		c.RootCAs = roots
		resolve := c.Resolve
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			if host == "wrong.test" {
				host = "localhost"
			}
			return resolve(ctx, host)
		}
	})
	h.AllowPublic("example.com:" + port)
	h.AllowPublic("wrong.test:" + port)
	put := func(host string, sni bool) error {
		callback := encode(t, map[string]any{"callbackUrl": "https://" + host + ":" + port + "/", "callbackBody": "a", "callbackSNI": sni})
		return h.bucket(t).PutObject("k", reader("x"), oss.Callback(callback))
	}
	if err := put("example.com", true); err != nil {
		t.Error(err)
	}
	if name := <-names; name != "example.com" {
		t.Errorf("SNI %q", name)
	}
	if err := put("example.com", false); err != nil {
		t.Error(err)
	}
	if name := <-names; name != "" {
		t.Errorf("SNI %q without callbackSNI", name)
	}
	service := wantServiceError(t, put("wrong.test", true), 203, "CallbackFailed")
	if service.Ec != "0007-00000203" {
		t.Errorf("wrong name in the certificate: %s", service.Ec)
	}
}
