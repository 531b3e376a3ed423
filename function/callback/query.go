package callback

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// maxLostParams bounds the rebuilding of a lost query: n parameters have n! orders.
const maxLostParams = 4

// Query is the callback URL's query, or what is left of it.
type Query struct {
	Raw string // as on the wire, without "?"

	// Params is all that an FC event function gets: decoded, repeats joined with commas, order and escaping lost. Raw is
	// empty then.
	Params map[string]string
}

// candidates lists the queries that OSS may have signed: the raw one, or every order and usual escaping of the parameters.
func (q Query) candidates() ([]string, error) {
	if len(q.Params) == 0 {
		return []string{q.Raw}, nil
	}
	if len(q.Params) > maxLostParams {
		return nil, fmt.Errorf("%w: %d, at most %d: put them in the path, or deploy the web variant", ErrQueryNotRecoverable,
			len(q.Params), maxLostParams)
	}
	names := make([]string, 0, len(q.Params))
	for name := range q.Params {
		names = append(names, name)
	}
	slices.Sort(names)
	var spellings [][]string
	for _, escape := range escapings {
		for _, join := range joins {
			pairs := make([]string, len(names))
			for i, name := range names {
				pairs[i] = join(name, q.Params[name], escape)
			}
			if !slices.ContainsFunc(spellings, func(s []string) bool { return slices.Equal(s, pairs) }) {
				spellings = append(spellings, pairs)
			}
		}
	}
	var queries []string
	for _, pairs := range spellings {
		permute(pairs, 0, func(p []string) { queries = append(queries, strings.Join(p, "&")) })
	}
	return queries, nil
}

// escapings are the ways in which common encoders write a query value.
var escapings = []func(string) string{
	func(s string) string { return s }, // nothing to escape, or never decoded
	url.QueryEscape,                    // space as "+"
	escapeRFC3986,                      // space as "%20"
	func(s string) string { return decodeURIComponentMarks.Replace(escapeRFC3986(s)) }, // JavaScript
	func(s string) string { return strings.ReplaceAll(escapeRFC3986(s), "%2F", "/") },  // Python's quote
}

func escapeRFC3986(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// decodeURIComponentMarks restores what encodeURIComponent leaves alone.
var decodeURIComponentMarks = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// joins are the ways to write one parameter; they differ only for empty values and for commas, which may have been repeats.
var joins = []func(name, value string, escape func(string) string) string{
	func(name, value string, escape func(string) string) string { return escape(name) + "=" + escape(value) },
	func(name, value string, escape func(string) string) string {
		if value == "" {
			return escape(name)
		}
		return escape(name) + "=" + escape(value)
	},
	func(name, value string, escape func(string) string) string {
		parts := strings.Split(value, ",")
		for i, part := range parts {
			parts[i] = escape(name) + "=" + escape(part)
		}
		return strings.Join(parts, "&")
	},
}

// permute calls visit with every order of s from index i on; it leaves s as it was.
func permute(s []string, i int, visit func([]string)) {
	if i >= len(s)-1 {
		visit(s)
		return
	}
	for j := i; j < len(s); j++ {
		s[i], s[j] = s[j], s[i]
		permute(s, i+1, visit)
		s[i], s[j] = s[j], s[i]
	}
}
