package osssim

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func TestObjects(t *testing.T) {
	h := start(t, nil)
	bucket := h.bucket(t)
	if err := bucket.PutObject("k.txt", reader("0123456789"), oss.ContentType("text/plain"), oss.Meta("note", "n")); err != nil {
		t.Fatal(err)
	}
	o, ok := h.Get(testBucket, "k.txt")
	if !ok || string(o.Body) != "0123456789" || o.ETag != "781E5E245D69B566979B86E28D23F2C7" || o.ContentType != "text/plain" || o.Size != 10 {
		t.Fatalf("stored %+v", o)
	}

	header, err := bucket.GetObjectDetailedMeta("k.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Content-Length": "10", "Content-Type": "text/plain", "X-Oss-Meta-Note": "n",
		"Etag": `"` + o.ETag + `"`, "Last-Modified": o.LastModified.Format(http.TimeFormat), "X-Oss-Object-Type": "Normal"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if len(header.Get("X-Oss-Request-Id")) != 24 {
		t.Errorf("request id %q", header.Get("X-Oss-Request-Id"))
	}
	if meta, err := bucket.GetObjectMeta("k.txt"); err != nil || meta.Get("Content-Length") != "10" {
		t.Errorf("meta %v, %v", meta, err)
	}
	_, err = bucket.GetObjectDetailedMeta("none")
	wantServiceError(t, err, 404, "NoSuchKey")
	_, err = bucket.GetObject("none")
	wantServiceError(t, err, 404, "NoSuchKey")

	for span, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-3": "789", "bytes=8-99": "89",
		"bytes=99-": "0123456789", "bytes=4-2": "0123456789", "bytes=-0": "0123456789", "lines=1-2": "0123456789"} {
		if got := read(t, bucket, "k.txt", oss.SetHeader("Range", span)); got != want {
			t.Errorf("%s: %q, want %q", span, got, want)
		}
	}
	for _, etag := range []string{o.ETag, `"` + o.ETag + `"`, strings.ToLower(o.ETag), "*"} {
		if got := read(t, bucket, "k.txt", oss.IfMatch(etag)); got != "0123456789" {
			t.Errorf("If-Match %s: %q", etag, got)
		}
	}
	_, err = bucket.GetObject("k.txt", oss.IfMatch("0000"))
	wantServiceError(t, err, 412, "PreconditionFailed")
	if _, err = bucket.GetObject("k.txt", oss.IfNoneMatch(o.ETag)); err == nil || !strings.Contains(err.Error(), "304") {
		t.Errorf("If-None-Match: %v", err)
	}
}

func read(t *testing.T, bucket *oss.Bucket, key string, options ...oss.Option) string {
	t.Helper()
	body, err := bucket.GetObject(key, options...)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return string(text)
}

func TestRefusedUploads(t *testing.T) {
	h := start(t, func(c *Config) { c.MaxObject = 1 << 20 })
	bucket := h.bucket(t)
	h.Put(testBucket, "taken", "", []byte("old"))

	wantServiceError(t, bucket.PutObject("taken", reader("new"), oss.ForbidOverWrite(true)), 409, "FileAlreadyExists")
	if o, _ := h.Get(testBucket, "taken"); string(o.Body) != "old" {
		t.Errorf("overwritten: %q", o.Body)
	}
	if err := bucket.PutObject("free", reader("new"), oss.ForbidOverWrite(true)); err != nil {
		t.Errorf("free name: %v", err)
	}
	wantServiceError(t, bucket.PutObject("k", reader("x"), oss.ContentMD5("nonsense")), 400, "InvalidDigest")
	wantServiceError(t, bucket.PutObject("k", reader("x"), oss.ContentMD5("XrY7u+Ae7tCTyyK7j1rNww==")), 400, "BadDigest")
	wantServiceError(t, bucket.PutObject("k", bytes.NewReader(make([]byte, 1<<20+1))), 400, "EntityTooLarge")
	upload, err := bucket.InitiateMultipartUpload("parts")
	if err != nil {
		t.Fatal(err)
	}
	putPart(t, bucket, upload, 1, make([]byte, 1<<20))
	putPart(t, bucket, upload, 1, make([]byte, 1<<20)) // in its place
	_, err = bucket.UploadPart(upload, reader("x"), 1, 2)
	wantServiceError(t, err, 400, "EntityTooLarge")
	wantServiceError(t, bucket.SetObjectACL("taken", oss.ACLPrivate), 501, "NotImplemented")
	if _, ok := h.Get(testBucket, "k"); ok {
		t.Error("a refused upload was stored")
	}

	other, err := bucket.Client.Bucket("other-bucket")
	if err != nil {
		t.Fatal(err)
	}
	wantServiceError(t, other.PutObject("k", reader("x")), 404, "NoSuchBucket")
}

func TestListObjects(t *testing.T) {
	h := start(t, nil)
	bucket := h.bucket(t)
	keys := []string{"a/1", "a/2 +%", "a/b/3", "a/b/4", "c", "照/5"}
	for _, key := range keys {
		h.Put(testBucket, key, "", []byte(key))
	}

	var v1, v2 []string
	for marker, more := "", true; more; {
		page, err := bucket.ListObjects(oss.MaxKeys(2), oss.Marker(marker))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Objects {
			v1 = append(v1, o.Key)
		}
		marker, more = page.NextMarker, page.IsTruncated
	}
	for token, more := "", true; more; {
		page, err := bucket.ListObjectsV2(oss.MaxKeys(2), oss.ContinuationToken(token))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Objects {
			v2 = append(v2, o.Key)
		}
		token, more = page.NextContinuationToken, page.IsTruncated
	}
	if !slices.Equal(v1, keys) || !slices.Equal(v2, keys) {
		t.Errorf("listed %q and %q, want %q", v1, v2, keys)
	}

	page, err := bucket.ListObjectsV2(oss.Prefix("a/"), oss.Delimiter("/"))
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Objects) != 2 || page.Objects[1].Key != "a/2 +%" || !slices.Equal(page.CommonPrefixes, []string{"a/b/"}) {
		t.Errorf("below a/: %+v %q", page.Objects, page.CommonPrefixes)
	}
	if o := page.Objects[0]; o.Size != 3 || o.ETag == "" || o.LastModified.IsZero() {
		t.Errorf("entry %+v", o)
	}
	_, err = bucket.ListObjects(oss.MaxKeys(1001))
	wantServiceError(t, err, 400, "InvalidArgument")
}

func TestMultipartUpload(t *testing.T) {
	h := start(t, nil)
	for _, version := range []oss.AuthVersionType{oss.AuthV1, oss.AuthV4} {
		bucket := h.bucket(t, oss.AuthVersion(version))
		upload, err := bucket.InitiateMultipartUpload("照片/big +.bin", oss.ContentType("image/png"))
		if err != nil {
			t.Fatal(err)
		}
		first, second := bytes.Repeat([]byte("a"), minPart), []byte("the end")
		parts := []oss.UploadPart{putPart(t, bucket, upload, 1, first), putPart(t, bucket, upload, 2, second)}

		_, err = bucket.CompleteMultipartUpload(upload, []oss.UploadPart{{PartNumber: 1, ETag: `"00"`}})
		wantServiceError(t, err, 400, "InvalidPart")
		_, err = bucket.CompleteMultipartUpload(upload, []oss.UploadPart{parts[0], parts[0]})
		wantServiceError(t, err, 400, "InvalidPartOrder")

		done, err := bucket.CompleteMultipartUpload(upload, parts)
		if err != nil {
			t.Fatal(err)
		}
		o, ok := h.Get(testBucket, "照片/big +.bin")
		if !ok || !bytes.Equal(o.Body, slices.Concat(first, second)) || o.ContentType != "image/png" || !strings.HasSuffix(o.ETag, "-2") ||
			done.ETag != `"`+o.ETag+`"` || done.Key != o.Key {
			t.Errorf("object %q %q, answer %+v", o.ETag, o.ContentType, done)
		}
		_, err = bucket.CompleteMultipartUpload(upload, parts)
		wantServiceError(t, err, 404, "NoSuchUpload")
		h.Delete(testBucket, o.Key)

		small, err := bucket.InitiateMultipartUpload("small")
		if err != nil {
			t.Fatal(err)
		}
		parts = []oss.UploadPart{putPart(t, bucket, small, 1, second), putPart(t, bucket, small, 2, second)}
		_, err = bucket.CompleteMultipartUpload(small, parts)
		wantServiceError(t, err, 400, "EntityTooSmall")
		if err := bucket.AbortMultipartUpload(small); err != nil {
			t.Error(err)
		}
		wantServiceError(t, bucket.AbortMultipartUpload(small), 404, "NoSuchUpload")
	}
}

func putPart(t *testing.T, bucket *oss.Bucket, upload oss.InitiateMultipartUploadResult, number int, body []byte) oss.UploadPart {
	t.Helper()
	part, err := bucket.UploadPart(upload, bytes.NewReader(body), int64(len(body)), number)
	if err != nil {
		t.Fatal(err)
	}
	return part
}

func TestPutCopiesItsArgument(t *testing.T) {
	h := start(t, nil)
	body := []byte("abc")
	h.Put("another-one", "k", "text/plain", body)
	body[0] = 'x'
	if o, ok := h.Get("another-one", "k"); !ok || string(o.Body) != "abc" {
		t.Errorf("stored %q", o.Body)
	}
	h.Delete("another-one", "k")
	if _, ok := h.Get("another-one", "k"); ok {
		t.Error("still there")
	}
}
