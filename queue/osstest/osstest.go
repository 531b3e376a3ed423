// Package osstest plays the part of OSS that the outbox and the worker use, for their tests. Shipped binaries never import it. The
// full simulator, for people and for end-to-end tests, is in scripts.
package osstest

import (
	"crypto/md5"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Region is what requests must be signed for.
const Region = "cn-hangzhou"

// maxObject bounds what may be stored, in bytes.
const maxObject = 1 << 20

// Server holds objects in memory, path-style. It is safe for concurrent use.
type Server struct {
	*httptest.Server
	Intercept func(w http.ResponseWriter, r *http.Request) (handled bool) // comes first; set before use, nil for none

	mu       sync.Mutex
	objects  map[string][]byte // by /bucket/key
	modified map[string]time.Time
	requests []string
	header   http.Header
	stored   int
}

// New starts a server that ends with the test. Requests that are not signed with V4 fail the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{objects: map[string][]byte{}, modified: map[string]time.Time{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sign := r.Header.Get("Authorization")
		if !strings.HasPrefix(sign, "OSS4-HMAC-SHA256 ") || !strings.Contains(sign, "/"+Region+"/oss/") {
			t.Errorf("%s %s is not signed with V4 for %s", r.Method, r.URL.Path, Region)
		}
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if s.Intercept == nil || !s.Intercept(w, r) {
			s.serve(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxObject))
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, found := s.objects[r.URL.Path]
	switch {
	case r.URL.Query().Has("list-type"):
		s.list(w, r)
	case r.Method == http.MethodPut && found && r.Header.Get("X-Oss-Forbid-Overwrite") == "true":
		Error(w, http.StatusConflict, "FileAlreadyExists")
	case r.Method == http.MethodPut:
		s.objects[r.URL.Path], s.header = body, r.Header
		s.modified[r.URL.Path] = time.Now()
		s.stored++
	case r.Method == http.MethodDelete:
		delete(s.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case !found && r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	case !found:
		Error(w, http.StatusNotFound, "NoSuchKey")
	case r.Header.Get("If-Match") != "" && strings.Trim(r.Header.Get("If-Match"), `"`) != ETag(data):
		Error(w, http.StatusPreconditionFailed, "PreconditionFailed")
	default:
		w.Header().Set("ETag", `"`+ETag(data)+`"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data)
	}
}

// list answers ListObjectsV2. A continuation token is the last key of the page before.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	type object struct {
		Key          string
		LastModified string
		Size         int
	}
	answer := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		EncodingType          string
		IsTruncated           bool
		NextContinuationToken string
		Contents              []object
	}{EncodingType: "url"}
	query, bucket := r.URL.Query(), strings.TrimSuffix(r.URL.Path, "/")+"/"
	most, err := strconv.Atoi(query.Get("max-keys"))
	if err != nil || most > 1000 {
		Error(w, http.StatusBadRequest, "InvalidArgument")
		return
	}
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		key, ok := strings.CutPrefix(path, bucket)
		if !ok || !strings.HasPrefix(key, query.Get("prefix")) || key <= query.Get("continuation-token") {
			continue
		}
		if len(answer.Contents) == most {
			answer.IsTruncated, answer.NextContinuationToken = true, answer.Contents[most-1].Key
			break
		}
		answer.Contents = append(answer.Contents, object{url.QueryEscape(key), s.modified[path].UTC().Format(time.RFC3339), len(s.objects[path])})
	}
	_ = xml.NewEncoder(w).Encode(answer)
}

// Error answers as OSS does when it refuses.
func Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>test</Message></Error>", code)
}

// ETag is the ETag of an object with that content.
func ETag(b []byte) string { return fmt.Sprintf("%X", md5.Sum(b)) }

// Put stores an object.
func (s *Server) Put(bucket, key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects["/"+bucket+"/"+key] = data
	s.modified["/"+bucket+"/"+key] = time.Now()
}

// Age makes an object look as if it had been written that long ago.
func (s *Server) Age(bucket, key string, age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modified["/"+bucket+"/"+key] = time.Now().Add(-age)
}

// Objects are the objects of a bucket under a prefix, by key.
func (s *Server) Objects(bucket, prefix string) map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string][]byte{}
	for path, data := range s.objects {
		if key, ok := strings.CutPrefix(path, "/"+bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			found[key] = data
		}
	}
	return found
}

// Requests are all requests so far, such as "PUT /bucket/key", with or without success.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Stored is how many PUT requests wrote an object.
func (s *Server) Stored() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored
}

// Header is the header of the last PUT that was stored.
func (s *Server) Header() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header
}
