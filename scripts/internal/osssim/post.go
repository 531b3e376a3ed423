package osssim

import (
	"encoding/xml"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
)

// Caps on what a form may hold beside its file.
const (
	maxFormFields = 100
	maxFormField  = 64 << 10
)

// form is a PostObject request taken apart. Field names are lower-case, since OSS does not mind their case, but for "x:" variables.
type form struct {
	fields   map[string]string
	fileName string
	fileType string
	file     []byte
}

type postXML struct {
	XMLName  xml.Name `xml:"PostResponse"`
	Bucket   string   `xml:"Bucket"`
	ETag     string   `xml:"ETag"`
	Key      string   `xml:"Key"`
	Location string   `xml:"Location"`
}

// postObject takes a browser's form upload. The policy is checked before the callback, both before anything is stored.
func (s *Server) postObject(c *call) error {
	f, err := readForm(c.r, s.cfg.MaxObject)
	if err != nil {
		return err
	}
	c.key = strings.ReplaceAll(f.fields["key"], "${filename}", f.fileName)
	if !validKey(c.key) {
		return errInvalidObjectName()
	}
	if err := s.applyFault(c); err != nil { // not before: the key stands in the form
		return err
	}
	if err := s.authenticateForm(c, f); err != nil {
		return err
	}
	callback, err := s.callbackFromForm(c, f)
	if err != nil {
		return err
	}
	contentType := f.fields["content-type"]
	if contentType == "" {
		contentType = f.fileType
	}
	if err := checkContentMD5(f.fields["content-md5"], f.file); err != nil {
		return err
	}
	o := newObject(c.bucket, c.key, contentType, f.file, c.now)
	o.Meta = f.meta()
	if err := s.keep(o, f.fields["x-oss-forbid-overwrite"]); err != nil {
		return err
	}
	return s.finishUpload(c, o, callback, func() { c.answerPost(o, f) })
}

func (c *call) answerPost(o Object, f form) {
	location := "http://" + c.r.Host + "/" + c.bucket + "/" + percentEncode(c.key)
	switch f.fields["success_action_status"] {
	case "200":
		c.write(http.StatusOK, "", nil)
	case "201":
		c.write(http.StatusCreated, "application/xml",
			marshalXML(postXML{Bucket: c.bucket, ETag: `"` + o.ETag + `"`, Key: c.key, Location: location}))
	default:
		c.w.WriteHeader(http.StatusNoContent)
	}
}

// callbackFromForm reads the callback field; each custom variable is a field of its own.
func (s *Server) callbackFromForm(c *call, f form) (*callbackParams, error) {
	encoded, asked := f.fields["callback"]
	if !asked {
		return nil, nil
	}
	p, err := parseCallback(encoded, s.cfg.Behaviour)
	if err != nil || p == nil {
		return nil, err
	}
	p.vars = map[string]string{}
	for name, value := range f.fields {
		if strings.HasPrefix(name, "x:") {
			p.vars[name] = value
		}
	}
	return p, s.admit(c.r.Context(), p.targets)
}

func (f form) meta() http.Header {
	h := http.Header{}
	for name, value := range f.fields {
		h.Set(textproto.CanonicalMIMEHeaderKey(name), value)
	}
	return metaHeaders(h)
}

// readForm reads fields up to the file, which must come last: OSS ignores what follows it.
func readForm(r *http.Request, maxFile int64) (form, error) {
	f := form{fields: map[string]string{}}
	malformed := &apiError{Status: http.StatusBadRequest, Code: "MalformedPOSTRequest",
		Message: "The body of your POST request is not well-formed multipart/form-data."}
	parts, err := r.MultipartReader()
	if err != nil {
		return f, malformed
	}
	for range maxFormFields {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, &apiError{Status: http.StatusBadRequest, Code: "IncorrectNumberOfFilesInPOSTRequest",
				Message: "POST requires exactly one file upload per request."}
		}
		if err != nil {
			return f, malformed
		}
		if strings.EqualFold(part.FormName(), "file") {
			f.fileName, f.fileType = part.FileName(), part.Header.Get("Content-Type")
			f.file, err = readPart(part, maxFile)
			return f, err
		}
		value, err := readPart(part, maxFormField)
		if err != nil {
			return f, err
		}
		name := part.FormName()
		if !strings.HasPrefix(name, "x:") {
			name = strings.ToLower(name)
		}
		f.fields[name] = string(value)
	}
	return f, &apiError{Status: http.StatusBadRequest, Code: "FieldItemTooLong", Message: "The form holds too many fields."}
}

func readPart(part *multipart.Part, max int64) ([]byte, error) {
	value, err := io.ReadAll(io.LimitReader(part, max+1))
	if err != nil {
		return nil, &apiError{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The request body terminated unexpectedly."}
	}
	if int64(len(value)) > max {
		return nil, errEntityTooLarge(max)
	}
	return value, nil
}
