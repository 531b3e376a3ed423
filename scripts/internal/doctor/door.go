package doctor

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	slowCure = "answer first and do the work afterwards, on a queue; OSS waits 5 s and never asks again"
	coldCure = "make starts faster (smaller binary, more memory, no VPC) or keep an instance warm (minInstances)"
)

// uploaderSees words what OSS makes of an answer.
func uploaderSees(message string) string { return fmt.Sprintf("the uploader gets 203 %q", message) }

// worrying is the part of the time limit after which an answer in time is warned about: 2 s of 5 s.
func (e *exam) worrying() time.Duration { return e.Timeout * 2 / 5 }

func (e *exam) judgeCold(took time.Duration) {
	detail := fmt.Sprintf("%d ms of %d; a cold start only if nothing called the endpoint for some minutes",
		took.Milliseconds(), e.Timeout.Milliseconds())
	if took >= e.worrying() {
		e.warn(ruleCold, detail, coldCure)
		return
	}
	e.pass(ruleCold, detail)
}

func (e *exam) judgeWarm(got []answer, late int) {
	if late > 0 {
		e.fail(ruleWarm, fmt.Sprintf("%d of %d answers did not come within %s; %s", late, e.Tries, e.Timeout,
			uploaderSees("Cost too long time.")), slowCure)
		return
	}
	if len(got) == 0 && e.limit != nil {
		return
	}
	if len(got) == 0 {
		e.skip(ruleWarm, "no answer came: see "+ruleHTTP11)
		return
	}
	var took []time.Duration
	for _, a := range got {
		took = append(took, a.took)
	}
	slices.Sort(took)
	middle, most := took[len(took)/2], took[len(took)-1]
	detail := fmt.Sprintf("median %d ms, longest %d ms of %d; %d tries", middle.Milliseconds(), most.Milliseconds(), e.Timeout.Milliseconds(), len(took))
	if most >= e.worrying() {
		e.warn(ruleWarm, detail, slowCure)
		return
	}
	e.pass(ruleWarm, detail)
}

// judgeDoor judges whether a callback gets to a handler at all. If not, it names the rule that says so.
func (e *exam) judgeDoor(a answer) (rule string, ok bool) {
	if a.status >= 300 && a.status < 400 {
		e.judgeRedirect(a)
		return ruleRedirect, false
	}
	e.pass(ruleRedirect, "none")
	const routes = "route POST on exactly this path, trailing slash included, to the handler"
	switch {
	case fcError(a) == "FCCommonError" && a.status == http.StatusForbidden:
		e.fail(ruleMethod, "Function Compute refuses the callback with 403, before the function sees it; "+uploaderSees("Error status : 403."),
			"put POST into the HTTP trigger's methods, have its authType anonymous, for OSS cannot sign for Function Compute, and deploy again; "+
				"it takes some seconds to spread")
	case fcError(a) == "FCCommonError" && a.status == http.StatusNotFound:
		e.fail(ruleMethod, "Function Compute knows no function, trigger or custom domain here: 404; "+uploaderSees("Error status : 404."),
			"copy the URL of the HTTP trigger from the console or the deployment's output, or mend the custom domain's routes")
	case a.status == http.StatusBadRequest && e.target.url.Scheme == "http" && wantsTLS(a.body):
		e.fail(ruleStatus, "400: this port speaks HTTPS only; "+uploaderSees("Error status : 400."), "write https:// in the URL, with callbackSNI true")
		return ruleStatus, false
	case a.status == http.StatusMethodNotAllowed, a.status == http.StatusNotImplemented:
		detail := fmt.Sprintf("POST gets %d", a.status)
		if allow := a.header.Get("Allow"); allow != "" {
			detail += fmt.Sprintf(", allowed are %.60q", allow)
		}
		e.fail(ruleMethod, detail+"; "+uploaderSees(fmt.Sprintf("Error status : %d.", a.status)), routes)
	case a.status == http.StatusNotFound && a.code() != "object_gone" && e.forging():
		e.fail(ruleMethod, "POST gets 404: nothing is at this path, or it hides from forged callbacks; "+uploaderSees("Error status : 404."),
			routes+"; if it hides on purpose, give --capture or --key")
	case a.status == http.StatusNotFound && a.code() != "object_gone":
		e.fail(ruleMethod, "POST gets 404: nothing is at this path; "+uploaderSees("Error status : 404."), routes)
	default:
		e.pass(ruleMethod, fmt.Sprintf("POST gets %d", a.status))
		return "", true
	}
	return ruleMethod, false
}

func (e *exam) judgeRedirect(a answer) {
	to := a.header.Get("Location")
	cure := "give OSS the final URL, or take the redirect off this path: OSS does not follow"
	if rest, ok := strings.CutPrefix(to, "https://"); ok && e.target.url.Scheme == "http" && strings.HasPrefix(rest, e.target.url.Hostname()) {
		cure = "use the https:// URL as callbackUrl, with callbackSNI true: OSS does not follow"
	}
	e.fail(ruleRedirect, fmt.Sprintf("%d to %.120q; %s", a.status, shortenURL(to), uploaderSees(fmt.Sprintf("Error status : %d.", a.status))), cure)
}

// wantsTLS knows what nginx, Go and Apache say to plain HTTP on a port for HTTPS.
func wantsTLS(body []byte) bool {
	return slices.ContainsFunc([]string{
		"plain HTTP request was sent to HTTPS port", "sent an HTTP request to an HTTPS server", "speaking plain HTTP to an SSL-enabled server port",
	}, func(phrase string) bool { return strings.Contains(string(body), phrase) })
}

// fcError is what Function Compute says beside the function's answer, or in its place.
func fcError(a answer) string { return a.header.Get("X-Fc-Error-Type") }
