package doctor

import (
	"context"
	"fmt"
	"net/http"

	"oss-callback/scripts/internal/osssim"
)

const verifiesNothing = "verify OSS's signature before anything else, and answer 401 or 403 if it does not fit: as it is, anyone can call"

// judgeTrust judges status and signature: a good callback gets 200, an altered or forged one does not.
func (e *exam) judgeTrust(ctx context.Context, d *dialogue) {
	if e.forging() {
		if e.judgeForged(d.forged) {
			e.judgeSample(ctx, d.linger)
		}
		return
	}
	if d.forgedErr != nil {
		e.fail(ruleStatus, "a forged callback gets "+d.forgedErr.Error(), "refuse it at once with a JSON object; do not wait for anything, such as a key")
	}
	good := d.good[0]
	verified := e.judgeGood(good)
	altered, err := e.exchange(ctx, e.alteredBest(), d.linger)
	if err == nil {
		d.shaped = append(d.shaped, altered)
	}
	switch {
	case !verified:
		e.skip(ruleSignature, "see "+ruleStatus)
	case err != nil:
		e.fail(ruleSignature, "an altered callback gets "+err.Error(), "refuse it at once with a JSON object")
	case success(altered) || d.forgedErr == nil && success(d.forged):
		e.fail(ruleSignature, "an altered or forged callback gets "+statusText(altered, d.forged)+" too", verifiesNothing)
	case alike(good, altered):
		e.skip(ruleSignature, fmt.Sprintf("an altered callback gets the same answer as the good one, %d", good.status))
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

// judgeForged judges the answer to a forged callback where nothing better can be sent. It returns false if that says it all.
func (e *exam) judgeForged(a answer) bool {
	said := refusals[a.code()]
	switch {
	case e.judgePlatform(a):
	case success(a):
		e.fail(ruleStatus, fmt.Sprintf("a forged callback gets %d: the endpoint verifies nothing", a.status), verifiesNothing)
	case a.status >= http.StatusInternalServerError && said.cure != "":
		e.fail(ruleStatus, fmt.Sprintf("a forged callback gets %d %s: %s", a.status, a.code(), said.detail), said.cure)
	case a.status >= http.StatusInternalServerError:
		e.fail(ruleStatus, fmt.Sprintf("a forged callback gets %d, which is no refusal but a breakdown", a.status),
			"look into the log of the server and of the gateway in front of it; 502 from Function Compute means that the function did not run")
	default:
		e.pass(ruleStatus, fmt.Sprintf("a forged callback is refused with %d; to see 200 for a good one, give --capture or --key", a.status))
		if a.code() != "bad_signature" && said.rule == ruleSignature {
			e.fail(ruleSignature, fmt.Sprintf("a complete callback gets %d %s: %s", a.status, a.code(), said.detail), said.cure)
			return false
		}
		return true
	}
	e.skip(ruleSignature, "see "+ruleStatus)
	return false
}

// judgeSample sends what OSS itself once signed, and an altered copy.
func (e *exam) judgeSample(ctx context.Context, linger bool) {
	genuine, err := e.exchange(ctx, e.sender.render(sample), linger)
	if err != nil {
		e.skip(ruleSignature, "OSS's own sample gets "+err.Error())
		return
	}
	altered, err := e.exchange(ctx, e.sender.render(sample.altered()), linger)
	if err != nil {
		e.skip(ruleSignature, "an altered copy of OSS's own sample gets "+err.Error())
		return
	}
	const instead = "; give --capture or --key"
	said := refusals[genuine.code()]
	switch {
	case success(altered):
		e.fail(ruleSignature, fmt.Sprintf("an altered copy of OSS's own sample gets %d", altered.status), verifiesNothing)
	case success(genuine):
		e.warn(ruleSignature, "verified, but OSS's own sample is accepted, which is about a bucket that is not yours",
			"accept your own buckets only: any customer of OSS can cause a callback with a good signature")
	case said.verified:
		e.pass(ruleSignature, fmt.Sprintf("OSS's own sample passes (then %d %s), an altered copy gets %d", genuine.status, genuine.code(), altered.status))
	case genuine.code() == "bad_signature" && e.AllowPrivate:
		e.skip(ruleSignature, "OSS's own sample is refused, as it should be where OSS_CALLBACK_PUBLIC_KEY holds a simulator's key"+instead)
	case said.rule == ruleSignature:
		e.fail(ruleSignature, fmt.Sprintf("OSS's own sample gets %d %s: %s", genuine.status, genuine.code(), said.detail), said.cure)
	case alike(genuine, altered) || genuine.status == http.StatusNotFound || genuine.status == http.StatusMethodNotAllowed:
		e.skip(ruleSignature, fmt.Sprintf("OSS's own sample, for another path of this host, gets %d as an altered copy gets %d%s",
			genuine.status, altered.status, instead))
	default:
		e.pass(ruleSignature, fmt.Sprintf("OSS's own sample gets %d, an altered copy %d", genuine.status, altered.status))
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

// alike tells that two answers say the same.
func alike(a, b answer) bool { return a.status == b.status && a.code() == b.code() }

func statusText(altered, forged answer) string {
	if success(altered) {
		return fmt.Sprint(altered.status)
	}
	return fmt.Sprint(forged.status)
}
