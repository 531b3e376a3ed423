package diagnose

import (
	"cmp"
	"html"
	"regexp"
	"strings"
)

// maxNested is how deep a text may stand in a JSON string of another one: a container's log holds our log, which holds an answer.
const maxNested = 2

// recordStart is where a JSON object or an XML error begins, or all of the line that the Go SDK makes of one.
var recordStart = regexp.MustCompile(`(?i)\{|<Error>|oss: service returned error:[^\n]*`)

// Read finds what an input tells: an XML body, a header line or a whole response, an SDK's exception, our function's answer or lines of
// its log, an EC, a request id, or just a message. Of several JSON objects, XML errors or errors of the Go SDK it reads the last that tells of a failure, alone,
// and counts the others. It never fails; where it recognises nothing, Message is the input. It looks at the first 128 KiB only.
func Read(input string) Evidence { return read(decode(input), maxNested) }

func read(text string, nested int) Evidence {
	records, rest := split(text, nested)
	outside := readText(rest)
	if len(records) == 0 {
		return outside
	}
	e, last := records[len(records)-1], -1
	for i, r := range records {
		if r.failed() {
			e, last = r, i
		}
	}
	if last < 0 && outside.failed() {
		return outside
	}
	for i, r := range records {
		if last >= 0 && i != last && r.failed() && r != records[last] { // the same one twice is one
			e.Others += 1 + r.Others
		}
	}
	if len(records) == 1 { // headers before a body, or what an SDK says around it
		e.fill(outside)
	}
	return e
}

// split reads each JSON object, XML error and error of the Go SDK that tells anything. The rest of the text holds the others too.
func split(text string, nested int) (records []Evidence, rest string) {
	var outside strings.Builder
	budget := 4 * maxInput
	for {
		at := recordStart.FindStringIndex(text)
		if at == nil {
			outside.WriteString(text)
			return records, strings.TrimSpace(outside.String())
		}
		outside.WriteString(text[:at[0]])
		text = text[at[0]:]
		e, length := Evidence{}, 0
		switch text[0] {
		case '{':
			e, length = readJSON(text, nested, &budget)
		case '<':
			e, length = readXML(text)
		default:
			length = at[1] - at[0]
			e = readText(text[:length])
		}
		if length == 0 { // a brace of something else
			length = 1
			outside.WriteByte('{')
		} else if _, ok := e.specific(); ok {
			records = append(records, e)
		} else {
			outside.WriteString(text[:length])
		}
		text = text[length:]
	}
}

// failed tells whether something went wrong, as far as e tells.
func (e Evidence) failed() bool {
	d, ok := e.specific()
	return ok && d.Cure != None
}

var (
	xmlRE  = regexp.MustCompile(`(?i)<(Code|Message|RequestId|EC|ArgumentName|ArgumentValue)>([^<]*)</`)
	xmlEnd = regexp.MustCompile(`(?i)</Error>|<Error>`)
)

// readXML reads the XML error that a text begins with. One that is cut off ends where the next one begins.
func readXML(text string) (Evidence, int) {
	const tag = len("<Error>")
	length := len(text)
	if end := xmlEnd.FindStringIndex(text[tag:]); end != nil {
		if length = tag + end[0]; text[length+1] == '/' {
			length = tag + end[1]
		}
	}
	return readText(text[:length]), length
}

// readTags reads the elements that OSS's XML error has.
func (e *Evidence) readTags(text string) {
	for _, field := range xmlRE.FindAllStringSubmatch(text, -1) {
		e.set(field[1], html.UnescapeString(strings.TrimSpace(field[2])))
	}
}

// set fills a field by its name in XML or JSON, in whatever spelling, unless it has a value already.
func (e *Evidence) set(name, value string) {
	switch plainName(name) {
	case "code", "errorcode":
		e.Code = cmp.Or(e.Code, value)
	case "message", "errormessage", "cause":
		e.Message = cmp.Or(e.Message, value)
	case "ec", "xossec":
		e.EC = cmp.Or(e.EC, wholeEC(value))
	case "requestid", "ossrequestid", "xossrequestid":
		if requestIDRE.MatchString(value) {
			e.RequestID = cmp.Or(e.RequestID, value)
		}
	case "argumentname":
		e.ArgumentName = cmp.Or(e.ArgumentName, value)
	case "argumentvalue":
		e.ArgumentValue = cmp.Or(e.ArgumentValue, value)
	}
}

// fill takes what e does not have from more, and its message if that is known and e's is not.
func (e *Evidence) fill(more Evidence) {
	if e.Message != "" && !knownWords(e.Message) && knownWords(more.Message) {
		e.Message = more.Message
	}
	e.Status = cmp.Or(e.Status, more.Status)
	e.Code = cmp.Or(e.Code, more.Code)
	e.Message = cmp.Or(e.Message, more.Message)
	e.EC = cmp.Or(e.EC, more.EC)
	e.RequestID = cmp.Or(e.RequestID, more.RequestID)
	e.ArgumentName = cmp.Or(e.ArgumentName, more.ArgumentName)
	e.ArgumentValue = cmp.Or(e.ArgumentValue, more.ArgumentValue)
	e.Others = cmp.Or(e.Others, more.Others)
}
