package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const instead = "; give --capture or --key"

// judgeForged judges the answers to forged callbacks where nothing better can be sent, but for OSS's own sample.
func (e *exam) judgeForged(ctx context.Context, forged []answer) {
	a := forged[0]
	said := refusals[a.code()]
	accepted := 0
	for _, b := range forged {
		if admitted(b) {
			accepted++
		}
	}
	switch {
	case accepted > 0 && accepted == len(forged):
		e.fail(ruleStatus, fmt.Sprintf("a forged callback gets %d: the endpoint verifies nothing", a.status), verifiesNothing)
	case accepted > 0:
		e.fail(ruleStatus, fmt.Sprintf("%d of %d forged callbacks are accepted: not every server behind this name verifies", accepted, len(forged)),
			verifiesNothing)
	case e.judgePlatform(a):
	case a.status >= http.StatusInternalServerError && said.cure != "":
		e.fail(ruleStatus, fmt.Sprintf("a forged callback gets %d %s: %s", a.status, a.code(), said.detail), said.cure)
	case a.status >= http.StatusInternalServerError:
		e.fail(ruleStatus, fmt.Sprintf("a forged callback gets %d, which is no refusal but a breakdown", a.status),
			"look into the log of the server and of the gateway in front of it; 502 from Function Compute means that the function did not run")
	default:
		e.judgeSteady(forged)
		if said.rule == ruleSignature && a.code() != "bad_signature" {
			e.fail(ruleSignature, fmt.Sprintf("a complete callback gets %d %s: %s", a.status, a.code(), said.detail), said.cure)
			e.skip(ruleStatus, "see "+ruleSignature)
			return
		}
		verified := e.judgeSample(ctx)
		switch {
		case e.limit != nil:
		case verified:
			e.pass(ruleStatus, fmt.Sprintf("a forged callback gets %d, and OSS's own sample is told from one; to see 200 for a good one, give --capture or --key", a.status))
		case a.status == http.StatusUnauthorized:
			e.skip(ruleStatus, "a forged callback gets 401: it is refused, by the endpoint or by a login in front of it, which would keep OSS out too"+instead)
		default:
			e.skip(ruleStatus, fmt.Sprintf("a forged callback is refused with %d; a good one may be too%s", a.status, instead))
		}
		return
	}
	e.skip(ruleSignature, "see "+ruleStatus)
}

// judgeSample sends what OSS itself once signed, and an altered copy. It returns whether they were told apart.
func (e *exam) judgeSample(ctx context.Context) bool {
	genuine := attempt(e.ask(ctx, e.sender.render(sample)))
	altered := attempt(e.ask(ctx, e.sender.render(sample.altered())))
	said := refusals[genuine.code()]
	switch {
	case altered.answered() && success(altered.answer):
		e.fail(ruleSignature, fmt.Sprintf("an altered copy of OSS's own sample gets %d", altered.status), verifiesNothing)
	case errors.Is(genuine.err, errLimited), errors.Is(altered.err, errLimited): // all that is left is skipped
	case genuine.err != nil:
		e.skip(ruleSignature, "OSS's own sample gets "+genuine.err.Error())
	case altered.err != nil:
		e.skip(ruleSignature, "an altered copy of OSS's own sample gets "+altered.err.Error())
	case success(genuine.answer):
		e.warn(ruleSignature, "verified, but OSS's own sample is accepted, which is about a bucket that is not yours",
			"accept your own buckets only: any customer of OSS can cause a callback with a good signature")
		return true
	case said.verified:
		e.pass(ruleSignature, fmt.Sprintf("OSS's own sample passes (then %d %s), an altered copy gets %d", genuine.status, genuine.code(), altered.status))
		return true
	case genuine.code() == "bad_signature" && e.AllowPrivate:
		e.skip(ruleSignature, "OSS's own sample is refused, as it should be where OSS_CALLBACK_PUBLIC_KEY holds a simulator's key"+instead)
	case said.rule == ruleSignature:
		e.fail(ruleSignature, fmt.Sprintf("OSS's own sample gets %d %s: %s", genuine.status, genuine.code(), said.detail), said.cure)
	case alike(genuine.answer, altered.answer) || genuine.status == http.StatusNotFound || genuine.status == http.StatusMethodNotAllowed ||
		!refusal4xx(genuine.answer) || !refusal4xx(altered.answer):
		e.skip(ruleSignature, fmt.Sprintf("OSS's own sample, for another path of this host, gets %d, an altered copy gets %d%s",
			genuine.status, altered.status, instead))
	default:
		e.pass(ruleSignature, fmt.Sprintf("OSS's own sample gets %d, an altered copy %d", genuine.status, altered.status))
		return true
	}
	return false
}
