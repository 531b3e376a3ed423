package main

import (
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const (
	testBucket = "photos"
	testRegion = "cn-hangzhou"
)

// fakeOSS holds objects and plays the part of OSS that the worker uses, path-style.
type fakeOSS struct {
	*httptest.Server
	intercept func(w http.ResponseWriter, r *http.Request) (handled bool) // set before use

	mu      sync.Mutex
	objects map[string][]byte // by /bucket/key
	puts    int               // that were stored
	headers http.Header       // of the last PUT
}

func newFakeOSS(t *testing.T) *fakeOSS {
	t.Helper()
	f := &fakeOSS{objects: map[string][]byte{}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "OSS4-HMAC-SHA256 ") ||
			!strings.Contains(r.Header.Get("Authorization"), "/"+testRegion+"/oss/") {
			t.Errorf("%s %s is not signed with V4 for %s", r.Method, r.URL.Path, testRegion)
		}
		if f.intercept == nil || !f.intercept(w, r) {
			f.serve(w, r)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeOSS) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	data, found := f.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodPut && found && r.Header.Get("X-Oss-Forbid-Overwrite") == "true":
		ossError(w, http.StatusConflict, "FileAlreadyExists")
	case r.Method == http.MethodPut:
		f.objects[r.URL.Path], f.headers = body, r.Header
		f.puts++
	case !found && r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	case !found:
		ossError(w, http.StatusNotFound, "NoSuchKey")
	case r.Header.Get("If-Match") != "" && strings.Trim(r.Header.Get("If-Match"), `"`) != etagOf(data):
		ossError(w, http.StatusPreconditionFailed, "PreconditionFailed")
	default:
		w.Header().Set("ETag", `"`+etagOf(data)+`"`)
		_, _ = w.Write(data)
	}
}

func ossError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>test</Message></Error>", code)
}

func etagOf(b []byte) string { return fmt.Sprintf("%X", md5.Sum(b)) }

func (f *fakeOSS) put(key string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects["/"+testBucket+"/"+key] = data
}

// thumbs are the keys and contents under thumbs/.
func (f *fakeOSS) thumbs() map[string][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string][]byte{}
	for path, data := range f.objects {
		if key, ok := strings.CutPrefix(path, "/"+testBucket+"/thumbs/"); ok {
			found["thumbs/"+key] = data
		}
	}
	return found
}
