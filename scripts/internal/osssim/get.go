package osssim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// find returns the object of the request, or why it cannot be had.
func (s *Server) find(c *call) (Object, error) {
	o, ok := s.store.get(c.bucket, c.key)
	if !ok {
		return Object{}, errNoSuchKey(c.key)
	}
	if match := c.r.Header.Get("If-Match"); match != "" && !etagIn(match, o.ETag) {
		return Object{}, errPreconditionFailed()
	}
	if none := c.r.Header.Get("If-None-Match"); none != "" && etagIn(none, o.ETag) {
		return Object{}, &apiError{Status: http.StatusNotModified, Code: "NotModified", Message: "Not modified."}
	}
	return o, nil
}

// etagIn tells whether a comma-separated list holds etag; quotes and case do not matter, "*" is any.
func etagIn(list, etag string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "*" || strings.EqualFold(strings.Trim(item, `"`), etag) {
			return true
		}
	}
	return false
}

func (s *Server) getObject(c *call) error {
	o, err := s.find(c)
	if err != nil {
		return err
	}
	c.describe(o)
	status, body := http.StatusOK, o.Body
	if first, last, ok := byteRange(c.r.Header.Get("Range"), o.Size); ok {
		status, body = http.StatusPartialContent, o.Body[first:last+1]
		c.w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, o.Size))
	}
	c.write(status, o.ContentType, body)
	return nil
}

// headObject answers HeadObject and GetObjectMeta: the same headers here, never a body.
func (s *Server) headObject(c *call) error {
	o, err := s.find(c)
	if err != nil {
		return err
	}
	c.describe(o)
	c.w.Header().Set("Content-Type", o.ContentType)
	c.w.Header().Set("Content-Length", strconv.FormatInt(o.Size, 10))
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) deleteObject(c *call) error {
	s.store.delete(c.bucket, c.key)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *call) describe(o Object) {
	h := c.w.Header()
	for name, values := range o.Meta {
		h[name] = values
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("ETag", `"`+o.ETag+`"`)
	h.Set("Last-Modified", o.LastModified.Format(http.TimeFormat))
	h.Set("X-Oss-Hash-Crc64ecma", fmt.Sprint(o.CRC64))
	h.Set("X-Oss-Object-Type", objectType(o))
	h.Set("X-Oss-Storage-Class", "Standard")
	if o.ContentMD5 != "" {
		h.Set("Content-MD5", o.ContentMD5)
	}
}

func objectType(o Object) string {
	if strings.Contains(o.ETag, "-") {
		return "Multipart"
	}
	return "Normal"
}

// byteRange reads "bytes=a-b", "bytes=a-" or "bytes=-n". OSS ignores a range that makes no sense for the object and sends all of it.
func byteRange(header string, size int64) (first, last int64, ok bool) {
	spec, found := strings.CutPrefix(header, "bytes=")
	from, to, dash := strings.Cut(spec, "-")
	if !found || !dash || size == 0 {
		return 0, 0, false
	}
	last = size - 1
	if from == "" {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil || n <= 0 {
			return 0, 0, false
		}
		return max(size-n, 0), last, true
	}
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil || first < 0 || first >= size {
		return 0, 0, false
	}
	if to != "" {
		end, err := strconv.ParseInt(to, 10, 64)
		if err != nil || end < first {
			return 0, 0, false
		}
		last = min(end, last)
	}
	return first, last, true
}
