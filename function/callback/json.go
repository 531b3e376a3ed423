package callback

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// jsonPairs flattens a JSON body and appends it to pairs: {"imageInfo":{"height":1}} and {"imageInfo.height":1} are the same. Strings
// and numbers are both fine for every value, null is empty, anything nested stays JSON text.
func jsonPairs(pairs []pair, body []byte) ([]pair, error) {
	if !json.Valid(body) {
		return nil, notJSON(body)
	}
	members, ok := objectMembers(string(body))
	if !ok {
		return nil, fmt.Errorf("%w: callbackBody is JSON, but no object", ErrMalformed)
	}
	for _, m := range members {
		if m.name != "imageInfo" {
			pairs = append(pairs, pair{m.name, scalar(m.value)})
			continue
		}
		inner, nested := objectMembers(m.value)
		if !nested && m.value != "null" {
			pairs = append(pairs, pair{m.name, scalar(m.value)})
		}
		for _, i := range inner {
			pairs = append(pairs, pair{"imageInfo." + i.name, scalar(i.value)})
		}
	}
	return pairs, nil
}

// notJSON tells what is wrong with a body that is not JSON, and where.
func notJSON(body []byte) error {
	err := json.Unmarshal(body, new(json.RawMessage))
	offset := int64(len(body))
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	return fmt.Errorf("%w: callbackBody is no JSON at offset %d: %v: write string placeholders without quotes, as in "+
		`{"object":${object}}`, ErrMalformed, offset, err)
}

// between is what stands between the names and values of an object.
const between = " \t\r\n:,"

// objectMembers lists the members of valid JSON, in order and with repeats, each value as JSON text. It reports false for
// anything but an object.
func objectMembers(text string) ([]pair, bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(text, between), "{")
	if !ok {
		return nil, false
	}
	var members []pair
	for rest = strings.TrimLeft(rest, between); rest[0] != '}'; rest = strings.TrimLeft(rest, between) {
		var m pair
		m.name, rest = cutValue(rest)
		m.name = scalar(m.name)
		m.value, rest = cutValue(strings.TrimLeft(rest, between))
		members = append(members, m)
	}
	return members, true
}

// cutValue cuts valid JSON behind the value it begins with.
func cutValue(text string) (value, rest string) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{', c == '[':
			depth++
		case depth == 0 && (c == '}' || c == ']' || strings.IndexByte(between, c) >= 0):
			return text[:i], text[i:]
		case c == '}', c == ']':
			depth--
		}
	}
	return text, ""
}

// scalar is a JSON value as text: strings without their quotes, null as nothing.
func scalar(text string) string {
	switch {
	case text == "null":
		return ""
	case text[0] != '"':
		return text
	case !strings.Contains(text, `\`) && utf8.ValidString(text): // nothing to decode
		return text[1 : len(text)-1]
	}
	var s string
	if json.Unmarshal([]byte(text), &s) == nil {
		return s
	}
	return text
}
