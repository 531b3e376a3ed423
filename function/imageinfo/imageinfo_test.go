package imageinfo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"oss-callback/queue/ossclient"
)

const photo = `{"FileSize":{"value":"21839"},"Format":{"value":"jpg"},"ImageHeight":{"value":"267"},"ImageWidth":{"value":"400"},` +
	`"Orientation":{"value":"6"},"GPSLatitude":{"value":"1deg 2'3\""},"Software":{"value":"x"}}`

var theInfo = Info{Format: "jpg", Width: 400, Height: 267, Size: 21839, Orientation: 6}

// ossFake plays OSS's answers, one per attempt; the last is repeated.
type ossFake struct {
	answers []func(*http.Request) (*http.Response, error)
	at      []time.Time
}

func (f *ossFake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.at = append(f.at, time.Now())
	return f.answers[min(len(f.at), len(f.answers))-1](r)
}

func answer(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Request: r, ContentLength: int64(len(body)),
			Header: http.Header{"X-Oss-Request-Id": {"R"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func fault(status int, code, ec string) func(*http.Request) (*http.Response, error) {
	return answer(status, "<Error><Code>"+code+"</Code><Message>m</Message><EC>"+ec+"</EC></Error>")
}

func redirect(r *http.Request) (*http.Response, error) {
	resp, err := answer(302, "moved")(r)
	resp.Header.Set("Location", nowhere+"/elsewhere")
	return resp, err
}

func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func cut(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func newFetcher(t *testing.T, endpoint string, transport http.RoundTripper) *Fetcher {
	t.Helper()
	client, err := ossclient.New(ossclient.Config{Endpoint: endpoint, Region: "cn-hangzhou", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return New(client)
}

const nowhere = "https://oss-cn-hangzhou.aliyuncs.com" // the transports of these tests go nowhere else

func TestFetch(t *testing.T) {
	ok, gone, stumble := answer(200, photo), fault(404, "NoSuchKey", "0026-00000001"), fault(500, "InternalError", "")
	for name, tc := range map[string]struct {
		answers  []func(*http.Request) (*http.Response, error)
		attempts int
		want     error
	}{
		"at once":               {[]func(*http.Request) (*http.Response, error){ok}, 1, nil},
		"appears late":          {[]func(*http.Request) (*http.Response, error){gone, gone, ok}, 3, nil},
		"stays gone":            {[]func(*http.Request) (*http.Response, error){gone}, 1 + goneRetries, ErrGone},
		"stumbles":              {[]func(*http.Request) (*http.Response, error){stumble, fault(503, "SlowDown", ""), answer(429, ""), ok}, 4, nil},
		"cut":                   {[]func(*http.Request) (*http.Response, error){cut, ok}, 2, nil},
		"silent once":           {[]func(*http.Request) (*http.Response, error){silent, ok}, 2, nil},
		"silent, then gone":     {[]func(*http.Request) (*http.Response, error){silent, gone, ok}, 3, nil},
		"stumbles, then gone":   {[]func(*http.Request) (*http.Response, error){stumble, stumble, stumble, gone, gone, ok}, 6, nil},
		"not JSON":              {[]func(*http.Request) (*http.Response, error){answer(200, "<html>"), ok}, 2, nil},
		"no width":              {[]func(*http.Request) (*http.Response, error){answer(200, `{"FileSize":{"value":"1"}}`), ok}, 2, nil},
		"too long":              {[]func(*http.Request) (*http.Response, error){answer(200, strings.Repeat(" ", maxAnswer+1)), ok}, 2, nil},
		"a long error":          {[]func(*http.Request) (*http.Response, error){answer(500, strings.Repeat("x", maxAnswer+1)), ok}, 2, nil},
		"not an image":          {[]func(*http.Request) (*http.Response, error){fault(400, "InvalidArgument", "0017-00000804")}, 1, ErrNotAnImage},
		"broken image":          {[]func(*http.Request) (*http.Response, error){fault(400, "BadRequest", "")}, 1, ErrNotAnImage},
		"too large an image":    {[]func(*http.Request) (*http.Response, error){fault(400, "ImageTooLarge", "")}, 1, ErrNotAnImage},
		"unknown format":        {[]func(*http.Request) (*http.Response, error){fault(501, "NotImplemented", "")}, 1, ErrNotAnImage},
		"denied":                {[]func(*http.Request) (*http.Response, error){fault(403, "AccessDenied", "0003-00000001")}, 1, ErrDenied},
		"wrong key":             {[]func(*http.Request) (*http.Response, error){fault(403, "InvalidAccessKeyId", "")}, 1, ErrDenied},
		"wrong region":          {[]func(*http.Request) (*http.Response, error){fault(400, "InvalidArgument", "0002-00000226")}, 1, ErrDenied},
		"wrong endpoint":        {[]func(*http.Request) (*http.Response, error){fault(404, "NoSuchBucket", "")}, 1, ErrDenied},
		"another region":        {[]func(*http.Request) (*http.Response, error){redirect}, 1, ErrDenied},
		"denied after a tumble": {[]func(*http.Request) (*http.Response, error){stumble, fault(403, "AccessDenied", "")}, 2, ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
				defer cancel()
				info, attempts, err := newFetcher(t, nowhere, &ossFake{answers: tc.answers}).Fetch(ctx, ossclient.Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}, "photos", "a.jpg")
				if !errors.Is(err, tc.want) || attempts != tc.attempts {
					t.Fatalf("%d attempts, %v; want %d, %v", attempts, err, tc.attempts, tc.want)
				}
				if diff := cmp.Diff(theInfo, info); tc.want == nil && diff != "" {
					t.Fatal(diff)
				}
			})
		})
	}
}

// TestAnswersAreClosed: an answer left open keeps its connection from being used again.
func TestAnswersAreClosed(t *testing.T) {
	for name, play := range map[string]func(*http.Request) (*http.Response, error){
		"200": answer(200, photo), "200, not JSON": answer(200, "<html>"), "200, too long": answer(200, strings.Repeat(" ", 2*maxAnswer)),
		"302": redirect, "403": fault(403, "AccessDenied", ""), "404": fault(404, "NoSuchKey", ""), "404, empty": answer(404, ""),
		"503": fault(503, "SlowDown", ""), "503, too long": answer(503, strings.Repeat("x", 2*maxAnswer)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var open []*openBody
				fake := &ossFake{answers: []func(*http.Request) (*http.Response, error){func(r *http.Request) (*http.Response, error) {
					resp, err := play(r)
					body := &openBody{ReadCloser: resp.Body}
					open, resp.Body = append(open, body), body
					return resp, err
				}}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, attempts, _ := newFetcher(t, nowhere, fake).Fetch(ctx, ossclient.Credentials{}, "photos", "a.jpg")
				if attempts == 0 || len(open) != attempts {
					t.Fatalf("%d attempts, %d answers", attempts, len(open))
				}
				for i, body := range open {
					if !body.closed {
						t.Errorf("answer %d of %d was not closed", i+1, len(open))
					}
				}
			})
		})
	}
}

// openBody knows whether it was closed.
type openBody struct {
	io.ReadCloser
	closed bool
}

func (b *openBody) Close() error {
	b.closed = true
	return b.ReadCloser.Close()
}

// TestNoObjectIsAskedForByAnEmptyName: a request without one would list the bucket.
func TestNoObjectIsAskedForByAnEmptyName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &ossFake{answers: []func(*http.Request) (*http.Response, error){answer(200, photo)}}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if _, _, err := newFetcher(t, nowhere, fake).Fetch(ctx, ossclient.Credentials{}, "photos", ""); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		if len(fake.at) != 0 {
			t.Errorf("%d requests were sent", len(fake.at))
		}
	})
}

// TestNoAttemptIsStartedThatCannotFinish runs on simulated time: OSS fails at once, or never answers.
func TestNoAttemptIsStartedThatCannotFinish(t *testing.T) {
	for name, oss := range map[string]func(*http.Request) (*http.Response, error){"failing": fault(500, "InternalError", ""), "silent": silent} {
		for _, budget := range []time.Duration{5 * time.Millisecond, 150 * time.Millisecond, 500 * time.Millisecond, 2300 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				fake := &ossFake{answers: []func(*http.Request) (*http.Response, error){oss}}
				ctx, cancel := context.WithTimeout(t.Context(), budget)
				defer cancel()
				end := time.Now().Add(budget)
				_, attempts, err := newFetcher(t, nowhere, fake).Fetch(ctx, ossclient.Credentials{}, "photos", "a.jpg")
				if !errors.Is(err, ErrUnavailable) || attempts != len(fake.at) {
					t.Errorf("%s, %v: %d attempts, %d seen: %v", name, budget, attempts, len(fake.at), err)
				}
				if time.Now().After(end) {
					t.Errorf("%s, %v: back %v late", name, budget, time.Since(end))
				}
				for i, at := range fake.at {
					if end.Sub(at) < minAttempt {
						t.Errorf("%s, %v: attempt %d began %v before the end", name, budget, i+1, end.Sub(at))
					}
					if i > 0 && at.Sub(fake.at[i-1]) < 40*time.Millisecond {
						t.Errorf("%s, %v: attempt %d came %v after the last", name, budget, i+1, at.Sub(fake.at[i-1]))
					}
				}
			})
		}
	}
}

func TestSchedule(t *testing.T) {
	for range 100 {
		schedule := newSchedule()
		for i, middle := range []time.Duration{80, 160, 320, 640, 640, 640} {
			middle *= time.Millisecond
			if pause := schedule.NextBackOff(); pause < middle/2 || pause > middle*3/2+1 {
				t.Fatalf("pause %d: %v, middle %v", i+1, pause, middle)
			}
		}
	}
}

// TestRequestOnTheWire: what the SDK makes of it, on a real connection.
func TestRequestOnTheWire(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		io.WriteString(w, photo)
	}))
	defer server.Close()
	f := newFetcher(t, server.URL, http.DefaultTransport)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	info, _, err := f.Fetch(ctx, ossclient.Credentials{AccessKeyID: "the-id", AccessKeySecret: "the-secret", SecurityToken: "the-token"}, "photos", "图 a+b.jpg")
	if err != nil || info != theInfo {
		t.Fatal(info, err)
	}
	if got.URL.Path != "/photos/图 a+b.jpg" || got.URL.RawQuery != "x-oss-process=image%2Finfo" ||
		got.Header.Get("X-Oss-Security-Token") != "the-token" ||
		!strings.HasPrefix(got.Header.Get("Authorization"), "OSS4-HMAC-SHA256 Credential=the-id/") ||
		!strings.Contains(got.Header.Get("Authorization"), "/cn-hangzhou/oss/aliyun_v4_request") {
		t.Errorf("%s %v", got.URL, got.Header)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer server.Close()
	f := newFetcher(t, server.URL, http.DefaultTransport)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := f.Fetch(ctx, ossclient.Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}, "photos", "a.jpg"); err == nil {
		t.Fatal("no error")
	}
}
