package osssim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// maxReply is the longest reply OSS takes by the stricter of its documented limits.
const maxReply = 1 << 20

// Verdict is what OSS makes of a reply: OK with Status 200, or Status 203 with the error that the uploader gets.
type Verdict struct {
	OK      bool
	Status  int    // 200 or 203
	Code    string // "CallbackFailed" unless OK
	Message string
	EC      string // "0007-00000203" and the like; OSS may change these numbers
}

func accepted() Verdict { return Verdict{OK: true, Status: http.StatusOK} }

func refused(ec, message string) Verdict {
	return Verdict{Status: http.StatusNonAuthoritativeInfo, Code: "CallbackFailed", EC: "0007-00000" + ec, Message: message}
}

func unreachable() Verdict {
	return refused("203", "Error status : -1.OSS can not connect to your callbackUrl, please check it.")
}

func tooManyCallbacks() Verdict { return refused("201", "Too many callback requests.") }

// overruled is the verdict of an injected fault.
func overruled(f Fault) Verdict {
	v := tooManyCallbacks()
	v.EC, v.Message = cmp.Or(f.EC, v.EC), cmp.Or(f.Message, v.Message)
	return v
}

func noImageInfo(ec string) Verdict { return refused(ec, "Get image info failed.") }

func timedOut(b Behaviour, addr string, cost, timeout time.Duration) Verdict {
	if b.TimeoutWithAddress {
		return refused("202", fmt.Sprintf("%s reply timeout, cost:%dms, timeout:%dms (err -4, errno115)", addr, cost.Milliseconds(), timeout.Milliseconds()))
	}
	return refused("202", "Cost too long time.")
}

// Judge decides on a callback endpoint's reply as OSS does, with the zero Behaviour. header is the header as it stood on the wire:
// Content-Length (missing, zero, doubled, not a number, too long) and Transfer-Encoding are judged from it, never from the body. A
// *http.Response of net/http keeps its coding apart; put resp.TransferEncoding back first. Judge is pure.
func Judge(status int, header http.Header, body []byte) Verdict {
	return Behaviour{}.Judge(status, header, body)
}

// Judge is like the function of that name, under the behaviour b.
func (b Behaviour) Judge(status int, header http.Header, body []byte) Verdict {
	length, verdict := b.judgeHead(status, header)
	if !verdict.OK {
		return verdict
	}
	if length >= 0 && length != len(body) {
		return b.errorStatus400("User server return invalid conent-length value.")
	}
	if len(body) > maxReply {
		return b.errorStatus400("User server return too long content-length value.")
	}
	return b.judgeBody(header, body)
}

// judgeHead decides what can be decided before the body is read and returns the body's length, -1 if it is chunked.
func (b Behaviour) judgeHead(status int, header http.Header) (int, Verdict) {
	if status != http.StatusOK {
		return 0, refused("203", fmt.Sprintf("Error status : %d.", status))
	}
	if header.Get("Transfer-Encoding") != "" && b.ChunkedReply {
		return -1, accepted()
	}
	values := header.Values("Content-Length")
	if len(values) == 0 || header.Get("Transfer-Encoding") != "" {
		return 0, b.errorStatus400("User server missing content-length.")
	}
	text := strings.TrimLeft(values[0], "0")
	if len(values) > 1 || text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, b.errorStatus400("User server return invalid conent-length value.") // sic, as OSS spells it
	}
	length := 0
	for _, digit := range text { // stops long before it could overflow
		if length = length*10 + int(digit-'0'); length > maxReply {
			return 0, b.errorStatus400("User server return too long content-length value.")
		}
	}
	return length, accepted()
}

// errorStatus400 words a fault of the reply's length. That these carry 0204 is inferred: no public page shows the number.
func (b Behaviour) errorStatus400(reason string) Verdict {
	ec := "204"
	if b.LengthAsStatus {
		ec = "203"
	}
	return refused(ec, "Error Status : 400."+reason)
}

func (b Behaviour) judgeBody(header http.Header, body []byte) Verdict {
	if media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); b.XMLReply && media == "application/xml" && wellFormed(body) {
		return accepted()
	}
	first := byte(0)
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 {
		first = trimmed[0]
	}
	if !json.Valid(body) || (first != '{' && first != '[' && !b.ScalarJSON) { // a byte order mark is not valid JSON either
		return refused("205", "Response body is not valid json format.")
	}
	return accepted()
}

func wellFormed(body []byte) bool {
	decoder, elements := xml.NewDecoder(bytes.NewReader(body)), 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return elements > 0
		}
		if err != nil {
			return false
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
}
