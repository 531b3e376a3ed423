package imageinfo

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// maxAnswer bounds what is read of any answer, in bytes. image/info with all its EXIF data stays below 64 KiB.
const maxAnswer = 256 << 10

// newTransport suits an instance that is frozen between requests: connections that have idled are not trusted for long, and
// one that died meanwhile costs a retry and not the deadline.
func newTransport() http.RoundTripper {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 500 * time.Millisecond, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   700 * time.Millisecond,
		ResponseHeaderTimeout: attemptTimeout,
		IdleConnTimeout:       20 * time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		DisableCompression:    true, // the answer is short
	}
}

// cappedTransport bounds every body, also those that the SDK reads whole on errors.
type cappedTransport struct{ next http.RoundTripper }

func (t cappedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &cappedBody{ReadCloser: resp.Body, left: maxAnswer + 1}
	return resp, nil
}

type cappedBody struct {
	io.ReadCloser
	left int
}

func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("answer is longer than %d bytes", maxAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
