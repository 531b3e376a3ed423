package doctor

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// reply is what an endpoint answered, its header as it stood on the wire.
type reply struct {
	proto  string // "HTTP/1.1"
	status int
	header http.Header
	body   []byte // without the coding of chunks, and no more than Content-Length says; at most maxBody + 1 bytes
	extra  []byte // what came after as many bytes as Content-Length says
	open   bool   // the connection was left open after the answer
}

// bodyless tells of statuses that never have a body.
func (got reply) bodyless() bool {
	return got.status == http.StatusNoContent || got.status == http.StatusNotModified
}

func (got reply) chunked() bool { return got.header.Get("Transfer-Encoding") != "" }

// length is the Content-Length if it is the only one, a number, and no longer than OSS takes.
func (got reply) length() (int, bool) {
	values := got.header.Values("Content-Length")
	if len(values) != 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(values[0], 10, 32)
	return int(n), err == nil && n <= maxBody
}

// unended names the rule that keeps a reply, over a connection that was left open, from ever ending; "" if it ended.
func (got reply) unended() string {
	n, known := got.length()
	switch {
	case !got.open:
		return ""
	case got.chunked():
		return ruleNotChunked
	case known && len(got.body) < n:
		return ruleExact
	case !known && !complete(got.body):
		return ruleLength
	default:
		return ""
	}
}

// text is the body without a byte order mark.
func (got reply) text() []byte { return bytes.TrimPrefix(got.body, []byte(utf8BOM)) }

// code is what our function's answers, and many others', call their error.
func (got reply) code() string {
	var answer struct{ Error any }
	if json.Unmarshal(got.text(), &answer) != nil {
		return ""
	}
	code, _ := answer.Error.(string)
	return code
}

const utf8BOM = "\xef\xbb\xbf"

func complete(body []byte) bool { return json.Valid(bytes.TrimPrefix(body, []byte(utf8BOM))) }
