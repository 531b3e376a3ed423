package uploader

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"oss-callback/scripts/internal/diagnose"
	"oss-callback/scripts/internal/osssim"
)

// elsewhere makes c upload to a server that is not the simulated OSS.
func elsewhere(t *testing.T, c *Config, serve http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		serve(w, r)
	}))
	t.Cleanup(server.Close)
	c.Endpoint = server.URL
	if form := c.Form; form != nil {
		c.Form = func() (string, [][2]string, error) {
			_, fields, err := form()
			return server.URL + "/photos", fields, err
		}
	}
}

// TestAnswersOfOthers: nothing but OSS's own whole answer counts, and each other one is judged by its status.
func TestAnswersOfOthers(t *testing.T) {
	xml := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Oss-Request-Id", "5CF3E782AB0C1D2E3F405162")
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>m</Message></Error>", code)
		}
	}
	page := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>log in</html>"))
		}
	}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		cure  diagnose.Cure
		says  string
		is    error
	}{
		"login page":      {page(200), diagnose.Stop, "", errNotOSS},
		"proxy":           {page(407), diagnose.Stop, "HTTP 407 without x-oss-request-id", nil},
		"redirect":        {page(302), diagnose.Stop, "HTTP 302 without x-oss-request-id", nil},
		"gateway":         {page(502), diagnose.Wait, "HTTP 502 without x-oss-request-id", nil},
		"limiter":         {page(429), diagnose.Wait, "HTTP 429 without x-oss-request-id", nil},
		"slow body":       {xml(400, "RequestTimeout"), diagnose.Wait, "", nil},
		"unknown refusal": {xml(400, "NeverHeardOf"), diagnose.Stop, "", nil},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Oss-Request-Id", "5CF3E782AB0C1D2E3F405162")
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"status":"que`))
		}, diagnose.Wait, "", io.ErrUnexpectedEOF},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Oss-Request-Id", "5CF3E782AB0C1D2E3F405162")
			_, _ = w.Write(bytes.Repeat([]byte("x"), maxReply+1))
		}, diagnose.Wait, "", errReplyTooLong},
	} {
		for _, method := range methods {
			config := newBench(t).config(t, method, []byte("x"))
			elsewhere(t, &config, c.serve)
			config.Attempts = 1
			_, err := Upload(t.Context(), config)
			var f *Failure
			if !errors.As(err, &f) || f.Cure != c.cure || !strings.Contains(err.Error(), c.says) || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("%s, %s: %#v", name, method, err)
			}
		}
	}
	t.Run("no callback", func(t *testing.T) {
		for _, method := range methods {
			b := newBench(t)
			config := b.config(t, method, []byte("x"))
			elsewhere(t, &config, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Oss-Request-Id", "5CF3E782AB0C1D2E3F405162")
				switch {
				case r.URL.Query().Has("uploads"):
					fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
				case r.URL.Query().Has("partNumber"):
					w.Header().Set("ETag", `"E"`)
				case method == Multipart:
					fmt.Fprint(w, `<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>"E"</ETag></CompleteMultipartUploadResult>`)
				}
			})
			_, err := Upload(t.Context(), config)
			if f := new(Failure); !errors.Is(err, errNoCallback) || !errors.As(err, &f) || f.Stored != diagnose.Yes || f.Tries != 1 {
				t.Errorf("%s: %#v", method, err)
			}
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		config := newBench(t).config(t, Put, []byte("x"))
		config.Endpoint, config.Attempts = "http://127.0.0.1:1", 2
		_, err := Upload(t.Context(), config)
		if f := new(Failure); !errors.As(err, &f) || f.Cure != diagnose.Wait || f.Stored != diagnose.No || f.Tries != 2 {
			t.Errorf("%#v", err)
		}
	})
}

// TestWhatIsSent looks at the requests themselves.
func TestWhatIsSent(t *testing.T) {
	for _, method := range []Method{Put, Multipart} {
		var tokens, auth atomic.Int32
		c := newBench(t).config(t, method, []byte("x"))
		c.SecurityToken, c.Attempts = "sts", 1
		elsewhere(t, &c, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Oss-Security-Token") == "sts" {
				tokens.Add(1)
			}
			if strings.HasPrefix(r.Header.Get("Authorization"), "OSS4-HMAC-SHA256 Credential=id/") {
				auth.Add(1)
			}
			w.WriteHeader(http.StatusForbidden)
		})
		if _, err := Upload(t.Context(), c); err == nil || tokens.Load() != 1 || auth.Load() != 1 {
			t.Errorf("%s: %v, %d tokens, %d V4 signatures", method, err, tokens.Load(), auth.Load())
		}
	}
	for _, method := range methods {
		b := newBench(t)
		c := b.config(t, method, []byte("x"))
		c.Key = "cat.bin"
		if got, err := Upload(t.Context(), c); err != nil {
			t.Errorf("%s: %+v, %v", method, got, err)
		}
		if o, _ := b.Get("photos", "cat.bin"); o.ContentType != "application/octet-stream" {
			t.Errorf("%s: stored as %q", method, o.ContentType)
		}
		c.Key = "cat.jpg"
		if form := c.Form; form != nil {
			c.Form = func() (string, [][2]string, error) {
				url, fields, err := form()
				fields = slices.Clone(fields)
				fields[0][1] = "cat.jpg"
				return url, fields, err
			}
		}
		if _, err := Upload(t.Context(), c); err != nil {
			t.Error(err)
		}
		if o, _ := b.Get("photos", "cat.jpg"); o.ContentType != "image/jpeg" {
			t.Errorf("%s: stored as %q", method, o.ContentType)
		}
	}
}

func TestMultipartGoesOnWhereItStood(t *testing.T) {
	count := func(b *bench, operation string) (n int) {
		for _, op := range b.served() {
			if op == operation {
				n++
			}
		}
		return n
	}
	content := bytes.Repeat([]byte("x"), 5*minPart)
	t.Run("complete fails once", func(t *testing.T) {
		b := newBench(t)
		b.Inject(osssim.Fault{Operation: "CompleteMultipartUpload", Times: 1, Status: 503, Code: "ServiceUnavailable"})
		got, err := Upload(t.Context(), b.config(t, Multipart, content))
		if err != nil || got.Tries != 2 || count(b, "UploadPart") != 5 || count(b, "InitiateMultipartUpload") != 1 || count(b, "AbortMultipartUpload") != 0 {
			t.Errorf("%+v, %v; served %q", got, err, b.served())
		}
	})
	t.Run("an answer got lost, the upload is complete", func(t *testing.T) {
		b := newBench(t)
		b.Inject(osssim.Fault{Operation: "CompleteMultipartUpload", Times: 1, Status: 404, Code: "NoSuchUpload"})
		got, err := Upload(t.Context(), b.config(t, Multipart, content))
		if err != nil || got.Tries != 2 || count(b, "InitiateMultipartUpload") != 2 {
			t.Errorf("%+v, %v; served %q", got, err, b.served())
		}
	})
	t.Run("each try of a part fails, for a while", func(t *testing.T) {
		b := newBench(t)
		c := b.config(t, Multipart, content)
		c.partPause = time.Millisecond
		b.Inject(osssim.Fault{Operation: "UploadPart", Times: 7, Status: 500, Code: "InternalError"})
		var most atomic.Int64
		c.OnProgress = func(sent, total int64) {
			if sent > total {
				t.Errorf("%d of %d", sent, total)
			}
			most.Store(max(most.Load(), sent))
		}
		got, err := Upload(t.Context(), c)
		if err != nil || count(b, "InitiateMultipartUpload") != 1 || count(b, "UploadPart") != 12 || most.Load() != int64(len(content)) {
			t.Errorf("%+v, %v; served %q, progress %d", got, err, b.served(), most.Load())
		}
	})
}

// TestStoredStaysStored: a 203 means a stored object, whatever later tries come to.
func TestStoredStaysStored(t *testing.T) {
	for _, method := range methods {
		b := newBench(t)
		c := b.config(t, method, []byte("x"))
		c.Attempts = 3
		b.Inject(osssim.Fault{Operation: "Callback", Times: 1, Status: 203})
		c.OnRetry = func(f *Failure, _ time.Duration) {
			if f.Tries == 1 {
				b.Inject(osssim.Fault{Key: "cat.bin", Status: 503, Code: "ServiceUnavailable"})
			}
		}
		_, err := Upload(t.Context(), c)
		if f := new(Failure); !errors.As(err, &f) || f.Tries != 3 || f.Evidence.Status != 503 || f.Stored != diagnose.Yes {
			t.Errorf("%s: %#v", method, err)
		}
	}
}

func TestLocalFaults(t *testing.T) {
	b := newBench(t)
	c := b.config(t, Post, []byte("x"))
	form := errors.New("no form today")
	c.Form = func() (string, [][2]string, error) { return "", nil, form }
	_, err := Upload(t.Context(), c)
	if f := new(Failure); !errors.Is(err, form) || errors.As(err, &f) {
		t.Errorf("form: %#v", err)
	}
	for _, method := range methods {
		c := b.config(t, method, bytes.Repeat([]byte("x"), 4*minPart))
		c.OnProgress = func(int64, int64) { _ = os.Truncate(c.File, 1) }
		_, err := Upload(t.Context(), c)
		if f := new(Failure); err == nil || errors.As(err, &f) || !strings.Contains(err.Error(), "was changed or cannot be read any more") {
			t.Errorf("%s, truncated meanwhile: %#v", method, err)
		}
	}
}

func TestAutoTakesParts(t *testing.T) {
	b := newBench(t)
	c := b.config(t, Auto, nil)
	if err := os.Truncate(c.File, MultipartFrom); err != nil {
		t.Fatal(err)
	}
	c.PartSize = 0
	if got, err := Upload(t.Context(), c); err != nil || !strings.HasSuffix(got.ETag, "-4") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestStalledConnectionsEnd(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	conn := stallConn{near, time.Millisecond}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	conn.patience = time.Hour
	go func() { _, _ = far.Read(make([]byte, 1)) }()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Errorf("a write moves the deadline on: %v", err)
	}
}
