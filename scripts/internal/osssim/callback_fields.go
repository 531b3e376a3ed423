package osssim

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// decodeBase64 takes padded standard Base64 without line breaks, which Go's decoder would skip.
func decodeBase64(encoded string) ([]byte, error) {
	if i := strings.IndexAny(encoded, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	return base64.StdEncoding.DecodeString(encoded)
}

// stringField tells whether a JSON value is a string, and which.
func stringField(raw json.RawMessage) (string, bool) {
	var text *string
	if json.Unmarshal(raw, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// stringMap tells whether a JSON value is an object that holds strings only.
func stringMap(raw []byte) (map[string]string, bool) {
	var values map[string]*string
	if json.Unmarshal(raw, &values) != nil || values == nil {
		return nil, false
	}
	texts := make(map[string]string, len(values))
	for name, value := range values {
		if value == nil {
			return nil, false
		}
		texts[name] = *value
	}
	return texts, true
}

// errCallback is a fault of the callback parameters. ec is the end of its EC number.
func errCallback(ec, message, argument, value string) *apiError {
	e := errInvalidArgument(message, argument, value)
	e.EC = "0007-" + "00000000"[:8-len(ec)] + ec
	return e
}
