package callback

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const (
	// maxLostParams bounds the rebuilding of a lost query: n parameters have n! orders.
	maxLostParams = 4
	// maxLostQuery is Function Compute's limit for path and query together, in bytes. Only who invokes the function by other means
	// than its trigger can send more.
	maxLostQuery = 4 << 10
	// maxRepeats bounds how many repeats of one parameter a comma may have stood for.
	maxRepeats = 8
)

// Query is the callback URL's query, or what is left of it.
type Query struct {
	Raw string // as on the wire, without "?"

	// Params is all that an FC event function gets: decoded, repeats joined with commas, order and escaping lost. Raw is
	// empty then.
	Params map[string]string
}

// recoverable returns ErrQueryNotRecoverable, wrapped, for a query with too many candidates, or too long ones.
func (q Query) recoverable() error {
	size := 0
	for name, value := range q.Params {
		size += len(name) + len(value)
	}
	if len(q.Params) > maxLostParams || size > maxLostQuery {
		return fmt.Errorf("%w: more than %d parameters, or %d bytes: put them in the path, or deploy the web variant",
			ErrQueryNotRecoverable, maxLostParams, maxLostQuery)
	}
	return nil
}

// candidates yields the queries that OSS may have signed: the raw one, or every order and usual spelling of the parameters.
func (q Query) candidates(yield func(string) bool) {
	if len(q.Params) == 0 {
		yield(q.Raw)
		return
	}
	names := slices.Sorted(maps.Keys(q.Params))
	var tried [][]string
	for _, s := range spellings {
		pairs := make([]string, len(names))
		for i, name := range names {
			pairs[i] = s.pair(name, q.Params[name])
		}
		if slices.ContainsFunc(tried, func(t []string) bool { return slices.Equal(t, pairs) }) {
			continue
		}
		tried = append(tried, pairs)
		if !permute(slices.Clone(pairs), 0, func(p []string) bool { return yield(strings.Join(p, "&")) }) {
			return
		}
	}
}

// spelling is one way to write a parameter. bare and split differ from the plain way only for empty values ("a" for "a=") and for
// values with commas, which may have been repeats ("a=1&a=2" for "a=1,2").
type spelling struct {
	escape      func(string) string
	bare, split bool
}

// spellings are those of common encoders, the likelier first.
var spellings = func() (all []spelling) {
	for _, escape := range []func(string) string{
		func(s string) string { return s }, // nothing to escape, or never decoded
		url.QueryEscape,                    // space as "+"
		escapeRFC3986,                      // space as "%20"
		func(s string) string { return uriComponentMarks.Replace(escapeRFC3986(s)) },      // JavaScript
		func(s string) string { return strings.ReplaceAll(escapeRFC3986(s), "%2F", "/") }, // Python's quote
	} {
		all = append(all, spelling{escape, false, false}, spelling{escape, true, false}, spelling{escape, false, true})
	}
	return all
}()

func escapeRFC3986(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// uriComponentMarks are what JavaScript's encodeURIComponent leaves alone.
var uriComponentMarks = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

func (s spelling) pair(name, value string) string {
	name = s.escape(name)
	if value == "" && s.bare {
		return name
	}
	values := []string{value}
	if s.split && strings.Count(value, ",") < maxRepeats {
		values = strings.Split(value, ",")
	}
	for i, v := range values {
		values[i] = name + "=" + s.escape(v)
	}
	return strings.Join(values, "&")
}

// permute calls visit with every order of s from index i on, until visit returns false.
func permute(s []string, i int, visit func([]string) bool) bool {
	if i >= len(s)-1 {
		return visit(s)
	}
	for j := i; j < len(s); j++ {
		s[i], s[j] = s[j], s[i]
		if !permute(s, i+1, visit) {
			return false
		}
		s[i], s[j] = s[j], s[i]
	}
	return true
}
