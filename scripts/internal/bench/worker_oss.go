package bench

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"oss-callback/queue"
)

// emptyList is what OSS says of an outbox with nothing in it.
const emptyList = `<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>`

// originals is an OSS that has one photograph under every name and no thumbnail. It answers what the worker asks from memory, checks
// nothing, and tells of each thumbnail that is written.
type originals struct {
	url    string
	photo  []byte
	etag   string
	stored chan string // the MD5 of each
	server *http.Server
}

// startOriginals waits with a thumbnail when nobody hears of more than 1024.
func startOriginals(photo []byte) (*originals, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &originals{url: "http://" + listener.Addr().String(), photo: photo, etag: fmt.Sprintf("%X", md5.Sum(photo)), stored: make(chan string, 1024)}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = o.server.Serve(listener) }() // until stop
	return o, nil
}

func (o *originals) stop() { _ = o.server.Close() }

// ServeHTTP implements http.Handler.
func (o *originals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Oss-Request-Id", "5C1B138A109F4E405B2D0000")
	switch {
	case r.URL.Query().Has("list-type"):
		_, _ = io.WriteString(w, emptyList) // a client that left needs no answer
	case r.Method == http.MethodGet:
		w.Header().Set("ETag", `"`+o.etag+`"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(o.photo)))
		_, _ = w.Write(o.photo)
	case r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/"+bucket+"/"+queue.OutputPrefix):
		made, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return
		}
		select {
		case o.stored <- fmt.Sprintf("%x", md5.Sum(made)):
		case <-r.Context().Done():
		}
	case r.Method == http.MethodPut, r.Method == http.MethodDelete: // the outbox
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// job is the work of an upload of that name.
func (o *originals) job(name string) queue.Job {
	return queue.Job{
		V: queue.Version, ID: queue.JobID(bucket, name, o.etag, ""), Bucket: bucket, Object: name, ETag: o.etag, Size: int64(len(o.photo)),
		MimeType: "image/jpeg", Accepted: time.Now().UTC(),
	}
}

// await returns when so many thumbnails have been written, and the MD5 of the last one.
func (o *originals) await(ctx context.Context, n int) (md5 string, err error) {
	for i := range n {
		select {
		case md5 = <-o.stored:
		case <-ctx.Done():
			return "", fmt.Errorf("%d of %d thumbnails: %w", i, n, ctx.Err())
		}
	}
	return md5, nil
}
