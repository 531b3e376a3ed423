package osssim

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// minPart is the least size of every part but the last; OSS checks it when the upload is completed.
const minPart = 100 << 10

// multipartUpload is guarded by the store's lock.
type multipartUpload struct {
	bucket, key, contentType string
	meta                     http.Header
	parts                    map[int]Object
}

type initiateXML struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	UploadID string   `xml:"UploadId"`
}

type completeRequestXML struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		Number int    `xml:"PartNumber"`
		ETag   string `xml:"ETag"`
	} `xml:"Part"`
}

type completeXML struct {
	XMLName  xml.Name `xml:"CompleteMultipartUploadResult"`
	Location string   `xml:"Location"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	ETag     string   `xml:"ETag"`
}

func (s *Server) initiateMultipart(c *call) error {
	if strings.EqualFold(c.r.Header.Get("X-Oss-Forbid-Overwrite"), "true") {
		if _, exists := s.store.get(c.bucket, c.key); exists {
			return errFileAlreadyExists()
		}
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	uploadID := strings.ToUpper(hex.EncodeToString(id[:]))
	s.store.mu.Lock()
	s.store.uploads[uploadID] = &multipartUpload{bucket: c.bucket, key: c.key, contentType: c.r.Header.Get("Content-Type"),
		meta: metaHeaders(c.r.Header), parts: map[int]Object{}}
	s.store.mu.Unlock()
	c.write(http.StatusOK, "application/xml", marshalXML(initiateXML{Bucket: c.bucket, Key: c.key, UploadID: uploadID}))
	return nil
}

func (s *Server) uploadPart(c *call) error {
	number, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || number < 1 || number > 10000 {
		return errInvalidArgument("Part number must be an integer between 1 and 10000, inclusive.", "partNumber", c.query.Get("partNumber"))
	}
	body, err := c.readBody(s.cfg.MaxObject)
	if err != nil {
		return err
	}
	if err := checkContentMD5(c.r.Header.Get("Content-MD5"), body); err != nil {
		return err
	}
	part := newObject(c.bucket, c.key, "", body, c.now)
	if err := s.store.putPart(c, number, part, s.cfg.MaxObject); err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+part.ETag+`"`)
	c.w.Header().Set("X-Oss-Hash-Crc64ecma", fmt.Sprint(part.CRC64))
	c.write(http.StatusOK, "", nil)
	return nil
}

func (st *store) putPart(c *call, number int, part Object, max int64) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	upload, err := st.uploadLocked(c)
	if err != nil {
		return err
	}
	total := part.Size
	for n, p := range upload.parts {
		if n != number {
			total += p.Size
		}
	}
	if total > max {
		return errEntityTooLarge(max)
	}
	upload.parts[number] = part
	return nil
}

func (st *store) uploadLocked(c *call) (*multipartUpload, error) {
	upload, ok := st.uploads[c.query.Get("uploadId")]
	if !ok || upload.bucket != c.bucket || upload.key != c.key {
		return nil, &apiError{Status: http.StatusNotFound, Code: "NoSuchUpload",
			Message: "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}
	}
	return upload, nil
}

// snapshot copies what Complete needs, so that the parts can be joined without the lock.
func (st *store) snapshot(c *call) (multipartUpload, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	upload, err := st.uploadLocked(c)
	if err != nil {
		return multipartUpload{}, err
	}
	copied := *upload
	copied.parts = maps.Clone(upload.parts)
	return copied, nil
}

func (st *store) removeUpload(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.uploads, id)
}

func (s *Server) completeMultipart(c *call) error {
	callback, err := s.callbackFromRequest(c)
	if err != nil {
		return err
	}
	text, err := c.readBody(2 << 20)
	if err != nil {
		return err
	}
	var request completeRequestXML
	if err := xml.Unmarshal(text, &request); err != nil || len(request.Parts) == 0 {
		return &apiError{Status: http.StatusBadRequest, Code: "MalformedXML", Message: "The XML you provided was not well-formed."}
	}
	upload, err := s.store.snapshot(c)
	if err != nil {
		return err
	}
	o, err := upload.join(request, c)
	if err != nil {
		return err
	}
	if err := s.keep(o, c.r.Header.Get("X-Oss-Forbid-Overwrite")); err != nil {
		return err
	}
	s.store.removeUpload(c.query.Get("uploadId"))
	return s.finishUpload(c, o, callback, func() {
		c.write(http.StatusOK, "application/xml", marshalXML(completeXML{Location: "http://" + c.r.Host + c.r.URL.EscapedPath(),
			Bucket: c.bucket, Key: c.key, ETag: `"` + o.ETag + `"`}))
	})
}

// join makes one object of the listed parts.
func (u multipartUpload) join(request completeRequestXML, c *call) (Object, error) {
	var bodies [][]byte
	digests := md5.New()
	for i, listed := range request.Parts {
		if i > 0 && listed.Number <= request.Parts[i-1].Number {
			return Object{}, &apiError{Status: http.StatusBadRequest, Code: "InvalidPartOrder",
				Message: "The list of parts was not in ascending order. Parts list must be specified in order by part number."}
		}
		part, ok := u.parts[listed.Number]
		if !ok || !etagIn(listed.ETag, part.ETag) {
			return Object{}, &apiError{Status: http.StatusBadRequest, Code: "InvalidPart",
				Message: "One or more of the specified parts could not be found or the specified entity tag might not have matched the part's."}
		}
		if i < len(request.Parts)-1 && part.Size < minPart {
			return Object{}, &apiError{Status: http.StatusBadRequest, Code: "EntityTooSmall",
				Message: "Your proposed upload is smaller than the minimum allowed size."}
		}
		bodies = append(bodies, part.Body)
		digests.Write([]byte(part.ETag))
	}
	o := newObject(u.bucket, u.key, u.contentType, slices.Concat(bodies...), c.now)
	o.Meta = u.meta
	o.ETag = fmt.Sprintf("%X-%d", digests.Sum(nil), len(request.Parts))
	o.ContentMD5 = ""
	return o, nil
}

func (s *Server) abortMultipart(c *call) error {
	if _, err := s.store.snapshot(c); err != nil {
		return err
	}
	s.store.removeUpload(c.query.Get("uploadId"))
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
