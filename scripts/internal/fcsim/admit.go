package fcsim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// Limits of a synchronous request through an HTTP trigger.
const (
	maxHeaderBytes = 8 << 10
	maxTargetBytes = 4 << 10 // path and query
	maxBodyBytes   = 32 << 20
)

// admit judges a request before any instance sees it and reads its body. A non-nil answer is the platform's refusal.
func (s *Server) admit(r *http.Request) ([]byte, *answer) {
	refuse := func(status int, code, message string) ([]byte, *answer) {
		a := platformError(status, code, message)
		return nil, &a
	}
	if !slices.Contains(s.cfg.Methods, r.Method) {
		return refuse(http.StatusForbidden, "FCCommonError", "method "+r.Method+" is not allowed by the trigger")
	}
	if n := len(r.RequestURI); n > maxTargetBytes {
		return refuse(http.StatusBadRequest, "InvalidArgument", fmt.Sprintf("path and query have %d bytes, the limit is %d", n, maxTargetBytes))
	}
	if n := headerBytes(r.Header); n > maxHeaderBytes {
		return refuse(http.StatusBadRequest, "InvalidArgument", fmt.Sprintf("headers have %d bytes, the limit is %d", n, maxHeaderBytes))
	}
	body, err := readCapped(r.Body, maxBodyBytes)
	if errors.Is(err, errTooBig) {
		return refuse(http.StatusBadRequest, "InvalidArgument", fmt.Sprintf("body is larger than %d bytes", maxBodyBytes))
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidArgument", "body could not be read")
	}
	return body, nil
}

// headerBytes counts name, ": ", value and line end of every header line.
func headerBytes(h http.Header) (n int) {
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}

var errTooBig = errors.New("fcsim: too big")

// readCapped reads all of r, or returns errTooBig if there are more than limit bytes.
func readCapped(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, errTooBig
	}
	return b, err
}
