package diagnose

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	ecRE        = regexp.MustCompile(`\b\d{4}-\d{8}\b`)
	soleEC      = regexp.MustCompile(`^\d{4}-\d{8}$`)
	shortEC     = regexp.MustCompile(`^(?:0000)?(0\d{3})$`)
	keyedEC     = regexp.MustCompile(`(?i)\bEC\W{1,4}((?:0000)?0\d{3})(?:[^-\w]|$)`)
	requestIDRE = regexp.MustCompile(`^[0-9A-Fa-f]{24}$`)
	keyedID     = regexp.MustCompile(`(?i)request[-_ ]?id\W{0,8}([0-9A-F]{24})\b`)
	soleID      = regexp.MustCompile(`(?i)^\W*(?:(?:x-oss-|oss_)?request[-_ ]?id\W*)?([0-9A-F]{24})\W*$`)
	bareID      = regexp.MustCompile(`\b[0-9A-F]{24}\b`)
	statusLine  = regexp.MustCompile(`\bHTTP(?:/\d(?:\.\d)?)? (\d{3})\b`)
	keyedStatus = regexp.MustCompile(`(?i)\b(?:http[-_ ]?code|(?:http )?status(?:[-_ ]?code)?)\W{0,6}(\d{3})\b`)
	soleStatus  = regexp.MustCompile(`^([2-5]\d\d)$`)
	reasoned    = regexp.MustCompile(`\b([2-5]\d\d) \(?([A-Za-z][A-Za-z -]*)`)             // "502 Bad Gateway", if that is its reason
	statusOf    = regexp.MustCompile(`(?i)error\s*status\s*[:：=]?\s*(-?\d{1,3})\b`)        // OSS on what the callback endpoint answered
	ofCallback  = regexp.MustCompile(`(?i)(?:callback|回调)[^\d\n]{0,40}([45]\d\d)(?:\D|$)`) // others on the same
	keyedCode   = regexp.MustCompile(`(?i)\b(?:error[-_ ]?)?code\W{1,8}([A-Za-z]\w{2,63})`)
	// A message ends at its quote, at its line, or where the next field of an SDK's wording begins.
	keyedMessage = regexp.MustCompile(`(?i)\b(?:error[-_ ]?)?(?:message|msg|info)['"\]]?\s*[:=]\s*` +
		`(?:"([^"\n]*)"|'([^'\n]*)'|([^\n]*?)(?:[,;.]?\s*\[?\b(?:request[-_ ]?id|host[-_ ]?id|EC|code|raw[-_ ]?message)\b\]?\s*[:=]|\n|$))`)
	ossCode = regexp.MustCompile(`(?i)\b(` + strings.Join(codes(false), "|") + `)(?:Error|Exception)?\b`)
	ownCode = regexp.MustCompile(`\b(` + strings.Join(codes(true), "|") + `)\b`)
)

// codes are the codes of OSS or our own, of several words each: words such as "internal" stand in too many other texts.
func codes(own bool) []string {
	var list []string
	for _, d := range catalogue {
		if d.Code != "" && d.own == own && (!own || strings.Contains(d.Code, "_")) {
			list = append(list, regexp.QuoteMeta(d.Code))
		}
	}
	return list
}

// readText reads what has no structure that we know, but for XML elements.
func readText(text string) Evidence {
	text = htmlEscapes.Replace(text)
	var e Evidence
	e.readTags(text)
	more := Evidence{Status: findStatus(text), Code: findCode(text), EC: findEC(text), RequestID: findRequestID(text)}
	if wholeEC(text) == "" && !soleID.MatchString(text) {
		more.Message = findMessage(text)
	}
	e.fill(more)
	return e
}

// wholeEC is an EC that is all of a text; 0203 is what people remember of 0007-00000203.
func wholeEC(text string) string {
	if m := shortEC.FindStringSubmatch(text); m != nil {
		return ecPrefix + "0000" + m[1]
	}
	return soleEC.FindString(text)
}

func findEC(text string) string {
	if ec := wholeEC(text); ec != "" {
		return ec
	}
	if ec := ecRE.FindString(text); ec != "" {
		return ec
	}
	if m := keyedEC.FindStringSubmatch(text); m != nil {
		return wholeEC(m[1])
	}
	return ""
}

func findRequestID(text string) string {
	for _, re := range []*regexp.Regexp{soleID, keyedID} {
		if m := re.FindStringSubmatch(text); m != nil {
			return strings.ToUpper(m[1])
		}
	}
	return bareID.FindString(text)
}

// findStatus reads the HTTP status of an answer. The last status line counts: curl shows those of proxies and "100 Continue" before it.
func findStatus(text string) int {
	if all := statusLine.FindAllStringSubmatch(text, -1); all != nil {
		return number(all[len(all)-1][1])
	}
	text = statusOf.ReplaceAllString(text, "")
	for _, re := range []*regexp.Regexp{keyedStatus, soleStatus} {
		if m := re.FindStringSubmatch(text); m != nil {
			return number(m[1])
		}
	}
	for _, m := range reasoned.FindAllStringSubmatch(text, -1) {
		if reason := http.StatusText(number(m[1])); reason != "" && strings.HasPrefix(fold(m[2]), fold(reason)) {
			return number(m[1])
		}
	}
	return 0
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // three of them, at most
	return n
}

func findCode(text string) string {
	if d, ok := first(func(d Diagnosis) bool { return d.named(text) }); ok {
		return d.Code
	}
	for _, re := range []*regexp.Regexp{ownCode, ossCode, keyedCode} {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}

// findMessage takes the first message that is known: logs have others before it. Where none is, the whole text may hold one.
func findMessage(text string) string {
	message := ""
	for _, m := range keyedMessage.FindAllStringSubmatch(text, -1) {
		words := strings.TrimSpace(m[1] + m[2] + m[3])
		if knownWords(words) {
			return words
		}
		if message == "" {
			message = words
		}
	}
	if message == "" || knownWords(text) {
		return text
	}
	return message
}
