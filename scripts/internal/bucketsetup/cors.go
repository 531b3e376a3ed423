package bucketsetup

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	rules "oss-callback/deploy/oss"
)

// corsRule is what matters here of a rule. OSS's CORS rules have no IDs: whether one of ours is there is told by what it allows.
type corsRule struct {
	Origins []string `xml:"AllowedOrigin"`
	Methods []string `xml:"AllowedMethod"`
	Headers []string `xml:"AllowedHeader"`
	Expose  []string `xml:"ExposeHeader"`
}

func (r corsRule) summary() string {
	return strings.Join(r.Origins, ", ") + ": " + strings.Join(r.Methods, ", ")
}

// planCORS adds one rule for the origins that may not upload yet. Without origins it adds none.
func planCORS(raw []byte, origins []string) (Document, []Warning, error) {
	out := Document{Name: "cors", Before: string(raw), After: string(raw), Changes: []Change{}}
	doc, err := open(raw, corsResource)
	if err != nil {
		return out, nil, err
	}
	have := make([]corsRule, len(doc.rules))
	for i := range doc.rules {
		if err := xml.Unmarshal([]byte(doc.rule(i)), &have[i]); err != nil {
			return out, nil, fmt.Errorf("%w: cors: %w", ErrDocument, err)
		}
		out.Changes = append(out.Changes, Change{Action: Keep, Rule: ruleNumber(i), Says: have[i].summary()})
	}
	ours, err := templateRule(rules.CORS, corsResource)
	if err != nil {
		return out, nil, err
	}
	var want corsRule
	if err := xml.Unmarshal([]byte(ours), &want); err != nil {
		return out, nil, fmt.Errorf("%w: cors.xml: %w", ErrDocument, err)
	}

	var missing []string
	warnings := warnOfOpenCORS(have)
	for _, origin := range origins {
		allowed, hidden := covered(have, want, origin)
		if !allowed {
			missing = append(missing, origin)
		}
		warnings = append(warnings, hidden...)
	}
	if len(missing) == 0 {
		return out, warnings, nil
	}
	if ours, err = fill(ours, "AllowedOrigin", rules.Origin, missing); err != nil {
		return out, nil, err
	}
	want.Origins = missing
	out.Changes = append(out.Changes, Change{Action: Add, Rule: ruleNumber(len(doc.rules)), Says: want.summary(), After: ours})
	out.After = doc.with([]string{ours})
	return out, warnings, nil
}

// covered tells whether a page of the origin may send everything that the wanted rule allows. The warnings are of rules of the user's that
// answer first, so that ours is never asked, and hide headers from the page.
func covered(have []corsRule, want corsRule, origin string) (allowed bool, hidden []Warning) {
	for _, method := range want.Methods {
		if !slices.ContainsFunc(have, func(r corsRule) bool { return r.answers(origin, method) && matchesAll(r.Headers, want.Headers) }) {
			allowed = false
			break
		}
		allowed = true
	}
	hiding := map[int][]string{} // methods, by rule
	for _, method := range want.Methods {
		// For the request itself, unlike its preflight, headers do not count.
		if i := slices.IndexFunc(have, func(r corsRule) bool { return r.answers(origin, method) }); i >= 0 && len(have[i].hides(want)) > 0 {
			hiding[i] = append(hiding[i], method)
		}
	}
	for i, rule := range have {
		if methods := hiding[i]; methods != nil {
			hidden = append(hidden, Warning{
				Rule: "cors " + ruleNumber(i),
				Says: fmt.Sprintf("OSS uses the first rule that fits. For %s from %s that is this one, and it hides %s from the page", strings.Join(methods, ", "),
					origin, strings.Join(rule.hides(want), ", ")),
				Cure: "add them to its ExposeHeader, if the page needs them: ETag to finish a multipart upload, the others to report errors",
			})
		}
	}
	return allowed, hidden
}

func (r corsRule) answers(origin, method string) bool {
	return matchesAll(r.Origins, []string{origin}) && slices.Contains(r.Methods, method)
}

// hides lists what the wanted rule shows to the page and r does not.
func (r corsRule) hides(want corsRule) (hidden []string) {
	for _, name := range want.Expose {
		if !slices.ContainsFunc(r.Expose, func(e string) bool { return strings.EqualFold(e, name) }) {
			hidden = append(hidden, name)
		}
	}
	return hidden
}

// matchesAll tells whether each text, which may itself be a pattern, is matched by a pattern: case does not matter, "*" stands for anything.
func matchesAll(patterns, texts []string) bool {
	return !slices.ContainsFunc(texts, func(text string) bool {
		return !slices.ContainsFunc(patterns, func(pattern string) bool { return matches(strings.ToLower(pattern), strings.ToLower(text)) })
	})
}

func matches(pattern, text string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}

func ruleNumber(i int) string { return fmt.Sprintf("rule %d", i+1) }
