package uploader

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oss-callback/scripts/internal/diagnose"
	"oss-callback/scripts/internal/osssim"
)

// bench is a simulated OSS and an endpoint that answers as the test says.
type bench struct {
	*osssim.Server
	url    string
	answer atomic.Pointer[http.HandlerFunc]
	mu     sync.Mutex
	ops    []string // operations that OSS served
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*b.answer.Load())(w, r) }))
	t.Cleanup(endpoint.Close)
	b.says(200, `{"status":"queued"}`)
	var err error
	b.Server, err = osssim.Start(osssim.Config{AccessKeyID: "id", AccessKeySecret: "secret", Buckets: []string{"photos"},
		PublicHosts: []string{strings.TrimPrefix(endpoint.URL, "http://")}, Logger: slog.New(operations{slog.DiscardHandler, b})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	b.url = endpoint.URL + "/callback"
	return b
}

// operations is a log handler that keeps the names of the operations.
type operations struct {
	slog.Handler
	b *bench
}

func (operations) Enabled(context.Context, slog.Level) bool { return true }
func (o operations) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "operation" {
			o.b.mu.Lock()
			defer o.b.mu.Unlock()
			o.b.ops = append(o.b.ops, a.Value.String())
		}
		return true
	})
	return nil
}

func (b *bench) served() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.ops)
}

// says makes the endpoint answer so from now on.
func (b *bench) says(status int, body string) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
	b.answer.Store(&answer)
}

func (b *bench) config(t *testing.T, method Method, content []byte) Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cat.bin")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	callback := base64.StdEncoding.EncodeToString([]byte(`{"callbackUrl":"` + b.url + `","callbackBody":"object=${object}&user=${x:user}"}`))
	c := Config{Endpoint: b.Endpoint(), Region: "cn-hangzhou", AccessKeyID: "id", AccessKeySecret: "secret", Bucket: "photos", Key: "cat.bin",
		File: file, Method: method, PartSize: minPart, Callback: callback,
		sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	if method == Post {
		c.Form = func() (string, [][2]string, error) { // V1: the policy's Base64 under HMAC-SHA1, checked by OSS
			return b.Endpoint() + "/photos", signedForm(callback), nil
		}
	} else {
		c.CallbackVar = base64.StdEncoding.EncodeToString([]byte(`{"x:user":"7"}`))
	}
	return c
}

var methods = []Method{Put, Multipart, Post}

func TestUpload(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 25<<10) // three parts
	for _, method := range methods {
		t.Run(string(method), func(t *testing.T) {
			b := newBench(t)
			c := b.config(t, method, content)
			var most atomic.Int64
			c.OnProgress = func(sent, total int64) {
				if total != int64(len(content)) || sent > total {
					t.Errorf("%d of %d", sent, total)
				}
				for was := most.Load(); sent > was && !most.CompareAndSwap(was, sent); was = most.Load() {
				}
			}
			got, err := Upload(t.Context(), c)
			if err != nil || string(got.Reply) != `{"status":"queued"}` || got.Tries != 1 || got.RequestID == "" {
				t.Fatalf("%+v, %v", got, err)
			}
			o, _ := b.Get("photos", "cat.bin")
			if !bytes.Equal(o.Body, content) || o.ETag != got.ETag || most.Load() != int64(len(content)) {
				t.Errorf("%d bytes stored, ETag %s, got %s, progress %d", len(o.Body), o.ETag, got.ETag, most.Load())
			}
			if method == Multipart && !strings.HasSuffix(o.ETag, "-3") {
				t.Errorf("ETag %s, want three parts", o.ETag)
			}
		})
	}
	t.Run("without a callback", func(t *testing.T) {
		b := newBench(t)
		c := b.config(t, Auto, nil)
		c.Callback, c.CallbackVar = "", ""
		if got, err := Upload(t.Context(), c); err != nil || len(got.Reply) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestTries asserts how often each failure is tried, and what is said in the end.
func TestTries(t *testing.T) {
	for _, method := range methods {
		for name, c := range map[string]struct {
			provoke func(*bench, *Config)
			tries   int
			id      string // of the diagnosis; "" for none
			stored  diagnose.Stored
			pauses  bool // before the second try
		}{
			"mended by waiting": {func(b *bench, _ *Config) { b.Inject(osssim.Fault{Operation: "Callback", Times: 2, Status: 203}) }, 3, "", 0, true},
			"throttled":         {func(b *bench, _ *Config) { b.Inject(osssim.Fault{Operation: "Callback", Status: 203}) }, 4, "too-many-callbacks", diagnose.Yes, true},
			"object gone":       {func(b *bench, _ *Config) { b.says(404, `{"status":"rejected","error":"object_gone"}`) }, 4, "status-404", diagnose.Yes, false},
			"unavailable":       {func(b *bench, _ *Config) { b.says(503, `{"status":"rejected","error":"queue_unavailable"}`) }, 4, "status-503", diagnose.Yes, true},
			"not JSON":          {func(b *bench, _ *Config) { b.says(200, "OK") }, 1, "invalid-json", diagnose.Yes, false},
			"denied":            {func(b *bench, _ *Config) { b.says(403, `{}`) }, 1, "status-403", diagnose.Yes, false},
			"unknown 203": {func(b *bench, _ *Config) {
				b.Inject(osssim.Fault{Operation: "Callback", EC: "0007-00000299", Message: "No words for it."})
			}, 1, "unknown-ec-02xx", diagnose.Yes, false},
			"OSS stumbles": {func(b *bench, _ *Config) {
				b.Inject(osssim.Fault{Key: "cat.bin", Status: 503, Code: "ServiceUnavailable"})
			}, 4, "*", diagnose.No, true},
			"connections break":  {func(b *bench, _ *Config) { b.Inject(osssim.Fault{Key: "cat.bin", DropConnection: true}) }, 4, "", diagnose.Unknown, true},
			"refused parameters": {func(_ *bench, c *Config) { refuse(c) }, 1, "callback-not-json", diagnose.No, false},
		} {
			t.Run(string(method)+", "+name, func(t *testing.T) {
				b := newBench(t)
				config := b.config(t, method, []byte("x"))
				config.Attempts = 4
				c.provoke(b, &config)
				var pauses []time.Duration
				config.sleep = func(ctx context.Context, d time.Duration) error { pauses = append(pauses, d); return ctx.Err() }
				retried := 0
				config.OnRetry = func(f *Failure, pause time.Duration) {
					if retried++; f.Tries != retried {
						t.Errorf("try %d told as %d", retried, f.Tries)
					}
				}
				got, err := Upload(t.Context(), config)
				if name == "mended by waiting" {
					if err != nil || got.Tries != c.tries {
						t.Errorf("%+v, %v", got, err)
					}
					return
				}
				var f *Failure
				if c.stored == diagnose.Unknown && method == Multipart { // it does not get as far as the object
					c.stored = diagnose.No
				}
				if !errors.As(err, &f) || f.Tries != c.tries || f.Stored != c.stored || retried != c.tries-1 {
					t.Fatalf("%#v", err)
				}
				if c.id != "*" && f.Diagnosis.ID != c.id {
					t.Errorf("diagnosis %q, want %q", f.Diagnosis.ID, c.id)
				}
				if c.tries > 1 && (pauses[0] > 0) != c.pauses {
					t.Errorf("pauses %v", pauses)
				}
				if f.CallbackFailed() != (f.Evidence.Status == 203) || (f.Evidence.RequestID == "") != (name == "connections break") {
					t.Errorf("evidence %+v", f.Evidence)
				}
				if _, stored := b.Get("photos", "cat.bin"); stored != (c.stored == diagnose.Yes) {
					t.Errorf("stored: %v", stored)
				}
			})
		}
	}
}

// refuse breaks the callback parameter.
func refuse(c *Config) {
	c.Callback = base64.StdEncoding.EncodeToString([]byte(`{"callbackUrl":`))
	if form := c.Form; form != nil {
		c.Form = func() (string, [][2]string, error) {
			url, _, err := form()
			return url, signedForm(c.Callback), err
		}
	}
}

func TestMultipartTidiesUp(t *testing.T) {
	b := newBench(t)
	c := b.config(t, Multipart, bytes.Repeat([]byte("x"), 2*minPart))
	c.Attempts = 1
	remove := b.Inject(osssim.Fault{Operation: "UploadPart", Status: 403, Code: "AccessDenied"})
	_, err := Upload(t.Context(), c)
	if f := new(Failure); !errors.As(err, &f) || f.Evidence.Code != "AccessDenied" || f.Stored != diagnose.No {
		t.Errorf("denied: %v", err)
	}
	remove()
	aborts := func() (n int) {
		for _, op := range b.served() {
			if op == "AbortMultipartUpload" {
				n++
			}
		}
		return n
	}
	if n := aborts(); n != 1 {
		t.Errorf("%d uploads were aborted after the failed part; served %q", n, b.served())
	}
	b.says(500, "{}")
	if _, err := Upload(t.Context(), c); err == nil || aborts() != 1 {
		t.Errorf("after 203 (%v) there is nothing to abort; served %q", err, b.served())
	}
}

func TestUploadEndsWithItsContext(t *testing.T) {
	b := newBench(t)
	b.Inject(osssim.Fault{Operation: "Callback", Status: 203})
	c := b.config(t, Put, []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	c.sleep = nil // the real one
	c.OnRetry = func(*Failure, time.Duration) { cancel() }
	_, err := Upload(ctx, c)
	if f := new(Failure); !errors.Is(err, context.Canceled) || !errors.As(err, &f) || f.Stored != diagnose.Yes {
		t.Errorf("between two tries, after a 203: %#v", err)
	}
	b.Inject(osssim.Fault{Key: "cat.bin", Hang: true})
	for _, method := range methods {
		ctx, cancel := context.WithCancel(t.Context())
		c := b.config(t, method, []byte("x"))
		c.OnProgress = func(int64, int64) { cancel() }
		if method == Multipart { // no byte of a part is sent before the first request, which hangs
			timer := time.AfterFunc(10*time.Millisecond, cancel)
			defer timer.Stop()
		}
		want := diagnose.Unknown
		if method == Multipart {
			want = diagnose.No
		}
		_, err := Upload(ctx, c)
		if f := new(Failure); !errors.Is(err, context.Canceled) || !errors.As(err, &f) || f.Stored != want {
			t.Errorf("%s, in a try: %#v", method, err)
		}
		cancel()
	}
}

func TestConfigIsChecked(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		alter func(*Config)
		says  string
	}{
		"folder":    {func(c *Config) { c.File = filepath.Dir(c.File) }, "is not a regular file"},
		"part size": {func(c *Config) { c.PartSize = 1 }, "OSS takes 100 KiB to 5 GiB"},
		"method":    {func(c *Config) { c.Method = "ftp" }, `unknown method "ftp": put, multipart, post or auto`},
		"no form":   {func(c *Config) { c.Method = Post }, "post needs a form"},
		"bucket":    {func(c *Config) { c.Bucket = "A" }, "bucket"},
		"tries":     {func(c *Config) { c.Attempts = -1 }, "-1 attempts"},
	} {
		config := b.config(t, Put, []byte("x"))
		c.alter(&config)
		if _, err := Upload(t.Context(), config); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	config := b.config(t, Multipart, nil)
	if _, err := Upload(t.Context(), config); err == nil || !strings.Contains(err.Error(), "empty, which multipart cannot upload: use put") {
		t.Errorf("empty: %v", err)
	}
	config.File += ".none"
	if _, err := Upload(t.Context(), config); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if got := b.served(); len(got) != 0 {
		t.Errorf("OSS was asked: %q", got)
	}
}

func TestPartSize(t *testing.T) {
	for _, c := range []struct{ asked, size, want int64 }{
		{0, 1, defaultPart}, {minPart, 1, minPart}, {0, maxParts * defaultPart, defaultPart}, {minPart, maxParts*minPart + 1, minPart + 1},
	} {
		if got, err := partSize(c.asked, c.size); err != nil || got != c.want {
			t.Errorf("partSize(%d, %d) = %d, %v, want %d", c.asked, c.size, got, err, c.want)
		}
	}
	if _, err := partSize(0, maxParts*maxPart+1); err == nil {
		t.Error("more than OSS takes")
	}
}
