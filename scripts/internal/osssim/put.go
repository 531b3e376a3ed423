package osssim

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

func (s *Server) putObject(c *call) error {
	callback, err := s.callbackFromRequest(c)
	if err != nil {
		return err
	}
	body, err := c.readBody(s.cfg.MaxObject)
	if err != nil {
		return err
	}
	if err := checkContentMD5(c.r.Header.Get("Content-MD5"), body); err != nil {
		return err
	}
	o := newObject(c.bucket, c.key, c.r.Header.Get("Content-Type"), body, c.now)
	o.Meta = metaHeaders(c.r.Header)
	if err := s.keep(o, c.r.Header.Get("X-Oss-Forbid-Overwrite")); err != nil {
		return err
	}
	return s.finishUpload(c, o, callback, func() { c.write(http.StatusOK, "", nil) })
}

// checkContentMD5 compares a Content-MD5 header, if there is one, with the body.
func checkContentMD5(header string, body []byte) error {
	if header == "" {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(want) != md5.Size {
		return &apiError{Status: http.StatusBadRequest, Code: "InvalidDigest", Message: "The Content-MD5 you specified is not valid."}
	}
	if md5.Sum(body) != [md5.Size]byte(want) {
		return &apiError{Status: http.StatusBadRequest, Code: "BadDigest",
			Message: "The Content-MD5 you specified did not match what we received."}
	}
	return nil
}

// metaHeaders keeps what OSS stores with an object.
func metaHeaders(h http.Header) http.Header {
	kept := http.Header{}
	for name, values := range h {
		switch {
		case strings.HasPrefix(name, "X-Oss-Meta-"), name == "Cache-Control", name == "Content-Disposition", name == "Content-Encoding",
			name == "Expires":
			kept[name] = values
		}
	}
	return kept
}

// keep stores o. forbidOverwrite is the header or form field of that name.
func (s *Server) keep(o Object, forbidOverwrite string) error {
	if !strings.EqualFold(forbidOverwrite, "true") {
		s.store.put(o)
		return nil
	}
	if !s.store.putNew(o) {
		return errFileAlreadyExists()
	}
	return nil
}

func errFileAlreadyExists() *apiError {
	return &apiError{Status: http.StatusConflict, Code: "FileAlreadyExists",
		Message: "The object you specified already exists and can not be overwritten."}
}

// finishUpload answers an upload whose object is stored: with plain if no callback was asked for, else with the endpoint's reply, or with
// 203 CallbackFailed, which leaves the object where it is.
func (s *Server) finishUpload(c *call, o Object, callback *callbackParams, plain func()) error {
	h := c.w.Header()
	h.Set("ETag", `"`+o.ETag+`"`)
	h.Set("X-Oss-Hash-Crc64ecma", fmt.Sprint(o.CRC64))
	if o.ContentMD5 != "" {
		h.Set("Content-MD5", o.ContentMD5)
	}
	if callback == nil {
		plain()
		return nil
	}
	exchange := s.callBack(c, o, callback)
	if v := exchange.Verdict; !v.OK {
		return &apiError{Status: v.Status, Code: v.Code, Message: v.Message, EC: v.EC}
	}
	if s.cfg.Behaviour.PostKeepsStatus && c.operation == "PostObject" {
		plain()
		return nil
	}
	contentType := exchange.Header.Get("Content-Type")
	if contentType == "" {
		contentType = "application/json"
	}
	c.write(http.StatusOK, contentType, exchange.Body)
	return nil
}
