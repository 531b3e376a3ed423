package doctor

import (
	"context"
	"errors"
	"fmt"
)

// talk sends callbacks and judges the answers.
func (e *exam) talk(ctx context.Context) bool {
	request, err := e.best()
	if err != nil { // the key cannot sign
		e.fail(ruleSignature, err.Error(), "give another key, of 512 bits or more")
		return e.stop("there is nothing to send: see " + ruleSignature)
	}
	first, ok := e.knock(ctx, request)
	if !ok {
		return false
	}
	if first.starved() {
		e.judgeShapes([]answer{first})
		return e.stop("no answer ends in time: see " + ruleExact)
	}
	linger := !first.open
	good := append([]answer{first}, e.again(ctx, request, linger)...)
	d := dialogue{linger: linger, good: good, forged: first}
	d.shaped = append(d.shaped, good...)
	if !e.forging() {
		if d.forged, d.forgedErr = e.exchange(ctx, e.sender.render(e.sender.form()), linger); d.forgedErr == nil {
			d.shaped = append(d.shaped, d.forged)
		}
	}
	e.judgeTrust(ctx, &d)
	e.judgeShapes(d.shaped)
	e.judgeClose(first)
	e.vary(ctx, d)
	return true
}

// dialogue is what has been answered so far.
type dialogue struct {
	linger    bool     // the endpoint closes its connections, so that their ends can be waited for
	good      []answer // to the best callback we have, one at least; to a forged one if we have no key and no capture
	forged    answer   // to a forged callback
	forgedErr error    // why there is none
	shaped    []answer // those whose form is judged
}

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

// knock sends the first callback, twice if it is late, and judges whether there is an endpoint at all.
func (e *exam) knock(ctx context.Context, request []byte) (answer, bool) {
	first, err := e.exchange(ctx, request, true)
	if errors.Is(err, errLate) && ctx.Err() == nil {
		cold := err
		if first, err = e.exchange(ctx, request, true); errors.Is(err, errLate) {
			e.skip(ruleCold, "every answer is late, not only the first: see "+ruleWarm)
			e.fail(ruleWarm, fmt.Sprintf("no complete answer within %s, twice; %s", e.Timeout, uploaderSees("Cost too long time.")), slowCure)
			return first, e.stop("no answer came in time: see " + ruleWarm)
		}
		if err == nil {
			e.fail(ruleCold, fmt.Sprintf("%s within %s; the next one took %d ms", cold, e.Timeout, first.took.Milliseconds()), coldCure)
		}
	}
	if err != nil {
		e.fail(ruleHTTP11, err.Error()+"; "+uploaderSees("Error status : -1.OSS can not connect to your callbackUrl, please check it."),
			"look into the log of the server, or of the proxy in front of it: it must answer every request, errors included")
		return first, e.stop("there is no answer to judge: see " + ruleHTTP11)
	}
	e.judgeCold(first.took)
	if rule, ok := e.judgeDoor(first); !ok {
		return first, e.stop("no callback gets through: see " + rule)
	}
	return first, true
}

// again times the following callbacks.
func (e *exam) again(ctx context.Context, request []byte, linger bool) (got []answer) {
	var late, lost int
	for range e.Tries {
		a, err := e.exchange(ctx, request, linger)
		switch {
		case err == nil:
			got = append(got, a)
		case errors.Is(err, errLate):
			late++
		default:
			lost++
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

// vary sends callbacks that differ in what must not matter.
func (e *exam) vary(ctx context.Context, d dialogue) {
	reference := d.forged
	if e.key != nil {
		reference = d.good[0]
	} else if d.forgedErr != nil {
		e.end = "there is no answer to compare with: see " + ruleStatus
		return
	}
	send := func(m message) (answer, error) {
		m, err := e.signed(m)
		if err != nil {
			return answer{}, err
		}
		return e.exchange(ctx, e.sender.render(m), d.linger)
	}
	old := e.sender.form()
	old.proto = "HTTP/1.0"
	e.judgeHTTP10(reference, attempt(send(old)))

	elsewhere := e.sender.form()
	elsewhere.host = "callback-host.example"
	e.judgeExtra(reference, attempt(send(e.sender.odd())), attempt(send(elsewhere)))
	e.judgeBodyTypes(reference, attempt(send(e.sender.json())))
	e.judgeBigBody(attempt(send(e.sender.big())))
}

// tried is an answer, or why there is none.
type tried struct {
	answer
	err error
}

func attempt(a answer, err error) tried { return tried{a, err} }
