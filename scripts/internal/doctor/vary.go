package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// vary sends callbacks that differ in what must not matter.
func (e *exam) vary(ctx context.Context, d dialogue) {
	reference := d.forged
	if e.key != nil {
		reference.answer, reference.err = d.good[0], nil
	}
	if e.limit != nil {
		return
	}
	if !reference.answered() {
		e.stop("there is no answer to compare with: see " + ruleStatus)
		return
	}
	old, elsewhere := e.sender.form(), e.sender.form()
	old.proto = "HTTP/1.0"
	elsewhere.host = "callback-host.example"
	for _, v := range []struct {
		with    string
		message message
		judge   func(answer, tried)
	}{
		{"over HTTP/1.0", old, e.judgeHTTP10},
		{"with unusual headers", e.sender.odd(), e.judgeOdd},
		{"under another Host", elsewhere, e.judgeElsewhere},
		{"with a JSON body", e.sender.json(), e.judgeBodyTypes},
		{fmt.Sprintf("of %d KB", bigBody>>10), e.sender.big(), e.judgeBigBody},
	} {
		m, _ := e.signed(v.message) // the key could sign before
		t := attempt(e.ask(ctx, e.sender.render(m)))
		if errors.Is(t.err, errLimited) {
			return
		}
		if e.key == nil && t.answered() && admitted(t.answer) && !success(reference.answer) {
			e.fail(ruleSignature, fmt.Sprintf("a forged callback %s gets %d", v.with, t.status), verifiesNothing)
		}
		v.judge(reference.answer, t)
	}
}

// difference tells how an answer differs from the reference in what matters; "" if it does not.
func difference(reference answer, t tried) string {
	if t.err != nil {
		return "gets " + t.err.Error()
	}
	if t.status != reference.status {
		return fmt.Sprintf("gets %d instead of %d", t.status, reference.status)
	}
	if t.code() != reference.code() {
		return fmt.Sprintf("gets %.40q instead of %.40q", t.code(), reference.code())
	}
	return newFaults(reference, t.answer)
}

// newFaults names the rules about form that an answer breaks and the reference does not.
func newFaults(reference, got answer) string {
	known := faults(reference.reply)
	rules := slices.DeleteFunc(faults(got.reply), func(rule string) bool { return slices.Contains(known, rule) })
	if len(rules) == 0 {
		return ""
	}
	return "gets an answer that breaks " + strings.Join(rules, ", ")
}

func (e *exam) judgeHTTP10(reference answer, t tried) {
	if how := difference(reference, t); how != "" {
		e.warn(ruleHTTP10, how+"; OSS has been seen to send HTTP/1.1 since 2024",
			"have the server or proxy answer HTTP/1.0 as it answers HTTP/1.1, with Content-Length and without chunks, in case that OSS still sends it")
		return
	}
	e.pass(ruleHTTP10, fmt.Sprintf("%s %d", t.proto, t.status))
}

// judgeClose looks at the first answer, whose connection was watched until its end.
func (e *exam) judgeClose(first answer) {
	_, known := first.length()
	switch {
	case first.bodyless() || first.chunked():
		e.skip(ruleClose, "the answer has no length: see "+ruleStatus+" and "+ruleNotChunked)
	case !first.open:
		e.pass(ruleClose, "yes")
	case !known:
		e.skip(ruleClose, "left open, and the answer does not say where it ends: see "+ruleLength)
	default:
		e.warn(ruleClose, fmt.Sprintf("left open although OSS said \"Connection: close\"; watched for up to %s", e.Timeout),
			"close the connection after the answer, or idle ones pile up on the server")
	}
}

func (e *exam) judgeOdd(reference answer, t tried) {
	if how := difference(reference, t); how != "" {
		e.fail(ruleExtra, "with x-oss-owner, an empty x-oss-additional-headers, eagleeye-rpcid and an old form of Date it "+how,
			"ignore headers that you do not need, and let the gateway pass them; verify path, query and body only")
	}
}

func (e *exam) judgeElsewhere(reference answer, t tried) {
	if how := difference(reference, t); how != "" {
		e.warn(ruleExtra, "under another Host it "+how, "leave callbackHost out of the callback parameters, or have the endpoint serve that name")
		return
	}
	e.pass(ruleExtra, "same answer, under another Host too")
}

func (e *exam) judgeBodyTypes(reference answer, t tried) {
	const cure = "answer every body with JSON, whatever its Content-Type; the uploader chooses it"
	how := difference(reference, t)
	switch {
	case how == "":
		e.pass(ruleBodyTypes, fmt.Sprintf("%d to both", t.status))
	case t.err != nil, t.status >= http.StatusInternalServerError && reference.status < http.StatusInternalServerError:
		e.fail(ruleBodyTypes, "a JSON body "+how, cure)
	case newFaults(reference, t.answer) != "":
		e.fail(ruleBodyTypes, "a JSON body "+newFaults(reference, t.answer), cure)
	default:
		e.warn(ruleBodyTypes, "a JSON body "+how+", which a form body gets", "have the callback parameters use the body type that the endpoint understands")
	}
}

func (e *exam) judgeBigBody(reference answer, t tried) {
	const cure = "read the body, at least up to 1 MB, before refusing it: a connection closed with bytes unread is reset, and the answer is lost"
	if t.err != nil {
		e.warn(ruleBigBody, "gets "+t.err.Error(), cure)
		return
	}
	if how := newFaults(reference, t.answer); how != "" {
		e.warn(ruleBigBody, fmt.Sprintf("gets %d, %s", t.status, strings.TrimPrefix(how, "gets ")), "answer it with a JSON object too, as every other body")
		return
	}
	e.pass(ruleBigBody, fmt.Sprintf("gets %d", t.status))
}
