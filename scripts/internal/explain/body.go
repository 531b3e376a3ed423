package explain

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const bom = "\xef\xbb\xbf"

// bodyReadings are what the signed body may have been. A line break at its end is mostly the editor's: the body without it is as plain as
// the body, so that two changes can still be found beside it.
func bodyReadings(c Capture) readings {
	body := string(c.Body)
	r := readings{plain: []variant{{text: body}}, further: textRules, rare: none}
	var set variants
	set.add(body)
	for _, v := range textRules(body) {
		set.add(v.text, v.by...)
	}
	r.rare = addForms(body, &set)
	if trimmed := strings.TrimSuffix(strings.TrimSuffix(body, "\n"), "\r"); trimmed != body {
		newline := change{BodyTrailingNewline, ""}
		r.plain = append(r.plain, variant{trimmed, []change{newline}})
		for _, v := range textRules(trimmed) {
			set.add(v.text, append([]change{newline}, v.by...)...)
		}
		r.rare = addForms(trimmed, &set, newline)
	}
	r.single = set.list[1:]
	return r
}

// maxPieces bounds the parameters of a form, or the tokens of JSON, that are written anew. A callbackBody template has at most 3.75 KB.
const maxPieces = 1024

// addForms adds the body as other serialisers would have written it to set, and returns further ones, if they are many.
func addForms(body string, set *variants, before ...change) iter.Seq[variant] {
	by := slices.Concat(before, []change{{BodyReserialized, ""}})
	var common, unusual iter.Seq[string]
	switch {
	case json.Valid([]byte(body)):
		common, unusual = jsonForms(body)
	case body != "" && strings.Count(body, "&") < maxPieces:
		common, unusual = formForms(body)
	default:
		return none
	}
	for text := range common {
		set.add(text, by...)
	}
	return func(yield func(variant) bool) {
		for text := range unusual {
			if !yield(variant{text, by}) {
				return
			}
		}
	}
}

// textRules undo what is done to bodies of any kind.
func textRules(text string) []variant {
	var set variants
	set.add(text)
	newline := change{BodyTrailingNewline, ""}
	for _, end := range []string{"\n", "\r\n", "\r"} {
		set.add(strings.TrimSuffix(text, end), newline)
	}
	set.add(strings.TrimRight(text, " \t\r\n"), newline)
	set.add(text+"\n", newline)
	set.add(text+"\r\n", newline)
	unix := strings.ReplaceAll(text, "\r\n", "\n")
	crlf := change{BodyCRLF, ""}
	set.add(unix, crlf)
	set.add(strings.ReplaceAll(unix, "\n", "\r\n"), crlf)
	set.add(strings.TrimPrefix(text, bom), change{BodyBOM, "it was added"})
	set.add(bom+text, change{BodyBOM, "it was removed"})
	for _, v := range charsets(text) {
		set.add(v.text, v.by...)
	}
	return set.list[1:]
}

// charsets undo reading UTF-8 as something else, and writing it as something else.
func charsets(text string) []variant {
	var set variants
	set.add(text)
	for _, cs := range []struct {
		name string
		encoding.Encoding
	}{{"Latin-1", charmap.ISO8859_1}, {"Windows-1252", charmap.Windows1252}, {"GBK", simplifiedchinese.GBK}, {"GB18030", simplifiedchinese.GB18030}} {
		misread := func(s string) string {
			if bytes, err := cs.NewEncoder().String(s); err == nil && utf8.ValidString(s) {
				return bytes
			}
			return s
		}
		set.add(misread(text), change{BodyCharset, "UTF-8 was read as " + cs.name})
		if strings.Contains(text, "%") { // in a form, characters are escaped
			differs := false
			form := eachPair(text, func(name, value string) (string, string) {
				read := unplussed(value)
				original := misread(read)
				differs = differs || original != read
				return name, escapeRFC3986(original)
			})
			if differs {
				set.add(form, change{BodyCharset, "UTF-8 was read as " + cs.name})
			}
		}
		if decoded, err := cs.NewDecoder().String(text); err == nil && !utf8.ValidString(text) {
			set.add(decoded, change{BodyCharset, "it was written as " + cs.name})
		}
	}
	return set.list[1:]
}

// visible are alterations that cannot be undone, but seen.
func visible(c Capture) []Alteration {
	var all []Alteration
	length, ok := c.contentLength()
	switch {
	case len(c.Body) == 0:
		all = append(all, change{BodyEmpty, ""}.alteration(false))
	case ok && length > len(c.Body) && !endsWell(string(c.Body)):
		all = append(all, change{BodyTruncated, "Content-Length is " + strconv.Itoa(length) + ", but there are " + strconv.Itoa(len(c.Body)) + " bytes"}.
			alteration(false))
	}
	if strings.Contains(string(c.Body), "\uFFFD") {
		all = append(all, change{BodyCharset, "the body holds U+FFFD, which stands for bytes that were lost in reading"}.alteration(false))
	}
	return all
}

// endsWell tells a whole body, as JSON or as a form, from one that ends in the middle. A form that was cut within a value cannot be told.
func endsWell(body string) bool {
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		return json.Valid([]byte(body))
	}
	last := body[strings.LastIndexByte(body, '&')+1:]
	_, err := url.PathUnescape(last)
	return err == nil && strings.Contains(last, "=")
}

// agreement of the body with Content-MD5, which OSS sends, but does not sign.
type agreement int

const (
	unknown agreement = iota
	same
	different
)

func bodyMD5(c Capture) agreement {
	want, err := base64.StdEncoding.DecodeString(c.Header.Get("Content-Md5"))
	if err != nil || len(want) != md5.Size {
		return unknown
	}
	if got := md5.Sum(c.Body); string(got[:]) == string(want) {
		return same
	}
	return different
}
