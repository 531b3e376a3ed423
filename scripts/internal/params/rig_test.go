package params

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/function/callback"
	"oss-callback/scripts/internal/osssim"
)

const (
	testBucket = "photos"
	testRegion = "cn-hangzhou"
)

var (
	testKeys   = Credentials{AccessKeyID: "local-id", AccessKeySecret: "local-secret"}
	testSecret = []byte("sixteen bytes or more")
)

// rig is a simulated OSS and an endpoint that verifies callbacks as the function does.
type rig struct {
	oss  *osssim.Server
	url  string // of the endpoint
	mu   sync.Mutex
	last struct {
		upload callback.Upload
		err    error
	}
}

func start(t testing.TB, secrets ...[]byte) *rig {
	t.Helper()
	r := &rig{}
	server, err := osssim.Start(osssim.Config{
		Region: testRegion, AccessKeyID: testKeys.AccessKeyID, AccessKeySecret: testKeys.AccessKeySecret, Buckets: []string{testBucket},
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			switch host {
			case "localhost":
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			case "my", "123.456", "no_such!host":
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
			return []netip.Addr{netip.MustParseAddr("203.0.113.1")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	verifier, err := callback.NewVerifier(callback.Config{
		Buckets: []string{testBucket}, PublicKey: []byte(server.PublicKeyPEM()), TokenSecrets: secrets,
	})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(request.Body, callback.MaxBody+1))
		upload, err := verifier.Verify(request.Context(), callback.Request{
			Path: request.URL.EscapedPath(), Query: callback.Query{Raw: request.URL.RawQuery}, Header: request.Header, Body: body,
		})
		r.mu.Lock()
		r.last.upload, r.last.err = upload, err
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, `{"status":"queued"}`)
	}))
	t.Cleanup(endpoint.Close)
	r.oss, r.url = server, endpoint.URL+"/callback"
	server.AllowPublic(endpoint.Listener.Addr().String())
	return r
}

// verified is what the endpoint made of the last callback.
func (r *rig) verified() (callback.Upload, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.upload, r.last.err
}

// spec is a good one for the rig.
func (r *rig) spec() Spec {
	return Spec{CallbackURL: r.url, Bucket: testBucket, Prefix: "users/7/", AllowPrivate: true,
		Vars: map[string]string{"x:user": "7", "x:note": "a b&c=\"d\"+é\n"}}
}

func (r *rig) bucket(t testing.TB) *oss.Bucket {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := oss.New(r.oss.Endpoint(), testKeys.AccessKeyID, testKeys.AccessKeySecret, oss.AuthVersion(oss.AuthV4), oss.Region(testRegion),
		oss.HTTPClient(&http.Client{Transport: transport, Timeout: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := client.Bucket(testBucket)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

// multipartForm encodes a form with a file, as a browser does.
func multipartForm(t testing.TB, fields []Field, file string) (contentType string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	form := multipart.NewWriter(body)
	for _, f := range fields {
		if err := form.WriteField(f.Name, f.Value); err != nil {
			t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "cat.jpg")
	if err == nil {
		_, err = io.WriteString(part, file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), body
}

// post posts a form to the bucket and returns OSS's answer.
func (r *rig) post(t testing.TB, fields []Field, file string) (status int, answer string) {
	t.Helper()
	target, err := PostURL(r.oss.Endpoint(), testBucket)
	if err != nil {
		t.Fatal(err)
	}
	contentType, body := multipartForm(t, fields, file)
	response, err := http.Post(target, contentType, body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func policySpec() PolicySpec {
	return PolicySpec{Region: testRegion, Expires: time.Now().Add(time.Hour), MaxSize: 1 << 20}
}

func build(t testing.TB, spec Spec) Params {
	t.Helper()
	p, err := Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantRefusal returns the Refusal that err must be.
func wantRefusal(t *testing.T, err error) Refusal {
	t.Helper()
	refusal, ok := errors.AsType[Refusal](err)
	if !ok || refusal.Field == "" || refusal.Cure == "" || !strings.Contains(err.Error(), refusal.Cure) {
		t.Fatalf("%v is no whole Refusal", err)
	}
	return refusal
}
