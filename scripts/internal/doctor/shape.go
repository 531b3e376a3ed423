package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// smallAnswer is the length up to which no SDK is known to lose answers: the Android one lost them beyond.
const smallAnswer = 1300

const exactCure = "set Content-Length to the body's length in bytes, not in characters, after compression and every filter"

// judgeShapes judges the form of answers. Of each rule the worst finding counts. OSS only looks at the status of a refusal, so that where a
// good callback was seen to get 200, refusals are warned about at most.
func (e *exam) judgeShapes(good, refused []answer) {
	worst := worstShapes(good)
	lenient := slices.ContainsFunc(good, func(a answer) bool { return a.status == http.StatusOK })
	for rule, f := range worstShapes(refused) {
		if lenient && f.Verdict != Fail {
			continue
		}
		if lenient {
			f.Verdict = Warn
		}
		if known, ok := worst[rule]; !ok || gravity(f.Verdict) > gravity(known.Verdict) {
			worst[rule] = f
		}
	}
	for _, f := range worst {
		e.note(f)
	}
}

func worstShapes(answers []answer) map[string]Finding {
	worst := map[string]Finding{}
	for _, a := range answers {
		for rule, f := range shape(a.reply) {
			if known, ok := worst[rule]; ok && gravity(f.Verdict) <= gravity(known.Verdict) {
				continue
			}
			if f.Verdict != Pass {
				f.Detail = fmt.Sprintf("%s (in an answer with status %d)", f.Detail, a.status)
			}
			worst[rule] = f
		}
	}
	return worst
}

func gravity(v Verdict) int { return slices.Index([]Verdict{Pass, Skip, Warn, Fail}, v) }

// faults are the rules about form that a reply breaks.
func faults(r reply) (rules []string) {
	for rule, f := range shape(r) {
		if f.Verdict == Fail {
			rules = append(rules, rule)
		}
	}
	slices.Sort(rules)
	return rules
}

// shape judges the form of one reply, by rule.
func shape(r reply) map[string]Finding {
	var s sheet
	if r.bodyless() {
		for _, rule := range []string{ruleJSON, ruleBOM, ruleLength, rulePositive, ruleExact, ruleNotChunked, ruleSize} {
			s.skip(rule, "this status has no body")
		}
		return s.found
	}
	s.lengths(r)
	s.size(r)
	s.content(r)
	return s.found
}

// lengths judges how the reply says where it ends. One fault of that kind hides the others.
func (s *sheet) lengths(r reply) {
	values := r.header.Values("Content-Length")
	if coding := r.header.Get("Transfer-Encoding"); coding != "" {
		s.fail(ruleNotChunked, fmt.Sprintf("Transfer-Encoding: %.30s", coding),
			"write the whole body at once with its Content-Length: no streaming, no flushing, no compression by a proxy")
		s.skip(ruleLength, "see "+ruleNotChunked)
	} else if len(values) == 0 {
		s.fail(ruleLength, "missing", "send Content-Length with every answer, errors included")
	}
	s.pass(ruleNotChunked, "no Transfer-Encoding")
	s.pass(ruleLength, strings.Join(values, ", "))
	if found := s.found[ruleLength]; found.Verdict != Pass {
		s.skip(rulePositive, "see "+ruleLength)
		s.skip(ruleExact, "see "+ruleLength)
		return
	}
	n, err := strconv.ParseUint(values[0], 10, 63)
	switch {
	case len(values) > 1:
		s.fail(rulePositive, fmt.Sprintf("stands there %d times", len(values)), "send it once: a proxy or a filter adds another")
	case err != nil:
		s.fail(rulePositive, fmt.Sprintf("%.30q is no number", values[0]), "send digits only")
	case n == 0:
		s.fail(rulePositive, "0: the body is empty", `answer with a JSON object, if there is nothing to say with {"status":"ok"}`)
	case n > maxBody:
		s.skip(ruleExact, "see "+ruleSize)
	case len(r.extra) > 0 && complete(r.body):
		s.warn(ruleExact, fmt.Sprintf("says %d, and after that whole JSON come %d bytes more, which OSS does not read", n, len(r.extra)), exactCure)
	case len(r.extra) > 0:
		s.fail(ruleExact, fmt.Sprintf("says %d, but the body has %d bytes: OSS would read a part of it", n, len(r.body)+len(r.extra)), exactCure)
	case len(r.body) < int(n):
		s.fail(ruleExact, fmt.Sprintf("says %d, but only %d bytes came: OSS would wait for the rest", n, len(r.body)), exactCure)
	}
	s.pass(rulePositive, values[0])
	if s.found[rulePositive].Verdict != Pass {
		s.skip(ruleExact, "see "+rulePositive)
	}
	s.pass(ruleExact, fmt.Sprintf("%d bytes", len(r.body)))
}

func (s *sheet) size(r reply) {
	size := len(r.body)
	if n, err := strconv.Atoi(r.header.Get("Content-Length")); err == nil {
		size = max(size, n)
	}
	const cure = "answer with what the uploader needs only, best below 1 kB"
	switch {
	case size > maxBody:
		s.fail(ruleSize, fmt.Sprintf("more than %d bytes, OSS's limit", maxBody), cure)
	case size > smallAnswer:
		s.warn(ruleSize, fmt.Sprintf("%d bytes: some SDKs lost answers over %d", size, smallAnswer), cure)
	default:
		s.pass(ruleSize, fmt.Sprintf("%d bytes", size))
	}
}

func (s *sheet) content(r reply) {
	utf16 := bytes.HasPrefix(r.body, []byte("\xff\xfe")) || bytes.HasPrefix(r.body, []byte("\xfe\xff"))
	text := bytes.TrimSpace(r.text())
	if utf16 || bytes.HasPrefix(r.body, []byte(utf8BOM)) {
		s.fail(ruleBOM, "there is one", "write UTF-8 without a byte order mark: source files and templates saved by some editors begin with one")
	}
	s.pass(ruleBOM, "none")
	switch {
	case len(r.body) > maxBody:
		s.skip(ruleJSON, "see "+ruleSize)
	case utf16:
		s.skip(ruleJSON, "see "+ruleBOM)
	case r.header.Get("Content-Encoding") != "" && !json.Valid(text):
		s.fail(ruleJSON, fmt.Sprintf("compressed, Content-Encoding: %.30s, which OSS did not ask for and does not undo", r.header.Get("Content-Encoding")),
			"turn compression off on this path, in the server and in the proxy in front of it")
	case json.Valid(text) && text[0] == '{':
		s.pass(ruleJSON, excerpt(text))
	case json.Valid(text) && text[0] == '[':
		s.warn(ruleJSON, "an array, which some SDKs cannot decode", "answer with an object")
	case s.found[ruleExact].Verdict == Fail:
		s.skip(ruleJSON, "the body is not what its length says: see "+ruleExact)
	case len(text) == 0:
		s.skip(ruleJSON, "the body is empty")
	case json.Valid(text):
		s.fail(ruleJSON, fmt.Sprintf("%.30q is JSON, but no object", text), "answer with an object: {…}")
	case text[0] == '<':
		s.fail(ruleJSON, fmt.Sprintf("a page of HTML or XML: %.60q", text),
			"answer every request with a JSON object, errors too: replace the framework's, gateway's or login's error page on this path")
	default:
		s.fail(ruleJSON, fmt.Sprintf("not JSON: %.60q", text), "answer with a JSON object and nothing before or after it")
	}
}

func excerpt(text []byte) string {
	const most = 80
	if len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "…"
}
