package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// talk sends callbacks and judges the answers.
func (e *exam) talk(ctx context.Context) bool {
	if _, err := e.best(); err != nil { // the key cannot sign
		e.fail(ruleSignature, err.Error(), "give another key, of 512 bits or more")
		return e.stop("there is nothing to send: see " + ruleSignature)
	}
	first, ok := e.knock(ctx)
	if !ok {
		return false
	}
	if rule := first.unended(); rule != "" {
		e.judgeShapes([]answer{first}, nil)
		return e.stop("no answer ends in time: see " + rule)
	}
	e.linger, e.passed = !first.open, first.status < http.StatusInternalServerError
	d := dialogue{good: append([]answer{first}, e.again(ctx)...)}
	d.forged.answer = first
	if !e.forging() {
		d.forged = attempt(e.ask(ctx, e.sender.render(e.sender.form())))
	}
	e.judgeTrust(ctx, &d)
	e.judgeShapes(d.good, d.refused())
	e.judgeClose(first)
	e.vary(ctx, d)
	return true
}

// dialogue is what has been answered so far.
type dialogue struct {
	good       []answer // to the best callback we have, one at least; to forged ones if we have no key and no capture
	forged     tried    // a forged callback; without key and capture the first of good
	altered    tried    // the best callback, altered
	forgedJSON tried    // with a key, a forged callback with a JSON body
}

// refused are the answers to callbacks that must be refused.
func (d dialogue) refused() (list []answer) {
	for _, t := range []tried{d.forged, d.altered, d.forgedJSON} {
		if t.answered() {
			list = append(list, t.answer)
		}
	}
	return list
}

// tried is an answer, or why there is none. The zero value was not sent.
type tried struct {
	answer
	err error
}

func attempt(a answer, err error) tried { return tried{a, err} }

func (t tried) answered() bool { return t.err == nil && t.status > 0 }

// forging tells that we have neither a key nor a capture: all that can be sent are callbacks that must be refused.
func (e *exam) forging() bool { return e.key == nil && e.capture == nil }

// best is the callback that comes closest to one that must be accepted.
func (e *exam) best() ([]byte, error) {
	if e.capture != nil {
		return e.capture.render(e.target.hostport()), nil
	}
	m, err := e.signed(e.sender.form())
	return e.sender.render(m), err
}

// signed signs m if we have a key.
func (e *exam) signed(m message) (message, error) {
	if e.key == nil {
		return m, nil
	}
	return m.sign(e.key)
}

// askBest sends the best callback.
func (e *exam) askBest(ctx context.Context) (answer, error) {
	request, err := e.best()
	if err != nil {
		return answer{}, err
	}
	return e.ask(ctx, request)
}

// knock sends the first callback, twice if it is late, and judges whether there is an endpoint at all.
func (e *exam) knock(ctx context.Context) (answer, bool) {
	first, err := e.askBest(ctx)
	if errors.Is(err, errLate) && ctx.Err() == nil {
		cold := err
		if first, err = e.askBest(ctx); errors.Is(err, errLate) {
			e.skip(ruleCold, "every answer is late, not only the first: see "+ruleWarm)
			e.fail(ruleWarm, fmt.Sprintf("no complete answer within %s, twice; %s", e.Timeout, uploaderSees("Cost too long time.")), slowCure)
			return first, e.stop("no answer came in time: see " + ruleWarm)
		}
		if err == nil {
			e.fail(ruleCold, fmt.Sprintf("%s within %s; the next one took %d ms", cold, e.Timeout, first.took.Milliseconds()), coldCure)
		}
	}
	if errors.Is(err, errLimited) {
		e.judgeLimit(first, 0)
		return first, false
	}
	if err != nil {
		cure := "look into the log of the server, or of the proxy in front of it: it must answer every request, errors included"
		if strings.Contains(err.Error(), "certificate") {
			cure = clientCertificateCure
		}
		e.fail(ruleHTTP11, err.Error()+"; "+uploaderSees("Error status : -1.OSS can not connect to your callbackUrl, please check it."), cure)
		return first, e.stop("there is no answer to judge: see " + ruleHTTP11)
	}
	e.judgeCold(first.took)
	if rule, ok := e.judgeDoor(first); !ok {
		return first, e.stop("no callback gets through: see " + rule)
	}
	return first, true
}

// again times the following callbacks.
func (e *exam) again(ctx context.Context) (got []answer) {
	var late, lost int
	for range e.Tries {
		a, err := e.askBest(ctx)
		switch {
		case err == nil:
			got = append(got, a)
		case errors.Is(err, errLimited):
			e.judgeLimit(a, len(got)+1)
		case errors.Is(err, errLate):
			late++
		default:
			lost++
		}
		if e.limit != nil {
			break
		}
	}
	e.judgeWarm(got, late)
	if lost > 0 {
		e.fail(ruleHTTP11, fmt.Sprintf("%d of %d callbacks got no HTTP answer", lost, e.Tries+1),
			"look into the log of the server, or of the proxy in front of it: OSS never tries again")
	}
	e.pass(ruleHTTP11, "yes")
	return got
}

// judgeLimit judges a limit that a good callback met after others had passed. It says nothing of forged ones.
func (e *exam) judgeLimit(a answer, passed int) {
	if e.forging() && fcError(a) == "" {
		return
	}
	says := fmt.Sprint(a.status)
	if kind := fcError(a); kind != "" {
		says += fmt.Sprintf(" (%.60s)", kind)
	}
	e.fail(ruleStatus, fmt.Sprintf("callback %d gets %s; %s", passed+1, says, uploaderSees(fmt.Sprintf("Error status : %d.", a.status))), limitCure)
}
