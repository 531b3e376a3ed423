package explain

import (
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

// formForms are other ways to write a form body: common ones, and every order of its parameters while they are few.
func formForms(body string) (common []string, unusual iter.Seq[string]) {
	pairs := strings.Split(body, "&")
	byRank := joinedBy(pairs, func(a, b string) int { return rank(beforeEqual(a)) - rank(beforeEqual(b)) })
	common = respelled(body)
	if byRank != body {
		common = append(append(common, byRank), respelled(byRank)...)
	}
	return common, func(yield func(string) bool) {
		if len(pairs) < 2 || len(pairs) > maxPermutations {
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

func beforeEqual(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return unplussed(name)
}
