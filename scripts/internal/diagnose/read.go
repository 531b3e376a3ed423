package diagnose

import (
	"html"
	"regexp"
	"strconv"
	"strings"
)

// maxInput is how much of an input is looked at, in bytes. Bodies of OSS are below 1 KB; a trace around one may be longer.
const maxInput = 128 << 10

var (
	xmlRE       = regexp.MustCompile(`(?i)<(Code|Message|RequestId|EC|ArgumentName|ArgumentValue)>([^<]*)</`)
	ecRE        = regexp.MustCompile(`\b\d{4}-\d{8}\b`)
	shortEC     = regexp.MustCompile(`^0\d{3}$`)
	requestIDRE = regexp.MustCompile(`^[0-9A-Fa-f]{24}$`)
	keyedID     = regexp.MustCompile(`(?i)request[-_ ]?id\W{0,8}([0-9A-F]{24})\b`)
	soleID      = regexp.MustCompile(`(?i)^\W*(?:(?:x-oss-|oss_)?request[-_ ]?id\W*)?([0-9A-F]{24})\W*$`)
	bareID      = regexp.MustCompile(`\b[0-9A-F]{24}\b`)
	statusLine  = regexp.MustCompile(`\bHTTP/\d(?:\.\d)? (\d{3})\b`)
	keyedStatus = regexp.MustCompile(`(?i)\b(?:http[-_ ]?code|(?:http )?status(?:[-_ ]?code)?)\W{0,6}(\d{3})\b`)
	statusOf    = regexp.MustCompile(`(?i)error\s*status\s*[:：=]?\s*(-?\d{1,3})\b`) // OSS on what the callback endpoint answered
	keyedCode   = regexp.MustCompile(`(?i)\b(?:error[-_ ]?)?code\W{1,8}([A-Za-z]\w{2,63})`)
	// A message ends at its quote, at its line, or where the next field of an SDK's wording begins.
	keyedMessage = regexp.MustCompile(`(?i)\b(?:error[-_ ]?)?(?:message|msg|info)['"\]]?\s*[:=]\s*` +
		`(?:"([^"\n]*)"|'([^'\n]*)'|([^\n]*?)(?:[,;.]?\s*\[?\b(?:request[-_ ]?id|host[-_ ]?id|EC|code|raw[-_ ]?message)\b\]?\s*[:=]|\n|$))`)
	ossCode = regexp.MustCompile(`\b(` + strings.Join(codes(false), "|") + `)(?:Error|Exception)?\b`)
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

// Read finds what an input tells: an XML body, a header line or a whole response, an SDK's exception, our function's answer or a line of
// its log, an EC, a request id, or just a message. It never fails; where it recognises nothing, Message is the input. It looks at the
// first 128 KiB only.
func Read(input string) Evidence {
	input = strings.TrimSpace(strings.ToValidUTF8(input[:min(len(input), maxInput)], ""))
	var e Evidence
	for _, field := range xmlRE.FindAllStringSubmatch(input, -1) {
		e.set(field[1], html.UnescapeString(strings.TrimSpace(field[2])))
	}
	e.readJSON(input)
	e.readText(input)
	return e
}

// set fills a field by its name in XML or JSON, in whatever spelling, unless it has a value already.
func (e *Evidence) set(name, value string) {
	var field *string
	switch plainName(name) {
	case "code", "errorcode":
		field = &e.Code
	case "message", "errormessage", "cause":
		field = &e.Message
	case "ec", "xossec":
		field = &e.EC
	case "requestid", "ossrequestid", "xossrequestid":
		field = &e.RequestID
	case "argumentname":
		field = &e.ArgumentName
	case "argumentvalue":
		field = &e.ArgumentValue
	}
	switch {
	case field == nil || *field != "":
	case field == &e.EC && !ecRE.MatchString(value), field == &e.RequestID && !requestIDRE.MatchString(value):
	default:
		*field = value
	}
}

// readText fills in what has no structure that we know.
func (e *Evidence) readText(text string) {
	bare := text
	if shortEC.MatchString(text) { // "0203" is all that people remember
		e.EC, bare = ecPrefix+"0000"+text, ""
	} else if ecRE.FindString(text) == text || soleID.MatchString(text) {
		bare = ""
	}
	if e.EC == "" {
		e.EC = ecRE.FindString(text)
	}
	if e.RequestID == "" {
		if m := keyedID.FindStringSubmatch(text); m != nil {
			e.RequestID = strings.ToUpper(m[1])
		} else {
			e.RequestID = bareID.FindString(text)
		}
	}
	if m := soleID.FindStringSubmatch(text); m != nil {
		e.RequestID = strings.ToUpper(m[1])
	}
	if e.Status == 0 {
		e.Status = findStatus(text)
	}
	if e.Code == "" {
		e.Code = findCode(text)
	}
	if e.Message == "" {
		e.Message = findMessage(bare)
	}
}

// findStatus reads the HTTP status of an answer. The last status line counts: curl shows those of proxies and "100 Continue" before it.
func findStatus(text string) int {
	if all := statusLine.FindAllStringSubmatch(text, -1); all != nil {
		return number(all[len(all)-1][1])
	}
	if m := keyedStatus.FindStringSubmatch(statusOf.ReplaceAllString(text, "")); m != nil {
		return number(m[1])
	}
	return 0
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // three of them, at most
	return n
}

func findCode(text string) string {
	for _, d := range catalogue {
		if d.own && d.Code == text {
			return text
		}
	}
	for _, re := range []*regexp.Regexp{ownCode, ossCode, keyedCode} {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}

func findMessage(text string) string {
	m := keyedMessage.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	message := strings.TrimSpace(m[1] + m[2] + m[3])
	if message == "" {
		return text
	}
	return message
}
