package callback

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// signer plays OSS with a key of our own, for what the two genuine vectors do not cover.
type signer struct{ key *rsa.PrivateKey }

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 512)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key}
}

func (s signer) pem(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// request signs decodedPath, query and body, and sends path on the wire.
func (s signer) request(t testing.TB, path, decodedPath, query, contentType, body string) Request {
	t.Helper()
	digest := signedDigest(decodedPath, query, []byte(body))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.MD5, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return Request{Path: path, Query: Query{Raw: query}, Body: []byte(body), Header: http.Header{
		"Content-Type":      {contentType},
		"X-Oss-Pub-Key-Url": {v1URL},
		"Authorization":     {base64.StdEncoding.EncodeToString(signature)},
	}}
}

const formBody = "bucket=photos&object=a%2Fb.jpg&etag=E&size=3"

func keyURL(u string) string { return base64.StdEncoding.EncodeToString([]byte(u)) }

func TestKeyURLLookAlikes(t *testing.T) {
	v := newVerifier(t, Config{}) // fails the test if anything leaves
	for _, u := range []string{
		"https://evil.example.com/callback_pub_key_v1.pem",
		"https://gosspublic-alicdn.com/callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com.evil.example.com/callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com@evil.example.com/callback_pub_key_v1.pem",
		"https://evil.example.com@gosspublic.alicdn.com/callback_pub_key_v1.pem",
		"https://user:pw@gosspublic.alicdn.com/callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com:8443/callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com:443/callback_pub_key_v1.pem",
		"https://GOSSPUBLIC.alicdn.com/callback_pub_key_v1.pem",
		"HTTPS://gosspublic.alicdn.com/callback_pub_key_v1.pem",
		"https://gosspublicXalicdn.com/callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com./callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com/../callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com/a/../callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com//callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com/callback_pub_key_v1%2epem",
		"https://gosspublic.alicdn.com/callback_pub_key_v1.pem?x=1",
		"https://gosspublic.alicdn.com/callback_pub_key_v1.pem#x",
		"https://gosspublic.alicdn.com/callback_pub_key_v1.pem ",
		"https://gosspublic.alicdn.com/callback_pub_key_v1.pem\n",
		"https://gosspublic.alicdn.com\\@evil.example.com/callback_pub_key_v1.pem",
		"//gosspublic.alicdn.com/callback_pub_key_v1.pem",
		"ftp://gosspublic.alicdn.com/callback_pub_key_v1.pem",
		"file:///etc/callback_pub_key_v1.pem",
		"https://gosspublic.alicdn.com/",
		"https://gosspublic.alicdn.com",
		"https://127.0.0.1/callback_pub_key_v1.pem",
		"https://[::1]/callback_pub_key_v1.pem",
		"",
		"\x00",
	} {
		r := jsonVector()
		r.Header.Set("X-Oss-Pub-Key-Url", keyURL(u))
		want := ErrUntrustedKeyURL
		if u == "" {
			want = ErrUnsigned
		}
		if _, err := v.Verify(t.Context(), r); !errors.Is(err, want) {
			t.Errorf("%q: %v", u, err)
		}
	}
	r := jsonVector()
	r.Header.Set("X-Oss-Pub-Key-Url", "https://gosspublic.alicdn.com/callback_pub_key_v1.pem") // not base64
	if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrUntrustedKeyURL) {
		t.Error(err)
	}
}

// host plays the key host.
type host struct {
	fetches atomic.Int32
	answer  func(*http.Request) (*http.Response, error)
}

func (h *host) RoundTrip(r *http.Request) (*http.Response, error) {
	h.fetches.Add(1)
	if r.URL.Scheme != "https" || r.URL.Host != keyHost {
		return nil, errors.New("a request left for " + r.URL.String())
	}
	return h.answer(r)
}

func respond(status int, body []byte) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Location": {"https://evil.example.com/"}},
			Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
	}
}

func (s signer) v2(t testing.TB) Request {
	r := s.request(t, "/cb", "/cb", "", "application/x-www-form-urlencoded", formBody)
	r.Header.Set("X-Oss-Pub-Key-Url", keyURL("http://gosspublic.alicdn.com/callback_pub_key_v2.pem"))
	return r
}

func TestAnotherKeyIsFetchedOnceOverHTTPS(t *testing.T) {
	s := newSigner(t)
	h := &host{answer: respond(200, s.pem(t))}
	v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := v.Verify(t.Context(), s.v2(t)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := h.fetches.Load(); n != 1 {
		t.Fatalf("fetched %d times", n)
	}
}

func TestKeyFetchFailures(t *testing.T) {
	s := newSigner(t)
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"refused":   func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") },
		"404":       respond(404, s.pem(t)),
		"redirect":  respond(302, nil),
		"too large": respond(200, append(s.pem(t), make([]byte, maxKeyFile)...)),
		"no PEM":    respond(200, []byte("<html>")),
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1e9, 0)
			h := &host{answer: answer}
			v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h, Now: func() time.Time { return now }})
			for range 3 {
				if _, err := v.Verify(t.Context(), s.v2(t)); !errors.Is(err, ErrKeyUnavailable) {
					t.Fatal(err)
				}
			}
			if n := h.fetches.Load(); n != 1 {
				t.Fatalf("fetched %d times, a failure is to be remembered", n)
			}
			now = now.Add(failureMemory)
			h.answer = respond(200, s.pem(t))
			if _, err := v.Verify(t.Context(), s.v2(t)); err != nil {
				t.Fatalf("after a good fetch: %v", err)
			}
		})
	}
}

func TestInventedKeyNamesAreNotFetchedWithoutEnd(t *testing.T) {
	s := newSigner(t)
	now := time.Unix(1e9, 0)
	h := &host{answer: respond(404, nil)}
	v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h, Now: func() time.Time { return now }})
	for i := range 200 {
		r := s.v2(t)
		r.Header.Set("X-Oss-Pub-Key-Url", keyURL("https://gosspublic.alicdn.com/"+strings.Repeat("k", i%60+1)+".pem"))
		if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrKeyUnavailable) {
			t.Fatal(err)
		}
	}
	if n := h.fetches.Load(); n > 4 {
		t.Fatalf("%d fetches", n)
	}
}

func TestKeyNamesHaveALength(t *testing.T) {
	s := newSigner(t)
	h := &host{answer: respond(200, s.pem(t))}
	v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h})
	for _, tc := range []struct {
		length  int // before .pem
		want    error
		fetches int32 // by then
	}{{0, ErrUntrustedKeyURL, 0}, {1, nil, 1}, {64, nil, 2}, {65, ErrUntrustedKeyURL, 2}} {
		r := s.v2(t)
		r.Header.Set("X-Oss-Pub-Key-Url", keyURL("https://gosspublic.alicdn.com/"+strings.Repeat("k", tc.length)+".pem"))
		if _, err := v.Verify(t.Context(), r); !errors.Is(err, tc.want) {
			t.Errorf("%d characters: %v, want %v", tc.length, err, tc.want)
		}
		if n := h.fetches.Load(); n != tc.fetches {
			t.Errorf("%d characters: %d fetches by then, want %d", tc.length, n, tc.fetches)
		}
	}
}

func TestCallerThatLeavesDoesNotFailTheFetch(t *testing.T) {
	s := newSigner(t)
	asked, release := make(chan struct{}), make(chan struct{})
	h := &host{answer: func(r *http.Request) (*http.Response, error) {
		close(asked)
		<-release
		return respond(200, s.pem(t))(r)
	}}
	v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h})
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := v.Verify(ctx, s.v2(t)); left <- err }()
	<-asked
	cancel()
	if err := <-left; !errors.Is(err, ErrKeyUnavailable) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(release)
	if _, err := v.Verify(t.Context(), s.v2(t)); err != nil {
		t.Fatal(err)
	}
	if n := h.fetches.Load(); n != 1 {
		t.Fatalf("fetched %d times", n)
	}
}

func TestChangedKeyIsNoticedOnceInAWhile(t *testing.T) {
	s := newSigner(t)
	now := time.Unix(1e9, 0)
	h := &host{answer: respond(200, []byte(ossKeyV1))}
	v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h, Now: func() time.Time { return now }})
	r := s.request(t, "/cb", "/cb", "", "application/x-www-form-urlencoded", formBody) // names v1
	for range 50 {
		if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrBadSignature) {
			t.Fatal(err)
		}
	}
	if n := h.fetches.Load(); n != 1 {
		t.Fatalf("fetched %d times", n)
	}
	now = now.Add(refreshEvery)
	h.answer = respond(200, newSigner(t).pem(t)) // a wrong file must not cost us the good key
	if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrBadSignature) {
		t.Fatal(err)
	}
	if err := v.VerifySignature(t.Context(), formVector()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(refreshEvery)
	h.answer = respond(200, s.pem(t))
	for range 2 {
		if _, err := v.Verify(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.fetches.Load(); n != 3 {
		t.Fatalf("fetched %d times", n)
	}
}

func TestConfiguredKeyReplacesAllOthers(t *testing.T) {
	s := newSigner(t)
	v := newVerifier(t, Config{Buckets: []string{"photos", "post-test"}, PublicKey: s.pem(t)})
	r := s.request(t, "/cb", "/cb", "", "application/x-www-form-urlencoded", formBody)
	r.Header.Set("X-Oss-Pub-Key-Url", keyURL("https://oss.private.example.com/key.pem"))
	if _, err := v.Verify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Body[0]++
	if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrUntrustedKeyURL) {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), jsonVector()); !errors.Is(err, ErrBadSignature) {
		t.Fatalf("OSS's own key must not count any more: %v", err)
	}
}

func TestPathIsDecodedOnce(t *testing.T) {
	s := newSigner(t)
	v := newVerifier(t, Config{Buckets: []string{"photos"}, PublicKey: s.pem(t)})
	for wire, signed := range map[string]string{
		"/a%20b":         "/a b",
		"/100%25":        "/100%",
		"/%2541":         "/%41",
		"/a+b":           "/a+b",
		"/%E5%9B%BE":     "/图",
		"/a%2Fb":         "/a/b",
		"/a%3Fb":         "/a?b",
		"/plain/~x_y-.z": "/plain/~x_y-.z",
	} {
		r := s.request(t, wire, signed, "", "application/x-www-form-urlencoded", formBody)
		if _, err := v.Verify(t.Context(), r); err != nil {
			t.Errorf("%s: %v", wire, err)
		}
	}
}

func TestLostQueryIsRebuilt(t *testing.T) {
	s := newSigner(t)
	v := newVerifier(t, Config{Buckets: []string{"photos"}, PublicKey: s.pem(t)})
	for query, params := range map[string]map[string]string{
		"b=2&a=1":               {"a": "1", "b": "2"},
		"d=4&c=3&b=2&a=1":       {"a": "1", "b": "2", "c": "3", "d": "4"},
		"q=a%20b":               {"q": "a b"},
		"q=a+b":                 {"q": "a b"},
		"u=https%3A%2F%2Fx%2Fy": {"u": "https://x/y"},
		"u=https://x/y":         {"u": "https://x/y"},
		"p=a/b%20c":             {"p": "a/b c"},
		"n=%E5%9B%BE":           {"n": "图"},
		"flag":                  {"flag": ""},
		"flag=":                 {"flag": ""},
		"flag&x=1":              {"x": "1", "flag": ""},
		"a=1&a=2":               {"a": "1,2"},
		"a=1,2":                 {"a": "1,2"},
		"m=it's(ok)!*":          {"m": "it's(ok)!*"},
	} {
		r := s.request(t, "/cb", "/cb", query, "application/x-www-form-urlencoded", formBody)
		r.Query = Query{Params: params}
		if _, err := v.Verify(t.Context(), r); err != nil {
			t.Errorf("%s from %v: %v", query, params, err)
		}
		r.Query.Params = map[string]string{"z": "1"}
		if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrBadSignature) {
			t.Errorf("another query: %v", err)
		}
	}
}

// TestLostQueryCostsLittle: the worst that a stranger can send. Building all spellings of it at once took 600 MB.
func TestLostQueryCostsLittle(t *testing.T) {
	v := newVerifier(t, Config{Transport: offline{}})
	r := formVector()
	r.Query = Query{Params: map[string]string{strings.Repeat("/", 1900): strings.Repeat(",", 1900), "b": "", "c": "", "d": ""}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := v.Verify(t.Context(), r); !errors.Is(err, ErrBadSignature) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 32<<20 {
		t.Errorf("%d MB allocated", allocated>>20)
	}
	r.Header.Set("Authorization", "eA==") // far too short to be worth any of it
	if n := testing.AllocsPerRun(1, func() { v.Verify(t.Context(), r) }); n > 200 {
		t.Errorf("%.0f allocations for no signature at all", n)
	}
}

// TestForgeryDoesNotSpendTheRefresh: what was fetched because of a forged callback serves the next genuine one.
func TestForgeryDoesNotSpendTheRefresh(t *testing.T) {
	s := newSigner(t)
	now := time.Unix(1e9, 0)
	h := &host{answer: respond(200, s.pem(t))} // OSS has changed its key
	v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h, Now: func() time.Time { return now }})
	forged := jsonVector()
	forged.Body = []byte("x")
	for range 3 {
		if _, err := v.Verify(t.Context(), forged); !errors.Is(err, ErrBadSignature) {
			t.Fatal(err)
		}
	}
	if _, err := v.Verify(t.Context(), s.request(t, "/cb", "/cb", "", formType, formBody)); err != nil {
		t.Fatal(err)
	}
	if n := h.fetches.Load(); n != 1 {
		t.Fatalf("fetched %d times", n)
	}
}

// TestSilentKeyHost runs on simulated time.
func TestSilentKeyHost(t *testing.T) {
	s := newSigner(t)
	synctest.Test(t, func(t *testing.T) {
		h := &host{answer: func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }}
		v := newVerifier(t, Config{Buckets: []string{"photos"}, Transport: h})
		began := time.Now()
		if _, err := v.Verify(t.Context(), s.v2(t)); !errors.Is(err, ErrKeyUnavailable) {
			t.Error(err)
		}
		if took := time.Since(began); took > fetchTimeout {
			t.Errorf("gave up after %v", took)
		}
	})
}
