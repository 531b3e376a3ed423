package osssim

import (
	"crypto/rand"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// call is one request of a client, taken apart.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	id        string // request id
	now       time.Time
	bucket    string
	key       string
	query     url.Values
	operation string
}

// ServeHTTP answers one request of the OSS REST API, path-style (/bucket/key) or with the bucket as the first label of the Host.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.active.Done()

	c := &call{w: w, r: r, now: s.cfg.Now()}
	c.id = newRequestID(c.now)
	w.Header().Set("Server", "AliyunOSS")
	w.Header().Set("X-Oss-Request-Id", c.id)
	err := s.serve(c)
	if err != nil {
		c.writeError(err)
	}
	s.cfg.Logger.Debug("oss request", "operation", c.operation, "bucket", c.bucket, "object", c.key, "request_id", c.id, "error", err)
}

func (s *Server) serve(c *call) error {
	if err := s.locate(c); err != nil {
		return err
	}
	name, handle := s.route(c)
	c.operation = name
	s.allowCrossOrigin(c)
	// PostObject is signed by its policy form field; OSS ignores header and query signatures there. Browsers sign no preflight.
	if name != "PostObject" {
		if err := s.applyFault(c); err != nil {
			return err
		}
	}
	if name != "PostObject" && name != "OptionsObject" {
		if err := s.authenticate(c); err != nil {
			return err
		}
	}
	if c.bucket != "" && !s.store.hasBucket(c.bucket) {
		return errNoSuchBucket(c.bucket)
	}
	return handle(c)
}

// locate reads bucket, key and query from the request.
func (s *Server) locate(c *call) error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return errInvalidArgument("The query string is invalid.", "", "")
	}
	c.query = query

	path := strings.TrimPrefix(c.r.URL.EscapedPath(), "/")
	if label, _, _ := strings.Cut(c.r.Host, "."); s.store.hasBucket(label) {
		c.bucket = label
	} else {
		c.bucket, path, _ = strings.Cut(path, "/")
	}
	if c.key, err = url.PathUnescape(path); err != nil {
		return errInvalidObjectName()
	}
	if c.key != "" && !validKey(c.key) {
		return errInvalidObjectName()
	}
	return nil
}

func validKey(key string) bool {
	return len(key) >= 1 && len(key) <= 1023 && utf8.ValidString(key) && key[0] != '/' && key[0] != '\\'
}

// route names the operation, as ${operation}, logs and Fault.Operation do, and picks its handler.
func (s *Server) route(c *call) (string, func(*call) error) {
	if c.r.Method == http.MethodOptions {
		return "OptionsObject", s.preflight
	}
	if name, handle := s.routeSettings(c); handle != nil {
		return name, handle
	}
	for _, sub := range []string{"acl", "append", "tagging", "symlink", "restore", "versions", "versionId", "delete", "policy", "lifecycle",
		"cors", "bucketInfo", "location", "stat"} {
		if c.query.Has(sub) {
			return "Unsupported", notImplemented
		}
	}
	switch {
	case c.bucket == "":
		return "ListBuckets", notImplemented
	case c.key == "":
		return s.routeBucket(c)
	}
	switch method := c.r.Method; {
	case method == http.MethodPut && c.query.Has("uploadId"):
		return "UploadPart", s.uploadPart
	case method == http.MethodPut && c.r.Header.Get("X-Oss-Copy-Source") != "":
		return "CopyObject", notImplemented
	case method == http.MethodPut:
		return "PutObject", s.putObject
	case method == http.MethodPost && c.query.Has("uploads"):
		return "InitiateMultipartUpload", s.initiateMultipart
	case method == http.MethodPost && c.query.Has("uploadId"):
		return "CompleteMultipartUpload", s.completeMultipart
	case method == http.MethodDelete && c.query.Has("uploadId"):
		return "AbortMultipartUpload", s.abortMultipart
	case method == http.MethodDelete:
		return "DeleteObject", s.deleteObject
	case (method == http.MethodGet || method == http.MethodHead) && c.query.Has("objectMeta"):
		return "GetObjectMeta", s.headObject
	case method == http.MethodHead:
		return "HeadObject", s.headObject
	case method == http.MethodGet && c.query.Has("uploadId"):
		return "ListParts", notImplemented
	case method == http.MethodGet && c.query.Has("x-oss-process"):
		return "ImageInfo", s.getImageInfo
	case method == http.MethodGet:
		return "GetObject", s.getObject
	}
	return "Unknown", methodNotAllowed
}

func (s *Server) routeBucket(c *call) (string, func(*call) error) {
	switch media, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); {
	case c.r.Method == http.MethodPost && media == "multipart/form-data":
		return "PostObject", s.postObject
	case c.r.Method == http.MethodGet && c.query.Has("uploads"):
		return "ListMultipartUploads", notImplemented
	case c.r.Method == http.MethodGet && c.query.Get("list-type") == "2":
		return "ListObjectsV2", s.listObjects
	case c.r.Method == http.MethodGet:
		return "ListObjects", s.listObjects
	}
	return "Unknown", methodNotAllowed
}

// readBody reads the request's body, at most max bytes.
func (c *call) readBody(max int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, max+1))
	if err != nil {
		return nil, &apiError{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The request body terminated unexpectedly."}
	}
	if int64(len(body)) > max {
		return nil, errEntityTooLarge(max)
	}
	return body, nil
}

func (c *call) write(status int, contentType string, body []byte) {
	h := c.w.Header()
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // the client is gone if this fails
	}
}

// newRequestID makes an id as OSS does: 24 hex digits, the first eight of them the Unix time.
func newRequestID(now time.Time) string {
	var tail [8]byte
	_, _ = rand.Read(tail[:]) // never fails
	return fmt.Sprintf("%08X%X", uint32(now.Unix()), tail)
}
