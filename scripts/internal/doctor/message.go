package doctor

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
	// bigBody is larger than what our function takes (64 KiB), and than any callback of OSS.
	bigBody = 70 << 10
)

// message is a callback of our own making.
type message struct {
	proto         string // "" is HTTP/1.1
	host          string // "" is the target's
	path, query   string
	contentType   string
	body          []byte
	authorization string
	more          []string // header lines beside the usual ones
	requestID     string   // "" is a new one
}

// altered is the message with one character of its body changed and its signature kept.
func (m message) altered() message {
	m.body = altered(m.body)
	return m
}

// altered changes the last digit, or else the last letter, into its neighbour: what was a form or JSON stays one.
func altered(body []byte) []byte {
	body = slices.Clone(body)
	i := bytes.LastIndexAny(body, "0123456789")
	if i < 0 {
		i = bytes.LastIndexAny(body, "bcdefghijklmnopqrstuvwxy")
	}
	if i < 0 {
		return append(body, '0')
	}
	body[i] ^= 1
	return body
}

// sender makes the callbacks of one examination.
type sender struct {
	target         target
	bucket, object string
	now            time.Time
}

func newSender(t target, bucket, object string) sender {
	return sender{
		target: t, bucket: cmp.Or(bucket, "oss-callback-doctor"), object: cmp.Or(object, "oss-callback-doctor/no-such-object"),
		now: time.Now(),
	}
}

// newRequestID is one like OSS's: the time and something random. Every callback has its own, or a guard against replays would refuse it.
func (s sender) newRequestID() string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return fmt.Sprintf("%08X", s.now.Unix()) + strings.ToUpper(hex.EncodeToString(random[:]))
}

// form is a callback with a form body. Until it is signed its authorization is one that fits another body.
func (s sender) form() message {
	id := s.newRequestID()
	return message{
		requestID: id, path: s.target.path, query: s.target.query, contentType: formType, authorization: sample.authorization,
		body: []byte("bucket=" + url.QueryEscape(s.bucket) + "&object=" + url.QueryEscape(s.object) +
			"&mimeType=image%2Fjpeg&reqId=" + id),
	}
}

// json says the same in JSON.
func (s sender) json() message {
	m := s.form()
	m.contentType = jsonType
	m.body, _ = json.Marshal(map[string]string{ // strings always marshal
		"bucket": s.bucket, "object": s.object, "mimeType": "image/jpeg", "reqId": m.requestID,
	})
	return m
}

// big is a form body with a variable of 70 KB.
func (s sender) big() message {
	m := s.form()
	m.body = append(append(m.body, "&x:padding="...), bytes.Repeat([]byte("x"), bigBody)...)
	return m
}

// odd is a form body with headers as only some captured callbacks have them, and others in an unusual form.
func (s sender) odd() message {
	m := s.form()
	m.more = []string{
		"x-oss-owner: 1000000000000001",
		"x-oss-additional-headers:",
		"x-oss-hash-crc64ecma: 0",
		"x-oss-meta-doctor: 1",
		"eagleeye-rpcid: 0.1",
		"Accept: */*",
	}
	return m
}

// render is the request as it goes over the wire.
func (s sender) render(m message) []byte {
	target := m.path
	if m.query != "" {
		target += "?" + m.query
	}
	date := http.TimeFormat
	if len(m.more) > 0 {
		date = "Monday, 02-Jan-06 15:04:05 GMT" // RFC 850's, which HTTP also has to understand
	}
	sum := md5.Sum(m.body)
	var out bytes.Buffer
	fmt.Fprintf(&out, "POST %s %s\r\n", target, cmp.Or(m.proto, "HTTP/1.1"))
	for _, line := range append([]string{
		"Host: " + cmp.Or(m.host, s.target.hostport()),
		"Connection: close",
		fmt.Sprintf("Content-Length: %d", len(m.body)),
		"authorization: " + m.authorization,
		"Content-MD5: " + base64.StdEncoding.EncodeToString(sum[:]),
		"Content-Type: " + m.contentType,
		"Date: " + s.now.UTC().Format(date),
		"User-Agent: aliyun-oss-callback",
		"x-oss-bucket: " + s.bucket,
		"x-oss-pub-key-url: " + base64.StdEncoding.EncodeToString([]byte(publicKeyURL)),
		"x-oss-request-id: " + cmp.Or(m.requestID, s.newRequestID()),
		"x-oss-requester: 1000000000000001",
		"x-oss-signature-version: 1.0",
		"x-oss-tag: CALLBACK",
	}, m.more...) {
		out.WriteString(line + "\r\n")
	}
	out.WriteString("\r\n")
	out.Write(m.body)
	return out.Bytes()
}
