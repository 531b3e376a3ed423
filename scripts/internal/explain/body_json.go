package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// separators are what serialisers put behind commas and colons.
var separators = []struct{ comma, colon, open, end string }{
	{",", ":", "", ""},     // JavaScript, Go, Java, PHP
	{", ", ": ", "", ""},   // Python
	{",", ": ", "", ""},    //
	{", ", ":", "", ""},    //
	{", ", ": ", " ", " "}, // by hand: { "a": 1 }
	{",", ":", " ", " "},
}

// maxNesting bounds the objects that are taken apart: indenting writes as many bytes again for each level.
const maxNesting = 32

// jsonForms are other ways to write the same JSON: common ones, and with other types of values, or in every order of its members while they
// are few. A form that was made JSON is written as a form again.
func jsonForms(body string) (common, unusual iter.Seq[string]) {
	nothing := func(func(string) bool) {}
	var quoted string
	if json.Unmarshal([]byte(body), &quoted) == nil {
		return slices.Values([]string{quoted}), nothing
	}
	members, ok := membersOf(body)
	if !ok {
		return nothing, nothing
	}
	common = func(yield func(string) bool) {
		if !each(asForms(members), yield) {
			return
		}
		byRank := slices.SortedStableFunc(slices.Values(members), func(a, b member) int { return rank(a.plain()) - rank(b.plain()) })
		for _, order := range [][]member{members, byRank} {
			for _, spell := range stringSpellings {
				if !each(laidOut(order, spell), yield) {
					return
				}
			}
		}
	}
	return common, func(yield func(string) bool) {
		for _, other := range retyped(members) {
			for _, spell := range stringSpellings {
				for _, s := range separators[:2] {
					if !yield(writeMembers(other, spell, s.comma, s.colon, s.open, s.end)) {
						return
					}
				}
			}
		}
		reorderedMembers(members, yield)
	}
}

// laidOut writes an object with every usual white space.
func laidOut(members []member, spell func(string) string) []string {
	var all []string
	for _, s := range separators {
		all = append(all, writeMembers(members, spell, s.comma, s.colon, s.open, s.end))
	}
	compact := all[0]
	for _, indent := range []string{"  ", "    ", "\t"} {
		var out bytes.Buffer
		if json.Indent(&out, []byte(compact), "", indent) == nil {
			all = append(all, out.String())
		}
	}
	return all
}

// reorderedMembers yields every order of the members while they are few.
func reorderedMembers(members []member, yield func(string) bool) {
	if len(members) < 2 || len(members) > maxPermutations+1 {
		return
	}
	var written [][]string
	for i, s := range separators[:2] {
		if i > 0 && len(members) > maxPermutations {
			break
		}
		for _, spell := range stringSpellings[:2] {
			texts := make([]string, len(members))
			for i, m := range members {
				texts[i] = m.write(spell, s.comma, s.colon)
			}
			if slices.ContainsFunc(written, func(w []string) bool { return slices.Equal(w, texts) }) {
				continue
			}
			written = append(written, texts)
			for order := range permutations(texts) {
				if !yield("{" + strings.Join(order, s.comma) + "}") {
					return
				}
			}
		}
	}
}

var (
	integer       = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)
	quotedInteger = regexp.MustCompile(`^"(0|[1-9][0-9]{0,18})"$`)
)

// retyped undoes what parsers do to types: numbers quoted or quotes taken off, all or one, and null for the empty string.
func retyped(members []member) [][]member {
	unquote := func(token string) string { return quotedInteger.ReplaceAllString(token, "$1") }
	quote := func(token string) string { return integer.ReplaceAllString(token, `"$1"`) }
	rules := []func(string) string{unquote, quote, func(token string) string {
		if token == "null" {
			return `""`
		}
		return token
	}}
	var all [][]member
	add := func(rule func(string) string, only int) {
		other, changed := slices.Clone(members), false
		for i, m := range members {
			if only >= 0 && only != i || len(m.value) != 1 || rule(m.value[0]) == m.value[0] {
				continue
			}
			other[i].value, changed = []string{rule(m.value[0])}, true
		}
		if changed {
			all = append(all, other)
		}
	}
	for _, rule := range rules {
		add(rule, -1)
	}
	for i := range min(len(members), maxRefilled) {
		for _, rule := range rules {
			add(rule, i)
		}
	}
	return all
}

// stringSpellings are the ways in which serialisers write a string or a number, as token of JSON. OSS itself escapes no slash, and writes
// plain integers.
var stringSpellings = []func(token string) string{
	func(token string) string { return token },
	spelledWith(func(rune) bool { return false }),
	spelledWith(func(r rune) bool { return r == '/' }),                                      // PHP, older Java libraries; with Chinese kept
	spelledWith(func(r rune) bool { return r > 0x7e }),                                      // Python
	spelledWith(func(r rune) bool { return r > 0x7e || r == '/' }),                          // PHP's default
	spelledWith(func(r rune) bool { return strings.ContainsRune("<>&\u2028\u2029", r) }),    // Go
	spelledWith(func(r rune) bool { return r > 0x7e || strings.ContainsRune(`<>&'"+`, r) }), // .NET
}

// spelledWith writes strings with these characters escaped, beside those that must be, and numbers without exponent and fraction if they
// have none.
func spelledWith(escape func(rune) bool) func(string) string {
	return func(token string) string {
		var s string
		switch {
		case strings.ContainsRune("-0123456789", rune(token[0])):
			if f, err := strconv.ParseFloat(token, 64); err == nil && f == math.Trunc(f) && f >= 0 && f < 1<<53 && strings.ContainsAny(token, ".eE") {
				return strconv.FormatFloat(f, 'f', -1, 64)
			}
			return token
		case token[0] != '"' || json.Unmarshal([]byte(token), &s) != nil:
			return token
		}
		var out strings.Builder
		out.WriteByte('"')
		for _, r := range s {
			short := strings.IndexRune("\"\\\n\r\t\b\f", r)
			switch {
			case r == '/' && escape(r):
				out.WriteString(`\/`)
			case escape(r) && r > 0xffff:
				high, low := utf16.EncodeRune(r)
				fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
			case escape(r) && (short < 0 || r == '"'):
				fmt.Fprintf(&out, `\u%04x`, r)
			case short >= 0:
				out.WriteByte('\\')
				out.WriteByte(`"\nrtbf`[short])
			case r < 0x20:
				fmt.Fprintf(&out, `\u%04x`, r)
			default:
				out.WriteRune(r)
			}
		}
		out.WriteByte('"')
		return out.String()
	}
}

// asForms write an object's members as the form that they were.
func asForms(members []member) []string {
	var all []string
	for _, named := range []func(string) string{asIs, ossName} {
		for _, encode := range encoders {
			var pairs []string
			for _, m := range members {
				value := strings.Join(m.value, "")
				var s string
				if json.Unmarshal([]byte(value), &s) == nil { // null is the empty string, too
					value = s
				}
				pairs = append(pairs, named(m.plain())+"="+encode(value))
			}
			all = append(all, strings.Join(pairs, "&"))
		}
	}
	return all
}
