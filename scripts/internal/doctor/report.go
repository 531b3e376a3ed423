package doctor

// Verdict is what became of a rule.
type Verdict string

const (
	Pass Verdict = "pass"
	Warn Verdict = "warn" // OSS can live with it, or only some uploads cannot
	Fail Verdict = "fail" // OSS answers uploads with 203 or 400 because of it, or nothing is verified
	Skip Verdict = "skip" // not judged; the detail says why
)

// Finding is the verdict on one rule.
type Finding struct {
	Rule    string  `json:"rule"` // a Rule's ID
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail"`         // what was measured
	Cure    string  `json:"cure,omitempty"` // with Fail always, with Warn mostly
}

// Report is what Examine found.
type Report struct {
	URL      string    `json:"url"` // without query, and with its token, if it has one, cut short
	Findings []Finding `json:"findings"`
}

// Count tells how many rules have a verdict.
func (r Report) Count(v Verdict) (n int) {
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// sheet collects findings. Its zero value is ready.
type sheet struct {
	found map[string]Finding
	end   string // why the rules without a finding were not judged
}

// note adds a finding. The first one for a rule counts, but a failure outweighs whatever was found before, and a warning a pass.
func (s *sheet) note(f Finding) {
	if s.found == nil {
		s.found = map[string]Finding{}
	}
	known, ok := s.found[f.Rule]
	if !ok || f.Verdict == Fail && known.Verdict != Fail || f.Verdict == Warn && known.Verdict == Pass {
		s.found[f.Rule] = f
	}
}

func (s *sheet) pass(rule, detail string)       { s.note(Finding{rule, Pass, detail, ""}) }
func (s *sheet) skip(rule, reason string)       { s.note(Finding{rule, Skip, reason, ""}) }
func (s *sheet) warn(rule, detail, cure string) { s.note(Finding{rule, Warn, detail, cure}) }
func (s *sheet) fail(rule, detail, cure string) { s.note(Finding{rule, Fail, detail, cure}) }

// stop says why all other rules are not judged, and returns false.
func (s *sheet) stop(reason string) bool {
	s.end = reason
	return false
}

// all are the findings in the order of the rules, their details cleaned.
func (s *sheet) all(clean func(string) string) []Finding {
	var list []Finding
	for _, rule := range Rules() {
		f, ok := s.found[rule.ID]
		if !ok {
			f = Finding{rule.ID, Skip, s.end, ""}
		}
		f.Detail = clean(f.Detail)
		list = append(list, f)
	}
	return list
}
