package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"math"
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

// jsonForms are other ways to write the same JSON: common ones, and every order of its members while they are few. A form that was made
// JSON is written as a form again.
func jsonForms(body string, isJSON bool) (common []string, unusual iter.Seq[string]) {
	nothing := func(func(string) bool) {}
	var quoted string
	if json.Unmarshal([]byte(body), &quoted) == nil {
		return []string{quoted}, nothing
	}
	members, ok := membersOf(body)
	if !ok {
		return nil, nothing
	}
	if !isJSON {
		common = append(common, asForms(members)...)
	}
	byRank := slices.SortedStableFunc(slices.Values(members), func(a, b member) int { return rank(a.plain()) - rank(b.plain()) })
	for _, order := range [][]member{members, byRank} {
		for _, spell := range stringSpellings {
			for _, s := range separators {
				common = append(common, writeMembers(order, spell, s.comma, s.colon, s.open, s.end))
			}
			compact := writeMembers(order, spell, ",", ":", "", "")
			for _, indent := range []string{"  ", "    ", "\t"} {
				var out bytes.Buffer
				if json.Indent(&out, []byte(compact), "", indent) == nil {
					common = append(common, out.String())
				}
			}
		}
	}
	return common, func(yield func(string) bool) {
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
				if !slices.ContainsFunc(written, func(w []string) bool { return slices.Equal(w, texts) }) {
					written = append(written, texts)
				}
				for order := range permutations(texts) {
					if !yield("{" + strings.Join(order, s.comma) + "}") {
						return
					}
				}
			}
		}
	}
}

// member is one of an object: its name as JSON text, and the tokens of its value.
type member struct {
	name  string
	value []string
}

func (m member) plain() string {
	var s string
	_ = json.Unmarshal([]byte(m.name), &s) // it is valid
	return s
}

func (m member) write(spell func(string) string, comma, colon string) string {
	var out strings.Builder
	out.WriteString(spell(m.name) + colon)
	for _, token := range m.value {
		switch token[0] {
		case ',':
			token = comma
		case ':':
			token = colon
		default:
			token = spell(token)
		}
		out.WriteString(token)
	}
	return out.String()
}

func writeMembers(members []member, spell func(string) string, comma, colon, open, end string) string {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.write(spell, comma, colon)
	}
	return "{" + open + strings.Join(texts, comma) + end + "}"
}

// membersOf takes a JSON object apart, without changing any of its tokens.
func membersOf(body string) ([]member, bool) {
	tokens := tokensOf(body)
	if len(tokens) < 2 || tokens[0] != "{" {
		return nil, false
	}
	var members []member
	for tokens = tokens[1 : len(tokens)-1]; len(tokens) >= 3; {
		depth, end := 0, 2
		for ; end < len(tokens) && (depth > 0 || tokens[end] != ","); end++ {
			switch tokens[end] {
			case "{", "[":
				depth++
			case "}", "]":
				depth--
			}
		}
		members = append(members, member{tokens[0], tokens[2:end]})
		tokens = tokens[min(end+1, len(tokens)):]
	}
	return members, len(members) > 0
}

// tokensOf splits valid JSON.
func tokensOf(text string) []string {
	var tokens []string
	for i := 0; i < len(text); {
		end := i + 1
		switch text[i] {
		case ' ', '\t', '\r', '\n':
			i++
			continue
		case '{', '}', '[', ']', ',', ':':
		case '"':
			for ; end < len(text) && text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			end = min(end+1, len(text))
		default:
			for end < len(text) && !strings.ContainsRune(" \t\r\n{}[],:\"", rune(text[end])) {
				end++
			}
		}
		tokens = append(tokens, text[i:end])
		i = end
	}
	return tokens
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
	for _, encode := range encoders {
		var pairs []string
		for _, m := range members {
			value := strings.Join(m.value, "")
			var s string
			if json.Unmarshal([]byte(value), &s) == nil { // null is the empty string, too
				value = s
			}
			pairs = append(pairs, m.plain()+"="+encode(value))
		}
		all = append(all, strings.Join(pairs, "&"))
	}
	return all
}
