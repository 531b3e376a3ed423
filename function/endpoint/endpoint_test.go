package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"oss-callback/function/callback"
	"oss-callback/function/imageinfo"
	"oss-callback/function/trigger"
	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

var update = flag.Bool("update", false, "rewrite the golden answers")

// The steps as functions.
type (
	verifyFunc  func(context.Context, callback.Request) (callback.Upload, error)
	fetchFunc   func(context.Context, ossclient.Credentials, string, string) (imageinfo.Info, int, error)
	publishFunc func(context.Context, queue.Job) (string, error)
	putFunc     func(ctx context.Context, job queue.Job, published int) (queue.Job, error)
)

func (f verifyFunc) Verify(ctx context.Context, r callback.Request) (callback.Upload, error) {
	return f(ctx, r)
}
func (f fetchFunc) Fetch(ctx context.Context, k ossclient.Credentials, b, o string) (imageinfo.Info, int, error) {
	return f(ctx, k, b, o)
}
func (f putFunc) Put(ctx context.Context, _ ossclient.Credentials, j queue.Job, n int) (queue.Job, error) {
	return f(ctx, j, n)
}
func (f publishFunc) Publish(ctx context.Context, j queue.Job) (string, error) { return f(ctx, j) }

var (
	upload = callback.Upload{Bucket: "photos", Object: "a/图.jpg", ETag: "E1", Size: 21839, MimeType: "image/jpeg", RequestID: "R1",
		Vars: map[string][]string{"x:user": {"7"}}}
	photo = imageinfo.Info{Format: "jpg", Width: 400, Height: 267, Size: 21839, Orientation: 6}
	post  = trigger.Request{ID: "1-fc", Method: "POST", Path: "/cb", RawQuery: "a=1", Header: http.Header{"A": {"b"}}, Body: []byte("body")}
)

// safeBuffer is a log that the test may read while a late step still writes.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *safeBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// working is a configuration in which everything works at once, and its log.
func working() (Config, *safeBuffer) {
	log := new(safeBuffer)
	return Config{
		Verifier: verifyFunc(func(context.Context, callback.Request) (callback.Upload, error) { return upload, nil }),
		Images: fetchFunc(func(context.Context, ossclient.Credentials, string, string) (imageinfo.Info, int, error) {
			return photo, 1, nil
		}),
		Queue:       publishFunc(func(context.Context, queue.Job) (string, error) { return "127.0.0.1:4150", nil }),
		OutboxMode:  OutboxOff,
		OwnPrefixes: []string{".outbox/", "thumbs/"},
		Budget:      3500 * time.Millisecond,
		Logger:      slog.New(slog.NewJSONHandler(log, nil)),
	}, log
}

func failVerify(c *Config, err error) {
	c.Verifier = verifyFunc(func(context.Context, callback.Request) (callback.Upload, error) {
		return callback.Upload{}, fmt.Errorf("%w: cause", err)
	})
}

func failImage(c *Config, err error) {
	c.Images = fetchFunc(func(context.Context, ossclient.Credentials, string, string) (imageinfo.Info, int, error) {
		return imageinfo.Info{}, 3, fmt.Errorf("%w: cause", err)
	})
}

func failQueue(c *Config, err error) {
	c.Queue = publishFunc(func(context.Context, queue.Job) (string, error) { return "", err })
}

// TestAnswers compares every answer with its golden file, byte for byte. go test ./function/endpoint -update rewrites them.
func TestAnswers(t *testing.T) {
	cases := map[string]func(*Config, *trigger.Request){
		"queued":              func(*Config, *trigger.Request) {},
		"queued_pending":      func(c *Config, _ *trigger.Request) { failImage(c, imageinfo.ErrUnavailable) },
		"queued_denied":       func(c *Config, _ *trigger.Request) { failImage(c, imageinfo.ErrDenied) },
		"queued_not_an_image": func(c *Config, _ *trigger.Request) { failImage(c, imageinfo.ErrNotAnImage) },
		"method_not_allowed":  func(_ *Config, r *trigger.Request) { r.Method = "GET" },
		"body_too_large":      func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrBodyTooLarge) },
		"malformed_callback":  func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrMalformed) },
		"malformed_event":     func(_ *Config, r *trigger.Request) { *r = trigger.Request{Err: errors.New("no event")} },
		"event_too_large":     func(_ *Config, r *trigger.Request) { *r = trigger.Request{Err: trigger.ErrTooLarge} },
		"unsigned":            func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrUnsigned) },
		"untrusted_key_url":   func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrUntrustedKeyURL) },
		"bad_signature":       func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrBadSignature) },
		"bad_token":           func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrBadToken) },
		"token_expired":       func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrTokenExpired) },
		"bucket_not_allowed":  func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrBucketNotAllowed) },
		"object_gone":         func(c *Config, _ *trigger.Request) { failImage(c, imageinfo.ErrGone) },
		"internal":            func(c *Config, _ *trigger.Request) { failQueue(c, errors.New("surprise")) },
		"internal_panic":      func(c *Config, _ *trigger.Request) { c.Images = nil },
		"deadline_exceeded":   func(c *Config, _ *trigger.Request) { failQueue(c, context.DeadlineExceeded) },
		"key_unavailable": func(c *Config, _ *trigger.Request) {
			failVerify(c, fmt.Errorf("%w: %w", callback.ErrKeyUnavailable, context.DeadlineExceeded))
		},
		"queue_unavailable": func(c *Config, _ *trigger.Request) {
			failQueue(c, fmt.Errorf("%w: %w", queue.ErrUnavailable, context.DeadlineExceeded))
		},
		"unsupported_version":  func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrUnsupportedSignatureVersion) },
		"query_lost":           func(c *Config, _ *trigger.Request) { failVerify(c, callback.ErrQueryNotRecoverable) },
		"not_an_image_refused": func(c *Config, _ *trigger.Request) { failImage(c, imageinfo.ErrNotAnImage); c.RequireImage = true },
		"pending_with_require": func(c *Config, _ *trigger.Request) { failImage(c, imageinfo.ErrUnavailable); c.RequireImage = true },
		"own_object": func(c *Config, _ *trigger.Request) {
			c.Verifier = verifyFunc(func(context.Context, callback.Request) (callback.Upload, error) {
				return callback.Upload{Bucket: "photos", Object: "thumbs/a.jpg"}, nil
			})
			c.Images = nil // must not be asked
		},
		"object_changed": func(c *Config, _ *trigger.Request) {
			c.Images = fetchFunc(func(context.Context, ossclient.Credentials, string, string) (imageinfo.Info, int, error) {
				return imageinfo.Info{Format: "jpg", Width: 1, Height: 1, Size: 21840}, 1, nil
			})
		},
	}
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".golden"); cases[name] == nil && name != "misconfigured" {
			t.Errorf("%s has no case any more", file)
		}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, log := working()
			r := post
			tc(&c, &r)
			checkGolden(t, name, New(c).Handle(t.Context(), r))
			if n := strings.Count(log.String(), "\n"); n != 1 {
				t.Errorf("%d log lines: %s", n, log)
			}
		})
	}
	t.Run("misconfigured", func(t *testing.T) {
		log := new(safeBuffer)
		ep := Misconfigured(errors.New("OSS_ENDPOINT is missing"), slog.New(slog.NewJSONHandler(log, nil)))
		checkGolden(t, "misconfigured", ep.Handle(t.Context(), post))
		checkGolden(t, "misconfigured", ep.Health())
		if strings.Count(log.String(), "OSS_ENDPOINT is missing") != 1 {
			t.Error(log)
		}
	})
}

func checkGolden(t *testing.T, name string, got trigger.Response) {
	t.Helper()
	text := fmt.Appendf(nil, "%d %s\n", got.Status, got.Body)
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Error(diff)
	}
	if len(got.Body) > MaxAnswer || got.Body[0] != '{' || !json.Valid(got.Body) {
		t.Errorf("answer %s", got.Body)
	}
}

// TestRefusalsCanBeTraced: a callback that is refused before its body is believed is known by OSS's header.
func TestRefusalsCanBeTraced(t *testing.T) {
	c, log := working()
	failVerify(&c, callback.ErrBadSignature)
	r := post
	r.ID = strings.Repeat("i", 10_000)
	r.Header = http.Header{"X-Oss-Request-Id": {"5CF3E782000000000000000A"}}
	New(c).Handle(t.Context(), r)
	if !strings.Contains(log.String(), `"oss_request_id":"5CF3E782000000000000000A"`) || len(log.String()) > 1000 {
		t.Error(log)
	}
}

// TestEveryCodeIsTested keeps the table and the golden files together.
func TestEveryCodeIsTested(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.golden")
	var all strings.Builder
	for _, file := range files {
		text, _ := os.ReadFile(file)
		all.Write(text)
	}
	for _, row := range codes {
		if want := fmt.Sprintf("%d {\"status\":\"rejected\",\"error\":%q}\n", row.status, row.code); !strings.Contains(all.String(), want) {
			t.Errorf("no golden answer has %s", want)
		}
	}
}

func TestValuesBetweenTheSteps(t *testing.T) {
	c, _ := working()
	var seen callback.Request
	var keys ossclient.Credentials
	var job queue.Job
	c.Keys = ossclient.Credentials{AccessKeyID: "env"}
	c.Verifier = verifyFunc(func(_ context.Context, r callback.Request) (callback.Upload, error) { seen = r; return upload, nil })
	c.Images = fetchFunc(func(_ context.Context, k ossclient.Credentials, b, o string) (imageinfo.Info, int, error) {
		if b != "photos" || o != "a/图.jpg" {
			t.Error(b, o)
		}
		keys = k
		return photo, 1, nil
	})
	c.Queue = publishFunc(func(_ context.Context, j queue.Job) (string, error) { job = j; return "n", nil })
	ep := New(c)
	ep.Handle(t.Context(), post)
	if keys.AccessKeyID != "env" {
		t.Error(keys)
	}
	r := post
	r.Credentials = trigger.Credentials{AccessKeyID: "role", AccessKeySecret: "s", SecurityToken: "t"}
	ep.Handle(t.Context(), r)
	if keys != (ossclient.Credentials{AccessKeyID: "role", AccessKeySecret: "s", SecurityToken: "t"}) {
		t.Error(keys)
	}
	want := callback.Request{Path: "/cb", Query: callback.Query{Raw: "a=1"}, Header: post.Header, Body: post.Body}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if job.Accepted.IsZero() || job.Accepted.Location() != time.UTC {
		t.Error(job.Accepted)
	}
	job.Accepted = time.Time{}
	if diff := cmp.Diff(queue.Job{V: 1, ID: queue.JobID("photos", "a/图.jpg", "E1", ""), Bucket: "photos", Object: "a/图.jpg", ETag: "E1",
		Size: 21839, MimeType: "image/jpeg", Image: &queue.Image{Format: "jpg", Width: 400, Height: 267, Orientation: 6},
		Vars: upload.Vars, RequestID: "R1"}, job); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsQueuedForARefusal(t *testing.T) {
	c, _ := working()
	c.Queue = publishFunc(func(context.Context, queue.Job) (string, error) { t.Error("published"); return "", nil })
	failImage(&c, imageinfo.ErrGone)
	if got := New(c).Handle(t.Context(), post); got.Status != 404 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// TestInTimeWhateverHangs runs on simulated time. A deaf step does not return when its context ends.
func TestInTimeWhateverHangs(t *testing.T) {
	for name, tc := range map[string]struct {
		image, queue, deaf bool
		want               string
	}{
		"OSS":          {image: true, want: "image_info_pending"},
		"queue":        {queue: true, want: "queue_unavailable"},
		"both":         {image: true, queue: true, want: "queue_unavailable"},
		"OSS, deaf":    {image: true, deaf: true, want: "deadline_exceeded"},
		"queue, deaf":  {queue: true, deaf: true, want: "deadline_exceeded"},
		"nothing does": {want: "jpg"},
	} {
		for _, late := range []time.Duration{0, time.Second, 3300 * time.Millisecond, time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				hang := func(ctx context.Context) error {
					if tc.deaf {
						<-release
					}
					<-ctx.Done()
					return ctx.Err()
				}
				c, _ := working()
				if tc.image {
					c.Images = fetchFunc(func(ctx context.Context, _ ossclient.Credentials, _, _ string) (imageinfo.Info, int, error) {
						return imageinfo.Info{}, 1, fmt.Errorf("%w: %w", imageinfo.ErrUnavailable, hang(ctx))
					})
				}
				if tc.queue {
					c.Queue = publishFunc(func(ctx context.Context, _ queue.Job) (string, error) {
						return "", fmt.Errorf("%w: %w", queue.ErrUnavailable, hang(ctx))
					})
				}
				began := time.Now()
				r := post
				r.Received = began.Add(-late)
				got := New(c).Handle(t.Context(), r)
				most := max(c.Budget-late, least) + grace
				if took := time.Since(began); took > most || !strings.Contains(string(got.Body), tc.want) {
					t.Errorf("%s hangs, %v late: %s after %v, want %s within %v", name, late, got.Body, took, tc.want, most)
				}
			})
		}
	}
}

func TestDeadline(t *testing.T) {
	now := time.Unix(1e9, 0)
	platform := func(d time.Duration) context.Context {
		ctx, cancel := context.WithDeadline(t.Context(), now.Add(d))
		t.Cleanup(cancel)
		return ctx
	}
	for name, tc := range map[string]struct {
		ctx      context.Context
		received time.Time
		want     time.Duration
	}{
		"from receipt":           {t.Context(), now.Add(-time.Second), 2500 * time.Millisecond},
		"receipt unknown":        {t.Context(), time.Time{}, 3500 * time.Millisecond},
		"receipt in the future":  {t.Context(), now.Add(time.Hour), 3500 * time.Millisecond},
		"cold start ate it all":  {t.Context(), now.Add(-time.Minute), least},
		"platform ends sooner":   {platform(2 * time.Second), now, 2*time.Second - margin},
		"platform ends later":    {platform(time.Minute), now, 3500 * time.Millisecond},
		"platform ends at once":  {platform(200 * time.Millisecond), now, 100 * time.Millisecond},
		"late, and platform too": {platform(300 * time.Millisecond), now.Add(-time.Minute), 200 * time.Millisecond},
	} {
		if got := deadline(tc.ctx, now, tc.received, 3500*time.Millisecond).Sub(now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestLogLine: what an operator needs is there, what is secret or personal is not.
func TestLogLine(t *testing.T) {
	c, log := working()
	r := post
	r.Received = time.Now().Add(-250 * time.Millisecond)
	r.Header = http.Header{"Authorization": {"SECRET-1"}, "X-Oss-Pub-Key-Url": {"SECRET-2"}}
	r.Body, r.Path, r.RawQuery = []byte("SECRET-3"), "/cb/SECRET-4", "SECRET-5"
	r.Credentials = trigger.Credentials{AccessKeyID: "SECRET-6", AccessKeySecret: "SECRET-7", SecurityToken: "SECRET-8"}
	New(c).Handle(t.Context(), r)
	if strings.Contains(log.String(), "SECRET") {
		t.Error(log)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"msg": "callback", "outcome": "queued", "status": 200.0, "oss_request_id": "R1",
		"fc_request_id": "1-fc", "bucket": "photos", "object": "a/图.jpg", "queue": "127.0.0.1:4150", "image_attempts": 1.0,
		"job": queue.JobID("photos", "a/图.jpg", "E1", "")} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	for _, key := range []string{"verify_ms", "image_ms", "queue_ms", "total_ms"} {
		if _, ok := line[key].(float64); !ok {
			t.Errorf("no %s in %v", key, line)
		}
	}
	if before, _ := line["before_ms"].(float64); before < 250 {
		t.Errorf("before_ms is %v", line["before_ms"])
	}
}

func TestDeniedNamesTheCure(t *testing.T) {
	c, log := working()
	failImage(&c, imageinfo.ErrDenied)
	New(c).Handle(t.Context(), post)
	if !strings.Contains(log.String(), "oss:GetObject") || !strings.Contains(log.String(), `"level":"ERROR"`) {
		t.Error(log)
	}
}
