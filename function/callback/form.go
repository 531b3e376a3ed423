package callback

import (
	"fmt"
	"net/url"
	"strings"
)

// formPairs splits a form body and appends it to pairs. Spaces may come as "%20" or "+"; ";" is an ordinary character.
func formPairs(pairs []pair, body string) ([]pair, error) {
	offset := 0
	for part := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%w: bad percent-encoding in the parameter at offset %d", ErrMalformed, offset)
		}
		if n != "" {
			pairs = append(pairs, pair{n, v})
		}
		offset += len(part) + 1
	}
	return pairs, nil
}
