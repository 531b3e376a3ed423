package osssim

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"hash/crc64"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Object is a stored object. Body is shared with the store and must not be changed.
type Object struct {
	Bucket       string
	Key          string
	ContentType  string
	Body         []byte
	Size         int64
	ETag         string // upper-case hex MD5, without quotes; "HEX-parts" after a multipart upload
	CRC64        uint64 // CRC-64 ECMA, as x-oss-hash-crc64ecma
	ContentMD5   string // Base64 MD5; empty after a multipart upload
	LastModified time.Time
	Meta         http.Header // x-oss-meta-* and the like that the uploader set
}

// newObject computes what OSS computes on arrival. It keeps body without copying it.
func newObject(bucket, key, contentType string, body []byte, now time.Time) Object {
	sum := md5.Sum(body)
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return Object{
		Bucket: bucket, Key: key, ContentType: contentType, Body: body, Size: int64(len(body)),
		ETag: fmt.Sprintf("%X", sum), ContentMD5: base64.StdEncoding.EncodeToString(sum[:]),
		CRC64: crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)), LastModified: now.UTC(),
	}
}

// Put stores an object past all checks and without a callback, copying body. A bucket that does not exist is made.
func (s *Server) Put(bucket, key, contentType string, body []byte) Object {
	o := newObject(bucket, key, contentType, slices.Clone(body), s.cfg.Now())
	s.store.put(o)
	return o
}

// Get returns a stored object and whether there is one.
func (s *Server) Get(bucket, key string) (Object, bool) { return s.store.get(bucket, key) }

// Delete removes an object if it is there.
func (s *Server) Delete(bucket, key string) { s.store.delete(bucket, key) }

// Keys returns the keys of a bucket in lexical order.
func (s *Server) Keys(bucket string) []string { return s.store.keys(bucket) }

type store struct {
	mu      sync.RWMutex
	buckets map[string]map[string]Object
	uploads map[string]*multipartUpload
}

func newStore(buckets []string) *store {
	st := &store{buckets: map[string]map[string]Object{}, uploads: map[string]*multipartUpload{}}
	for _, name := range buckets {
		st.buckets[name] = map[string]Object{}
	}
	return st
}

func (st *store) hasBucket(bucket string) bool {
	st.mu.RLock()
	defer st.mu.RUnlock()
	_, ok := st.buckets[bucket]
	return ok
}

func (st *store) put(o Object) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.putLocked(o)
}

// putNew stores o unless there is an object of that name already.
func (st *store) putNew(o Object) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, exists := st.buckets[o.Bucket][o.Key]; exists {
		return false
	}
	st.putLocked(o)
	return true
}

func (st *store) putLocked(o Object) {
	if st.buckets[o.Bucket] == nil {
		st.buckets[o.Bucket] = map[string]Object{}
	}
	st.buckets[o.Bucket][o.Key] = o
}

func (st *store) get(bucket, key string) (Object, bool) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	o, ok := st.buckets[bucket][key]
	return o, ok
}

func (st *store) delete(bucket, key string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.buckets[bucket], key)
}

func (st *store) keys(bucket string) []string {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return slices.Sorted(maps.Keys(st.buckets[bucket]))
}
