package osssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"net"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// piece is a stretch of a callbackBody: literal text, or the name of a variable.
type piece struct {
	literal  string
	variable string
}

// parseTemplate splits a callbackBody at its ${name} placeholders. A "$" that does not open one is refused, as by OSS, so is "$(name)".
func parseTemplate(template string) ([]piece, error) {
	fault := func(message string) error { return errCallback("105", message, "ReplaceKeyPrefix", template) }
	var pieces []piece
	rest := template
	for {
		literal, after, found := strings.Cut(rest, "$")
		if literal != "" {
			pieces = append(pieces, piece{literal: literal})
		}
		if !found {
			return pieces, nil
		}
		after, ok := strings.CutPrefix(after, "{")
		if !ok {
			return nil, fault("Left brace must be adjacent to dollar sign.")
		}
		name, remainder, ok := strings.Cut(after, "}")
		if !ok || name == "" || strings.ContainsAny(name, "${") {
			return nil, fault("Right brace is missing or the name is invalid.") // our words
		}
		pieces = append(pieces, piece{variable: name})
		rest = remainder
	}
}

// variable is a value to put into a callbackBody. Numbers stay bare in JSON.
type variable struct {
	text   string
	number bool
}

// variables collects the values for one upload. The verdict is not OK if the image's facts were asked for and the object is gone or broken.
// What is not an image has empty ones.
func (s *Server) variables(c *call, o Object, p *callbackParams) (map[string]variable, Verdict) {
	clientIP, _, _ := net.SplitHostPort(c.r.RemoteAddr)
	vars := map[string]variable{
		"bucket":     {text: o.Bucket},
		"object":     {text: o.Key},
		"etag":       {text: o.ETag},
		"size":       {text: strconv.FormatInt(o.Size, 10), number: true},
		"mimeType":   {text: o.ContentType},
		"crc64":      {text: strconv.FormatUint(o.CRC64, 10)},
		"contentMd5": {text: o.ContentMD5},
		"vpcId":      {},
		"clientIp":   {text: clientIP},
		"reqId":      {text: c.id},
		"operation":  {text: c.operation},
	}
	for name, value := range p.vars {
		if strings.HasPrefix(name, "x:") {
			vars[name] = variable{text: value}
		}
	}
	if !p.usesImageInfo() {
		return vars, accepted()
	}
	vars["imageInfo.height"], vars["imageInfo.width"] = variable{number: true}, variable{number: true}
	if f, ok := s.faults.take("ImageInfo", o.Key); ok && (!wait(s.base, f.Delay) || !f.onlyDelays()) {
		return nil, noImageInfo("301")
	}
	stored, ok := s.store.get(o.Bucket, o.Key)
	if !ok {
		return nil, noImageInfo("301")
	}
	switch facts, err := inspect(stored.Body); {
	case errors.Is(err, image.ErrFormat):
	case err != nil:
		return nil, noImageInfo("302")
	default:
		vars["imageInfo.height"] = variable{text: strconv.Itoa(facts.height), number: true}
		vars["imageInfo.width"] = variable{text: strconv.Itoa(facts.width), number: true}
		vars["imageInfo.format"] = variable{text: facts.format}
	}
	return vars, accepted()
}

// substitute fills a template in. Unknown and missing variables are empty strings. In a form each value is percent-encoded; in JSON strings
// get their quotes here, so that templates must not have any. The result is sent whether it is well-formed or not.
func substitute(template []piece, vars map[string]variable, bodyType string, b Behaviour) []byte {
	var out bytes.Buffer
	for _, piece := range template {
		if piece.variable == "" {
			out.WriteString(piece.literal)
			continue
		}
		switch v, known := vars[piece.variable]; {
		case !known && b.UnknownKept:
			out.WriteString("${" + piece.variable + "}")
		case bodyType == formType:
			out.WriteString(b.formValue(v.text))
		case !known && b.UnknownNull:
			out.WriteString("null")
		case v.number:
			out.WriteString(v.text)
		default:
			out.WriteString(b.jsonString(v.text))
		}
	}
	return out.Bytes()
}

// percentEncode escapes everything but the unreserved characters of RFC 3986, in upper-case hex.
func percentEncode(text string) string {
	const hexDigits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(text) {
		switch ch := text[i]; {
		case 'a' <= ch && ch <= 'z', 'A' <= ch && ch <= 'Z', '0' <= ch && ch <= '9', strings.IndexByte("-_.~", ch) >= 0:
			out.WriteByte(ch)
		default:
			out.WriteByte('%')
			out.WriteByte(hexDigits[ch>>4])
			out.WriteByte(hexDigits[ch&15])
		}
	}
	return out.String()
}

// formValue encodes the value of a variable for a form.
func (b Behaviour) formValue(text string) string {
	text = percentEncode(text)
	if b.FormSpaceAsPlus {
		text = strings.ReplaceAll(text, "%20", "+")
	}
	if b.FormEscapesTilde {
		text = strings.ReplaceAll(text, "~", "%7E")
	}
	if b.FormKeepsStar {
		text = strings.ReplaceAll(text, "%2A", "*")
	}
	return text
}

// jsonString quotes the value of a variable for JSON, without escaping "/", "<", ">" and "&".
func (b Behaviour) jsonString(text string) string {
	if b.JSONEscapesNothing {
		return `"` + text + `"`
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string into a buffer: cannot fail
	quoted := strings.TrimSuffix(out.String(), "\n")
	if !b.JSONEscapesNonASCII {
		return quoted
	}
	var ascii strings.Builder
	for _, r := range quoted {
		if r < utf8.RuneSelf {
			ascii.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return ascii.String()
}
