package explain

import (
	"fmt"
	"net/url"
	"strings"
)

// encoders are the ways in which libraries escape a value.
var encoders = []func(string) string{
	asIs,
	escapeRFC3986,   // OSS, Python's quote with safe="", PHP's rawurlencode
	url.QueryEscape, // space as "+": Go, PHP's urlencode, HTML forms
	func(s string) string { return uriComponentMarks.Replace(escapeRFC3986(s)) },      // JavaScript's encodeURIComponent
	func(s string) string { return strings.ReplaceAll(escapeRFC3986(s), "%2F", "/") }, // Python's quote
	func(s string) string { return strings.ReplaceAll(escapeRFC3986(s), "~", "%7E") },
	func(s string) string { return javaMarks.Replace(url.QueryEscape(s)) }, // Java's URLEncoder
	func(s string) string { return lowerHex(escapeRFC3986(s)) },            // .NET's HttpUtility.UrlEncode, with %20
	func(s string) string { return lowerHex(url.QueryEscape(s)) },          // and with "+"
}

var (
	uriComponentMarks = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")
	javaMarks         = strings.NewReplacer("%2A", "*", "~", "%7E")
)

func lowerHex(s string) string { return flipCase(s, 'A', 'F') }
func upperHex(s string) string { return flipCase(s, 'a', 'f') }

// flipCase changes the case of the letters between from and to in percent-escapes.
func flipCase(s string, from, to byte) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] != '%' {
			continue
		}
		for j := i + 1; j <= i+2; j++ {
			if from <= b[j] && b[j] <= to {
				b[j] ^= 'a' - 'A'
			}
		}
		i += 2
	}
	return string(b)
}

// respelled are other ways to write the same parameters, of a query or of a form, in the same order.
func respelled(text string) []string {
	var set variants
	set.add(text)
	for _, other := range []string{
		strings.ReplaceAll(text, "+", "%20"), strings.ReplaceAll(text, "%20", "+"),
		upperHex(text), lowerHex(text),
		unescaped(text), strings.ReplaceAll(text, "%", "%25"), strings.ReplaceAll(text, "%25", "%"),
		strings.ReplaceAll(text, "&amp;", "&"), strings.ReplaceAll(text, "&", "&amp;"),
		strings.ReplaceAll(text, ";", "&"), strings.ReplaceAll(text, "&", ";"),
		strings.TrimRight(text, "&"), strings.TrimLeft(text, "&"), text + "&", "&" + text,
	} {
		set.add(other)
	}
	for _, decode := range []func(string) string{unescaped, unplussed, asIs} {
		for _, encode := range encoders {
			// Names are the template's literal text, which OSS leaves as it is.
			for _, rename := range []func(string) string{func(name string) string { return encode(decode(name)) }, asIs, decode} {
				set.add(eachPair(text, func(name, value string) (string, string) {
					return rename(name), encode(decode(value))
				}))
			}
		}
	}
	for _, v := range set.list { // once: a range sees the list as it is now
		set.add(bareNames(v.text))
		set.add(fullNames(v.text))
	}
	var all []string
	for _, v := range set.list[1:] {
		all = append(all, v.text)
	}
	return all
}

func asIs(s string) string { return s }

func unplussed(s string) string { return unescaped(strings.ReplaceAll(s, "+", " ")) }

// eachPair rewrites names and values; a name without "=" stays without.
func eachPair(text string, rewrite func(name, value string) (string, string)) string {
	pairs := strings.Split(text, "&")
	for i, pair := range pairs {
		name, value, full := strings.Cut(pair, "=")
		name, value = rewrite(name, value)
		pairs[i] = name
		if full {
			pairs[i] += "=" + value
		}
	}
	return strings.Join(pairs, "&")
}

func bareNames(text string) string {
	pairs := strings.Split(text, "&")
	for i := range pairs {
		pairs[i] = strings.TrimSuffix(pairs[i], "=")
	}
	return strings.Join(pairs, "&")
}

func fullNames(text string) string {
	pairs := strings.Split(text, "&")
	for i, pair := range pairs {
		if pair != "" && !strings.Contains(pair, "=") {
			pairs[i] += "="
		}
	}
	return strings.Join(pairs, "&")
}

// namesOf lists the names of parameters for people. Values may be secret, and what stands alone may be a value.
func namesOf(pairs []string) string {
	const shown = 6
	var all []string
	for i, pair := range pairs {
		if i == shown {
			all = append(all, "…")
			break
		}
		if name, value, _ := strings.Cut(pair, "="); value != "" {
			all = append(all, fmt.Sprintf("%.40q", masked(name)))
		} else {
			all = append(all, "(one without a value)")
		}
	}
	return strings.Join(all, ", ")
}
