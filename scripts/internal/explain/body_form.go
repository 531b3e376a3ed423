package explain

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// ossOrder is the order in which OSS's documentation lists its variables, and most templates follow it.
var ossOrder = []string{"bucket", "object", "etag", "size", "mimeType", "imageInfo.height", "imageInfo.width", "imageInfo.format", "imageInfo", "crc64",
	"contentMd5", "vpcId", "clientIp", "reqId", "operation"}

// rank puts what OSS does not know behind what it does.
func rank(name string) int {
	if i := slices.Index(ossOrder, name); i >= 0 {
		return i
	}
	return len(ossOrder)
}

// phpNames are OSS's names as PHP's $_POST has them.
var phpNames = func() map[string]string {
	names := map[string]string{}
	for _, name := range ossOrder {
		if strings.Contains(name, ".") {
			names[strings.ReplaceAll(name, ".", "_")] = name
		}
	}
	return names
}()

// ossName is the name that PHP made this one of.
func ossName(name string) string { return cmp.Or(phpNames[name], name) }

// formForms are other ways to write a form body: common ones, and with empty parameters that were left out, or in every order while they
// are few.
func formForms(body string) (common, unusual iter.Seq[string]) {
	dotted := eachPair(body, func(name, value string) (string, string) { return ossName(name), value })
	common = func(yield func(string) bool) {
		for _, text := range []string{body, dotted} {
			for _, base := range []string{text, byRank(text)} {
				if !yield(base) || !each(respelled(base), yield) {
					return
				}
			}
		}
	}
	return common, func(yield func(string) bool) {
		bare := eachPair(dotted, func(name, value string) (string, string) { return unplussed(name), value })
		for _, text := range slices.Compact([]string{dotted, bare}) {
			if !refilled(text, yield) {
				return
			}
		}
		if n := strings.Count(body, "&") + 1; n < 2 || n > maxPermutations {
			return
		}
		spellings := []string{body}
		for _, e := range encoders[:3] {
			spellings = append(spellings, eachPair(body, func(name, value string) (string, string) { return name, e(unplussed(value)) }))
		}
		for _, s := range slices.Compact(spellings) {
			for order := range permutations(strings.Split(s, "&")) {
				if !yield(strings.Join(order, "&")) {
					return
				}
			}
		}
	}
}

func each(texts []string, yield func(string) bool) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return !yield(text) })
}

func byRank(form string) string {
	return joinedBy(strings.Split(form, "&"), func(a, b string) int { return rank(beforeEqual(a)) - rank(beforeEqual(b)) })
}

// maxRefilled bounds the parameters of a form that empty ones are put back into.
const maxRefilled = 24

// refilled puts OSS's variables that are empty for many uploads back where a parser may have left them out.
func refilled(form string, yield func(string) bool) bool {
	const height, width, format = "imageInfo.height=", "imageInfo.width=", "imageInfo.format="
	pairs := strings.Split(form, "&")
	if len(pairs) > maxRefilled {
		return true
	}
	for _, empty := range [][]string{{height, width, format}, {width, height, format}, {format, height, width}, {format, width, height}, {height, width},
		{width, height}, {format}, {"vpcId="}, {"contentMd5="}, {"crc64="}, {"clientIp="}, {"mimeType="}} {
		for at := range len(pairs) + 1 {
			if !yield(strings.Join(slices.Insert(slices.Clone(pairs), at, empty...), "&")) {
				return false
			}
		}
	}
	return true
}

func beforeEqual(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return unplussed(name)
}
