package ossclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue/ossclient"
)

func newClient(t *testing.T, endpoint string) *ossclient.Client {
	t.Helper()
	c, err := ossclient.New(ossclient.Config{Endpoint: endpoint, Region: "cn-hangzhou",
		Transport: ossclient.Transport(ossclient.Timeouts{Dial: time.Second, TLS: time.Second, Header: time.Second, Idle: time.Second})})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newBucket(t *testing.T, keys ossclient.Credentials, answer http.HandlerFunc) *oss.Bucket {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	b, err := newClient(t, server.URL).Bucket(keys, "photos")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRequestsAreSignedPerCall(t *testing.T) {
	for _, keys := range []ossclient.Credentials{
		{AccessKeyID: "first", AccessKeySecret: "a", SecurityToken: "token"}, {AccessKeyID: "second", AccessKeySecret: "b"},
	} {
		b := newBucket(t, keys, func(w http.ResponseWriter, r *http.Request) {
			sign := r.Header.Get("Authorization")
			if !strings.HasPrefix(sign, "OSS4-HMAC-SHA256 Credential="+keys.AccessKeyID+"/") || !strings.Contains(sign, "/cn-hangzhou/oss/") {
				t.Errorf("signed with %q", sign)
			}
			if got := r.Header.Get("X-Oss-Security-Token"); got != keys.SecurityToken {
				t.Errorf("security token %q, want %q", got, keys.SecurityToken)
			}
			if r.URL.Path != "/photos/?cat.jpg" || r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("asked for %q, encoding %q", r.URL.Path, r.Header.Get("Accept-Encoding"))
			}
		})
		body, err := b.GetObject("?cat.jpg", oss.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		body.Close()
	}
}

// TestRotatedKeysAreNotMixedUp: calls at the same time with keys that differ in one part only. Time stands still here, so that a request
// has one signature for each of them: the one that a client makes which never saw other keys.
func TestRotatedKeysAreNotMixedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sign := func(c *ossclient.Client, keys ossclient.Credentials) string {
			b, err := c.Bucket(keys, "photos")
			if err != nil {
				return err.Error()
			}
			var sent echo
			ctx := context.WithValue(t.Context(), echo{}, &sent)
			body, err := b.GetObject("cat.jpg", oss.WithContext(ctx))
			if err != nil {
				return err.Error()
			}
			body.Close()
			return sent.signature
		}
		fresh := func() *ossclient.Client {
			c, err := ossclient.New(ossclient.Config{Endpoint: "http://127.0.0.1:1", Region: "cn-hangzhou", Transport: echo{}})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		all := []ossclient.Credentials{
			{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token"},
			{AccessKeyID: "id2", AccessKeySecret: "secret", SecurityToken: "token"},
			{AccessKeyID: "id", AccessKeySecret: "secret2", SecurityToken: "token"},
			{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token2"},
		}
		want := map[string]bool{}
		shared := fresh()
		var calls sync.WaitGroup
		for _, keys := range all {
			own := sign(fresh(), keys)
			want[own] = true
			for range 2 {
				calls.Go(func() {
					for range 100 {
						if got := sign(shared, keys); got != own {
							t.Errorf("signed %q, want %q", got, own)
							return
						}
					}
				})
			}
		}
		calls.Wait()
		if len(want) != len(all) {
			t.Errorf("%d signatures for %d keys", len(want), len(all))
		}
	})
}

// echo answers every request, and hands its signature to whoever sent it.
type echo struct{ signature string }

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Context().Value(echo{}).(*echo).signature = r.Header.Get("Authorization") + " " + r.Header.Get("X-Oss-Security-Token")
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{}, Body: http.NoBody}, nil
}

// What the SDK reads whole has an end, and "too much" is said distinctly.
func TestAnswersAreCapped(t *testing.T) {
	endless := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			for block := make([]byte, 64<<10); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}
	}
	var tooMuch *http.MaxBytesError
	b := newBucket(t, ossclient.Credentials{}, endless(http.StatusInternalServerError))
	if _, err := b.GetObject("a", oss.WithContext(t.Context())); !errors.As(err, &tooMuch) || tooMuch.Limit != 64<<10 {
		t.Errorf("an endless error: %v", err)
	}
	b = newBucket(t, ossclient.Credentials{}, endless(http.StatusOK))
	if _, err := b.ListObjectsV2(oss.WithContext(t.Context())); !errors.As(err, &tooMuch) || tooMuch.Limit != 4<<20 {
		t.Errorf("an endless list: %v", err)
	}
	body, err := b.GetObject("a", oss.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if n, err := io.Copy(io.Discard, io.LimitReader(body, 8<<20)); n != 8<<20 || err != nil {
		t.Errorf("an object ended after %d bytes: %v", n, err) // its reader has its own limit
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	b := newBucket(t, ossclient.Credentials{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/photos/a" {
			t.Errorf("went to %s", r.URL)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	if _, err := b.GetObject("a", oss.WithContext(t.Context())); err == nil {
		t.Error("a redirect is no object")
	}
}

func TestStatus(t *testing.T) {
	denied := fmt.Errorf("read: %w", oss.ServiceError{StatusCode: 403, Code: "AccessDenied"})
	for err, want := range map[error]string{denied: "403 AccessDenied", errors.New("cut"): "0 ", nil: "0 "} {
		if status, code := ossclient.Status(err); fmt.Sprint(status, " ", code) != want {
			t.Errorf("%v: %d %s", err, status, code)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	transport := ossclient.Transport(ossclient.Timeouts{})
	for name, c := range map[string]ossclient.Config{
		"no endpoint":  {Region: "r", Transport: transport},
		"no region":    {Endpoint: "http://127.0.0.1:1", Transport: transport},
		"no transport": {Endpoint: "http://127.0.0.1:1", Region: "r"},
		"endpoint":     {Endpoint: "http://127.0.0.1:1/\x00", Region: "r", Transport: transport},
	} {
		if _, err := ossclient.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := newClient(t, "http://127.0.0.1:1").Bucket(ossclient.Credentials{}, "Not A Bucket"); err == nil {
		t.Error("bad bucket name accepted")
	}
}
