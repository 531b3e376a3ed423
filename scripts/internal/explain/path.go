package explain

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// maxSegments bounds how many slashes of a path are looked at.
const maxSegments = 32

// pathReadings are what the signed path may have been. The plain one is decoded once, as the protocol has it.
func pathReadings(c Capture, hints []hint) readings {
	decoded := unescaped(c.Path)
	r := readings{plain: []variant{{text: decoded}}, further: pathRules, rare: none}
	var set variants
	set.add(decoded)
	for _, h := range hints {
		hinted := variant{text: unescaped(h.path)}
		if hinted.text != decoded {
			hinted.by = []change{comparePaths(decoded, hinted.text, h.from)}
			set.add(hinted.text, hinted.by...)
		}
		if !h.pathOnly {
			r.hinted = append(r.hinted, hinted)
		}
	}
	set.add(c.Path, change{PathDecodedTwice, ""})
	set.add(unescaped(decoded), change{PathNotDecoded, ""})
	for _, v := range pathRules(decoded) {
		set.add(v.text, v.by...)
	}
	r.single = set.list[1:]
	return r
}

func unescaped(s string) string {
	decoded, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return decoded
}

// pathRules undo what is done to paths.
func pathRules(text string) []variant {
	var set variants
	set.add(text)
	slashes := change{PathSlashes, ""}
	set.add(merged(text), slashes)
	if strings.Contains(text, "/.") {
		set.add(path.Clean(text), slashes)
	}
	var at []int
	for i := 0; i < len(text) && len(at) < maxSegments; i++ {
		if text[i] == '/' {
			at = append(at, i)
		}
	}
	for _, i := range at {
		set.add(text[i:], change{PathPrefixAdded, "the prefix " + maskPath(text[:i])})
	}
	for _, i := range at {
		set.add(text[:i]+"/"+text[i:], slashes)
	}
	set.add(strings.TrimSuffix(text, "/"), slashes)
	set.add(text+"/", slashes)
	plus := change{PathPlus, ""}
	set.add(strings.ReplaceAll(text, "+", " "), plus)
	set.add(strings.ReplaceAll(text, " ", "+"), plus)
	set.add(strings.ReplaceAll(text, " ", "%20"), plus)
	set.add(strings.ToLower(text), change{PathCase, ""})
	return set.list[1:]
}

func merged(text string) string {
	for strings.Contains(text, "//") {
		text = strings.ReplaceAll(text, "//", "/")
	}
	return text
}

// comparePaths names what made the path that came of the one that was called. Both are decoded.
func comparePaths(came, called, from string) change {
	detail := fmt.Sprintf("%s says %s, but %s came", from, maskPath(called), maskPath(came))
	loose := func(s string) string { return strings.TrimSuffix(path.Clean("/"+s), "/") }
	spaced := strings.NewReplacer("+", " ", "%20", " ")
	switch {
	case loose(came) == loose(called):
		return change{PathSlashes, detail}
	case strings.EqualFold(came, called):
		return change{PathCase, detail}
	case spaced.Replace(came) == spaced.Replace(called):
		return change{PathPlus, detail}
	case strings.HasSuffix(loose(called), loose(came)):
		return change{PathPrefixStripped, detail}
	case strings.HasSuffix(loose(came), loose(called)):
		return change{PathPrefixAdded, detail}
	}
	return change{PathRewritten, detail}
}

// maskPath hides segments that may be tokens, and keeps long paths short.
func maskPath(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = masked(s)
	}
	return fmt.Sprintf("%.200q", strings.Join(segments, "/"))
}

// words are what people call routes and parameters; tokens hold digits, capitals, or no breaks.
var words = regexp.MustCompile(`^[a-z]{1,16}([._-][a-z]{1,16})*$`)

// masked hides what may be a token: anything long that is not made of words.
func masked(s string) string {
	const longest, shown = 12, 3
	if letters := []rune(s); len(letters) > longest && !words.MatchString(s) {
		return string(letters[:shown]) + "…"
	}
	return s
}
