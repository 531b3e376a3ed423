package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"oss-callback/scripts/internal/osssim"
)

const verifiesNothing = "verify OSS's signature before anything else, for every request, and answer 401 or 403 if it does not fit: as it is, anyone can call"

// judgeTrust judges status and signature: a good callback gets 200, an altered or forged one does not.
func (e *exam) judgeTrust(ctx context.Context, d *dialogue) {
	if e.forging() {
		e.judgeForged(ctx, d.good)
		return
	}
	if err := d.forged.err; err != nil && !errors.Is(err, errLimited) {
		e.fail(ruleStatus, "a forged callback gets "+err.Error(), "refuse it at once with a JSON object; do not wait for anything, such as a key")
	}
	good := d.good[0]
	verified := e.judgeGood(good)
	e.judgeSteady(d.good)
	d.altered = attempt(e.ask(ctx, e.alteredBest()))
	if e.key != nil {
		d.forgedJSON = attempt(e.ask(ctx, e.sender.render(e.sender.json())))
	}
	for _, a := range d.refused() {
		if admitted(a) {
			e.fail(ruleSignature, fmt.Sprintf("an altered or forged callback gets %d too", a.status), verifiesNothing)
			return
		}
	}
	if !verified {
		e.skip(ruleSignature, "see "+ruleStatus)
		return
	}
	altered := d.altered
	switch {
	case errors.Is(altered.err, errLimited): // no verdict: all that is left is skipped
	case altered.err != nil:
		e.fail(ruleSignature, "an altered callback gets "+altered.err.Error(), "refuse it at once with a JSON object")
	case alike(good, altered.answer):
		e.skip(ruleSignature, fmt.Sprintf("an altered callback gets the same answer as the good one, %d", good.status))
	case !refusal4xx(altered.answer):
		e.warn(ruleSignature, fmt.Sprintf("the good one gets %d, an altered one %d, which is no refusal: it may have another cause than the signature",
			good.status, altered.status), "answer 401 or 403 if the signature does not fit")
	default:
		e.pass(ruleSignature, fmt.Sprintf("the good one gets %d, an altered one %d", good.status, altered.status))
	}
}

func (e *exam) alteredBest() []byte {
	if e.capture != nil {
		return e.capture.altered().render(e.target.hostport())
	}
	m, _ := e.signed(e.sender.form()) // it could sign before
	return e.sender.render(m.altered())
}

// judgeGood judges the answer to a callback that should be accepted. It returns false where nothing can be told of the signature.
func (e *exam) judgeGood(a answer) bool {
	if e.judgePlatform(a) {
		return false
	}
	sees := uploaderSees(osssim.Judge(a.status, a.header, a.body).Message)
	said, known := refusals[a.code()]
	switch {
	case a.status == http.StatusOK:
		e.pass(ruleStatus, "a good callback gets 200")
	case success(a):
		e.fail(ruleStatus, fmt.Sprintf("a good callback gets %d; %s", a.status, sees), "answer exactly 200: OSS takes no other status, 201 and 204 neither")
	case known && said.rule == ruleSignature:
		e.fail(ruleSignature, fmt.Sprintf("a good callback gets %d %s: %s", a.status, a.code(), said.detail), said.cure)
		e.skip(ruleStatus, "see "+ruleSignature)
	case known && e.excusable(a.code()):
		e.skip(ruleStatus, fmt.Sprintf("verified, but %d %s: %s", a.status, a.code(), said.cure))
	case known:
		e.fail(ruleStatus, fmt.Sprintf("a good callback gets %d %s: %s; %s", a.status, a.code(), said.detail, sees), said.cure)
		return said.verified
	case a.status == http.StatusUnauthorized:
		e.fail(ruleStatus, "a good callback gets 401; "+sees, "let this path through without a login, token or CSRF check: OSS brings nothing but its signature")
	default:
		e.fail(ruleStatus, fmt.Sprintf("a good callback gets %d; %s", a.status, sees), "look into the endpoint's log for why it refused the callback")
	}
	return true
}

// excusable tells of refusals that speak of our callback and not of the endpoint.
func (e *exam) excusable(code string) bool {
	switch code {
	case "object_gone", "object_changed", "not_an_image":
		return true
	case "bad_token": // the token may be for another prefix than our made-up object
		return e.key != nil && e.Object == ""
	default:
		return false
	}
}

// judgeSteady wants each of the callbacks, which say the same, answered as the first one was.
func (e *exam) judgeSteady(good []answer) {
	first := good[0]
	for i, a := range good[1:] {
		if alike(first, a) && fcError(first) == fcError(a) {
			continue
		}
		detail := fmt.Sprintf("callback %d of %d gets %d %s%.60s, the first one, which says the same, %d", i+2, len(good), a.status, a.code(), fcError(a), first.status)
		if e.capture != nil && refusal4xx(a) && success(first) {
			e.warn(ruleStatus, detail, "none if the endpoint has a guard against replays, for it was the same capture; else look into its log")
			return
		}
		cure := refusals[a.code()].cure
		if cure == "" {
			cure = "look into the log: a limit on requests, one bad server of several, or something behind it that stumbles"
		}
		e.fail(ruleStatus, detail, cure)
		return
	}
}

// judgePlatform judges answers in which Function Compute speaks for a function that failed, or did not run.
func (e *exam) judgePlatform(a answer) bool {
	kind := fcError(a)
	if kind == "" {
		return false
	}
	e.fail(ruleStatus, fmt.Sprintf("Function Compute itself answers %d, %.60s: the function failed or did not run", a.status, kind),
		"look into the function's log; with status 200 OSS would even take this for a success")
	return true
}

func success(a answer) bool { return a.status >= 200 && a.status < 300 }

// admitted tells of a success that is the endpoint's own word, and not what Function Compute makes of a crash.
func admitted(a answer) bool { return success(a) && fcError(a) == "" }

// refusal4xx tells of statuses with which a server refuses what it was sent. 429 and above speak of the sender, 5xx of a breakdown.
func refusal4xx(a answer) bool {
	return a.status >= http.StatusBadRequest && a.status < http.StatusTooManyRequests
}

// alike tells that two answers say the same.
func alike(a, b answer) bool { return a.status == b.status && a.code() == b.code() }
