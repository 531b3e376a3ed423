package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/queue"
	"oss-callback/queue/osstest"
	"oss-callback/queue/settings"
)

const testBucket = "photos"

func testConfig(f *osstest.Server) config {
	return config{
		OSS: settings.OSS{
			Endpoint: f.URL, Region: osstest.Region, Buckets: []string{testBucket}, AccessKeyID: "id", AccessKeySecret: "secret",
		},
		Concurrency: 2,
	}
}

func newTestWorker(t *testing.T, f *osstest.Server) *worker {
	t.Helper()
	conf := testConfig(f)
	client, err := newClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	return &worker{buckets: conf.Buckets, store: &store{client, conf.keys(), m}, memory: m}
}

func jobFor(key string, data []byte) queue.Job {
	etag := osstest.ETag(data)
	return queue.Job{V: 1, ID: queue.JobID(testBucket, key, etag, ""), Bucket: testBucket, Object: key, ETag: etag, Size: int64(len(data))}
}

func TestProcessMakesOneThumbnail(t *testing.T) {
	f := osstest.New(t)
	w := newTestWorker(t, f)
	photo := pngOf(t, plain(300, 200, red))
	const key = "in/ü & ?+%41.png"
	f.Put(testBucket, key, photo)
	job := jobFor(key, photo)
	for range 2 {
		if err := w.process(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	thumbs := f.Objects(testBucket, "thumbs/")
	if _, ok := thumbs["thumbs/"+key+"."+job.ETag+".jpg"]; !ok || len(thumbs) != 1 || f.Stored() != 1 {
		t.Errorf("%d writes left %d thumbnails", f.Stored(), len(thumbs))
	}
	if f.Header().Get("Content-Type") != "image/jpeg" || f.Header().Get("X-Oss-Forbid-Overwrite") != "true" {
		t.Errorf("written with %v", f.Header())
	}
}

// Both workers look, see no thumbnail, and write: one wins, both are done.
func TestProcessTwiceAtOnce(t *testing.T) {
	f := osstest.New(t)
	var looked sync.WaitGroup
	looked.Add(2)
	f.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			looked.Wait()
		}
		if r.Method == http.MethodHead {
			looked.Done()
		}
		return false
	}
	photo := jpegOf(t, plain(300, 200, red))
	f.Put(testBucket, "a.jpg", photo)
	errs := make(chan error, 2)
	for range 2 {
		w := newTestWorker(t, f)
		go func() { errs <- w.process(t.Context(), jobFor("a.jpg", photo)) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := len(f.Objects(testBucket, "thumbs/")); n != 1 || f.Stored() != 1 {
		t.Errorf("%d writes left %d thumbnails", f.Stored(), n)
	}
}

func TestProcessErrors(t *testing.T) {
	photo := jpegOf(t, plain(30, 20, red))
	good := jobFor("a.jpg", photo)
	answer := func(method string, status int, code string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method {
				return false
			}
			osstest.Error(w, status, code)
			return true
		}
	}
	get := func(reply func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				reply(w)
			}
			return r.Method == http.MethodGet
		}
	}
	for name, c := range map[string]struct {
		job       queue.Job
		intercept func(http.ResponseWriter, *http.Request) bool
		want      error  // nil: any
		code      string // of OSS
		permanent bool
	}{
		"other bucket":    {job: queue.Job{Bucket: "other", Object: "a.jpg"}, want: errBucketNotAllowed, permanent: true},
		"gone":            {job: jobFor("gone.jpg", photo), want: errGone, permanent: true},
		"replaced":        {job: jobFor("a.jpg", []byte("older")), want: errChanged, permanent: true},
		"no image":        {job: jobFor("text", []byte("text")), want: errNotAnImage, permanent: true},
		"zero bytes":      {job: jobFor("empty", nil), want: errNotAnImage, permanent: true},
		"look: OSS down":  {job: good, intercept: answer(http.MethodHead, 503, "")},
		"read: OSS down":  {job: good, intercept: answer(http.MethodGet, 500, "InternalError"), code: "InternalError"},
		"read: throttled": {job: good, intercept: answer(http.MethodGet, 503, "QpsLimitExceeded"), code: "QpsLimitExceeded"},
		"read: archived":  {job: good, intercept: answer(http.MethodGet, 403, "InvalidObjectState"), code: "InvalidObjectState"},
		"write: OSS down": {job: good, intercept: answer(http.MethodPut, 500, "InternalError"), code: "InternalError"},
		"write: conflict": {job: good, intercept: answer(http.MethodPut, 409, "OperationNotSupported"), code: "OperationNotSupported"},
		"read: broken off": {job: good, want: io.ErrUnexpectedEOF, intercept: get(func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(photo[:100])
		})},
		"read: too big": {job: good, want: errTooBig, permanent: true, intercept: get(func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", strconv.Itoa(maxObject+1))
		})},
		"read: no length": {job: good, want: errNoLength, intercept: get(func(w http.ResponseWriter) {
			_, _ = w.Write(photo)
			_ = http.NewResponseController(w).Flush() // hence chunks, which may be endless
		})},
		"read: endless error": {job: good, intercept: get(func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(strings.Repeat(" ", 1<<20)))
		})},
		"connection cut": {job: good, intercept: func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }},
		"redirect": {job: good, intercept: func(w http.ResponseWriter, r *http.Request) bool {
			const elsewhere = "/" + testBucket + "/text" // followed, the thumbnail would seem to be there
			if r.URL.Path == elsewhere {
				return false
			}
			http.Redirect(w, r, elsewhere, http.StatusFound)
			return true
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := osstest.New(t)
			f.Put(testBucket, "a.jpg", photo)
			f.Put(testBucket, "text", []byte("text"))
			f.Put(testBucket, "empty", nil)
			f.Intercept = c.intercept
			err := newTestWorker(t, f).process(t.Context(), c.job)
			if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if fault, _ := errors.AsType[oss.ServiceError](err); c.code != "" && fault.Code != c.code {
				t.Errorf("got %v, want OSS's %s", err, c.code)
			}
			if queue.IsPermanent(err) != c.permanent {
				t.Errorf("%v: permanent is %v", err, !c.permanent)
			}
			if n := len(f.Objects(testBucket, "thumbs/")); n != 0 {
				t.Errorf("left %d thumbnails", n)
			}
		})
	}
}

func TestProcessEndsWithItsContext(t *testing.T) {
	f := osstest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	f.Intercept = func(http.ResponseWriter, *http.Request) bool {
		cancel()
		<-release
		return false
	}
	if err := newTestWorker(t, f).process(ctx, jobFor("a.jpg", nil)); !errors.Is(err, context.Canceled) || queue.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestThumbnailKey(t *testing.T) {
	job := queue.Job{ID: "id", Object: strings.Repeat("é", 506)}
	if key := thumbnailKey(job); len(key) > maxKey {
		t.Errorf("%d bytes", len(key))
	}
	job.Object, job.ETag = strings.Repeat("k", 1023), "E"
	other := job
	other.Object = strings.Repeat("k", 1022) + "l"
	a, b := thumbnailKey(job), thumbnailKey(other)
	if len(a) > maxKey || a == b || !strings.HasSuffix(a, ".E.jpg") {
		t.Errorf("got %q and %q", a, b)
	}
	job.Object = strings.Repeat("k", maxKey-len("thumbs/")-len(".E.jpg"))
	if key := thumbnailKey(job); key != "thumbs/"+job.Object+".E.jpg" || len(key) != maxKey {
		t.Errorf("a key that just fits became %d bytes", len(key))
	}
	if key := thumbnailKey(queue.Job{ID: "id", Object: "a"}); key != "thumbs/a.id.jpg" {
		t.Errorf("without ETag: %q", key)
	}
}

// What OSS denies is the operator's to mend: the job comes again, for as long as it takes, and uses no attempt.
func TestDeniedJobsComeAgain(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		f := osstest.New(t)
		photo := jpegOf(t, plain(30, 20, red))
		f.Put(testBucket, "a.jpg", photo)
		denied := true
		f.Intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if denied && (r.Method == method || r.Method == http.MethodHead) { // without oss:ListObjects the look is denied too
				osstest.Error(w, http.StatusForbidden, "AccessDenied")
				return true
			}
			return false
		}
		w := newTestWorker(t, f)
		err := w.process(t.Context(), jobFor("a.jpg", photo))
		if after, ok := queue.IsLater(err); !ok || after != deniedDelay || !strings.Contains(err.Error(), "oss:PutObject") {
			t.Errorf("%s denied: %v", method, err)
		}
		denied = false
		if err := w.process(t.Context(), jobFor("a.jpg", photo)); err != nil {
			t.Error(err)
		}
	}
}
