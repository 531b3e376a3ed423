package osssim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"sync"
)

// maxCORS and maxLifecycle cap a document, in bytes. OSS takes 16 KB of CORS rules; a thousand lifecycle rules are larger.
const (
	maxCORS      = 16 << 10
	maxLifecycle = 1 << 20
)

// settings are the documents of the buckets. The zero value has none.
type settings struct {
	mu        sync.RWMutex
	documents map[setting][]byte
}

// setting names a document: what is a sub-resource of the bucket in the API.
type setting struct{ bucket, resource string }

func (st *settings) get(bucket, resource string) ([]byte, bool) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	document, ok := st.documents[setting{bucket, resource}]
	return document, ok
}

// put replaces a document; nil removes it.
func (st *settings) put(bucket, resource string, document []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.documents == nil {
		st.documents = map[setting][]byte{}
	}
	if document == nil {
		delete(st.documents, setting{bucket, resource})
		return
	}
	st.documents[setting{bucket, resource}] = document
}

// routeSettings picks the handler for a sub-resource of a bucket; a nil handler says that the request is for something else.
func (s *Server) routeSettings(c *call) (string, func(*call) error) {
	if c.bucket == "" || c.key != "" {
		return "", nil
	}
	query, method := c.query, c.r.Method
	switch {
	case query.Has("cors") && method == http.MethodGet:
		return "GetBucketCors", s.getCORS
	case query.Has("cors") && method == http.MethodPut:
		return "PutBucketCors", s.putCORS
	case query.Has("cors") && method == http.MethodDelete:
		return "DeleteBucketCors", s.deleteSetting("cors")
	case query.Has("lifecycle") && method == http.MethodGet:
		return "GetBucketLifecycle", s.getLifecycle
	case query.Has("lifecycle") && method == http.MethodPut:
		return "PutBucketLifecycle", s.putLifecycle
	case query.Has("lifecycle") && method == http.MethodDelete:
		return "DeleteBucketLifecycle", s.deleteSetting("lifecycle")
	case query.Has("versioning") && method == http.MethodGet:
		return "GetBucketVersioning", s.getVersioning
	case query.Has("acl") && method == http.MethodGet:
		return "GetBucketAcl", s.getACL
	case query.Has("versioning"):
		return "Unsupported", notImplemented
	}
	return "", nil
}

// deleteSetting removes a document; one that is not there is fine.
func (s *Server) deleteSetting(resource string) func(*call) error {
	return func(c *call) error {
		s.settings.put(c.bucket, resource, nil)
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// readXML reads a document of at most max bytes into to, whose XMLName says which root is wanted, and returns the bytes as they came.
func (c *call) readXML(max int64, to any) ([]byte, error) {
	body, err := c.readBody(max)
	if err != nil {
		return nil, err
	}
	if err := checkContentMD5(c.r.Header.Get("Content-MD5"), body); err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(to); err != nil {
		return nil, errMalformedXML()
	}
	for { // nothing but comments and white space may follow the root
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		switch token := token.(type) {
		case xml.Comment:
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return nil, errMalformedXML()
			}
		default: // a further element, or nil with an error
			return nil, errMalformedXML()
		}
	}
}

func errMalformedXML() *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: "MalformedXML",
		Message: "The XML you provided was not well-formed or did not validate against our published schema."}
}
