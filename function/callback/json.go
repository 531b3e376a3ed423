package callback

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// jsonPairs flattens a JSON body: {"imageInfo":{"height":1}} and {"imageInfo.height":1} are the same. Strings and numbers are
// both fine for every value, null is empty, anything nested stays JSON text.
func jsonPairs(body []byte) ([]pair, error) {
	var object json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		offset := int64(len(body))
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			offset = syntax.Offset
		}
		return nil, fmt.Errorf("%w: callbackBody is no JSON at offset %d: %v: write string placeholders without quotes, as in "+
			`{"object":${object}}`, ErrMalformed, offset, err)
	}
	members, ok := objectMembers(object)
	if !ok {
		return nil, fmt.Errorf("%w: callbackBody is JSON, but no object", ErrMalformed)
	}
	var pairs []pair
	for _, m := range members {
		inner, nested := objectMembers(json.RawMessage(m.value))
		if m.name == "imageInfo" && m.value == "null" {
			continue
		}
		if m.name != "imageInfo" || !nested {
			pairs = append(pairs, pair{m.name, scalar(m.value)})
			continue
		}
		for _, i := range inner {
			pairs = append(pairs, pair{"imageInfo." + i.name, scalar(i.value)})
		}
	}
	return pairs, nil
}

// objectMembers lists the members of valid JSON, in order and with repeats, each value as JSON text. It reports false for
// anything but an object.
func objectMembers(text json.RawMessage) ([]pair, bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	var members []pair
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, false
		}
		members = append(members, pair{name.(string), string(value)})
	}
	return members, true
}

// scalar is a JSON value as text: strings without their quotes, null as nothing.
func scalar(text string) string {
	var s string
	if text == "null" {
		return ""
	}
	if json.Unmarshal([]byte(text), &s) == nil {
		return s
	}
	return text
}
