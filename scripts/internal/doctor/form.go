package doctor

import (
	"context"
	"fmt"
	"strings"
)

const (
	maxCallback = 5 << 10 // bytes of base64 that OSS takes for the callback parameter
	// besidesURL is how many bytes of JSON stand beside the URL in parameters with our default body and room for a few variables.
	besidesURL = 400
	// maxQueryParams is how many query parameters a go1 function can put back into their order: its event has them as a map only.
	maxQueryParams = 4
)

// form judges the URL itself.
func (e *exam) form(context.Context) bool {
	if encoded := (len(e.URL) + besidesURL + 2) / 3 * 4; encoded <= maxCallback {
		e.pass(ruleURLLength, fmt.Sprintf("URL of %d bytes, parameters of about %d of %d", len(e.URL), encoded, maxCallback))
	} else {
		e.fail(ruleURLLength, fmt.Sprintf("URL of %d bytes makes parameters of about %d, and OSS takes %d", len(e.URL), encoded, maxCallback),
			"shorten the path; OSS refuses the upload: 400 \"The length of callback exceed max value.\"")
	}
	if e.target.fault != "" {
		e.fail(ruleForm, e.target.fault, e.target.cure)
		return e.stop("the URL has to be mended first: see " + ruleForm)
	}
	e.judgeForm()
	if e.target.isIPv6() {
		e.fail(ruleIPv6, "the host is an IPv6 address, which OSS cannot call", "use a name or address with IPv4")
		return e.stop("OSS cannot call it: see " + ruleIPv6)
	}
	e.pass(ruleIPv6, "none")
	return true
}

// judgeForm is about URLs that OSS takes, but that are signed or handed on in ways on which servers disagree.
func (e *exam) judgeForm() {
	var doubts, cures []string
	if strings.ContainsAny(e.target.path, "%+") {
		doubts = append(doubts, "its path holds + or %-escapes, which OSS signs decoded and servers decode differently")
		cures = append(cures, "use letters, digits, -, _ and . in the path")
	}
	if e.target.query != "" {
		n := strings.Count(e.target.query, "&") + 1
		doubts = append(doubts, fmt.Sprintf("it has %d query parameters", n))
		cure := "put them in the path"
		if n > maxQueryParams {
			doubts[len(doubts)-1] += fmt.Sprintf(", and a go1 function cannot verify more than %d: its event has no raw query", maxQueryParams)
			cure += ", or deploy the web variant"
		}
		cures = append(cures, cure)
	}
	if len(doubts) > 0 {
		e.warn(ruleForm, strings.Join(doubts, "; "), strings.Join(cures, "; "))
		return
	}
	e.pass(ruleForm, e.target.shown())
}
