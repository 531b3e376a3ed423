package bucketsetup

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	rules "oss-callback/deploy/oss"
)

// lifecycleRule is what matters here of a rule.
type lifecycleRule struct {
	ID          string       `xml:"ID"`
	Prefix      string       `xml:"Prefix"`
	Status      string       `xml:"Status"`
	Tags        []tag        `xml:"Tag"`
	Expiration  *age         `xml:"Expiration"`
	Transitions []transition `xml:"Transition"`
	Abort       *age         `xml:"AbortMultipartUpload"`
	Noncurrent  *noncurrent  `xml:"NoncurrentVersionExpiration"`
	Not         []exclusion  `xml:"Filter>Not"`
}

type tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// age is when an action takes place: so many days after the last change, or for everything older than a date.
type age struct {
	Days          int    `xml:"Days"`
	Before        string `xml:"CreatedBeforeDate"`
	Date          string `xml:"Date"` // an old name of the same
	ExpiredMarker bool   `xml:"ExpiredObjectDeleteMarker"`
}

type transition struct {
	age
	Class string `xml:"StorageClass"`
}

type noncurrent struct {
	Days int `xml:"NoncurrentDays"`
}

type exclusion struct {
	Prefix string `xml:"Prefix"`
	Tag    *tag   `xml:"Tag"`
}

func (r lifecycleRule) enabled() bool { return r.Status == "Enabled" }

// summary says what the rule does, in a line.
func (r lifecycleRule) summary() string {
	where := "the whole bucket"
	if r.Prefix != "" {
		where = r.Prefix
	}
	if len(r.Tags) > 0 {
		where += ", tagged"
	}
	var does []string
	if e := r.Expiration; e != nil && e.ExpiredMarker {
		does = append(does, "removes delete markers that hide nothing")
	} else if e != nil {
		does = append(does, "deletes "+e.when())
	}
	for _, t := range r.Transitions {
		does = append(does, "moves to "+t.Class+" "+t.when())
	}
	if r.Abort != nil {
		does = append(does, "aborts unfinished uploads "+r.Abort.when())
	}
	if r.Noncurrent != nil {
		does = append(does, "deletes old versions after "+days(r.Noncurrent.Days))
	}
	if len(does) == 0 {
		does = append(does, "does something this program does not know")
	}
	if !r.enabled() {
		does = append(does, "is switched off")
	}
	return where + ": " + strings.Join(does, "; ")
}

func (a age) when() string {
	if a.date() != "" {
		return "what was changed before " + a.date()
	}
	return "after " + days(a.Days)
}

func (a age) date() string { return a.Before + a.Date }

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// planLifecycle replaces those of our rules, told by ID, that are not as deploy/oss has them, and adds those that are missing and that no
// rule of the user's stands in for.
func planLifecycle(raw []byte, outbox, versioning string, now time.Time) (Document, []Warning, error) {
	out := Document{Name: "lifecycle", Before: string(raw), After: string(raw), Changes: []Change{}}
	doc, err := open(raw, lifecycleResource)
	if err != nil {
		return out, nil, err
	}
	wanted, err := wantedLifecycle(outbox, versioning)
	if err != nil {
		return out, nil, err
	}
	var theirs []lifecycleRule
	var warnings []Warning
	there, replaced := map[string]bool{}, map[int]string{}
	for i := range doc.rules {
		text := doc.rule(i)
		var rule lifecycleRule
		if err := xml.Unmarshal([]byte(text), &rule); err != nil {
			return out, nil, fmt.Errorf("%w: lifecycle: %w", ErrDocument, err)
		}
		change := Change{Action: Keep, Rule: rule.name(i), Says: rule.summary()}
		mine := slices.IndexFunc(wanted, func(w wantedRule) bool { return w.rule.ID == rule.ID })
		switch {
		case mine < 0:
			theirs = append(theirs, rule)
			warnings = append(warnings, rule.dangers(rule.name(i), outbox, now)...)
		case !reflect.DeepEqual(wanted[mine].rule, rule):
			change = Change{Action: Replace, Rule: rule.name(i), Says: wanted[mine].rule.summary(), Before: text, After: wanted[mine].text}
			replaced[i] = change.After
		}
		there[rule.ID] = true
		out.Changes = append(out.Changes, change)
	}
	var added []string
	for _, want := range wanted {
		if there[want.rule.ID] {
			continue
		}
		if stands, warning := want.doneBy(theirs); stands {
			warnings = append(warnings, warning...)
			continue
		}
		added = append(added, want.text)
		out.Changes = append(out.Changes, Change{Action: Add, Rule: want.rule.ID, Says: want.rule.summary(), After: want.text})
	}
	if len(added)+len(replaced) > 0 {
		out.After = doc.with(replaced, added)
	}
	return out, warnings, nil
}

func (r lifecycleRule) name(i int) string {
	if r.ID == "" {
		return ruleNumber(i)
	}
	return r.ID
}

// wantedRule is a rule of deploy/oss.
type wantedRule struct {
	rule lifecycleRule
	text string
}

func wantedLifecycle(outbox, versioning string) ([]wantedRule, error) {
	abort, err := templateRule(rules.Lifecycle, lifecycleResource)
	if err != nil {
		return nil, err
	}
	texts := []string{abort}
	if versioning != "" { // suspended too: the old versions stay
		versions, err := templateRule(rules.LifecycleVersioned, lifecycleResource)
		if err == nil {
			versions, err = fill(versions, "Prefix", rules.Outbox, []string{outbox})
		}
		if err != nil {
			return nil, err
		}
		texts = append(texts, versions)
	}
	wanted := make([]wantedRule, len(texts))
	for i, text := range texts {
		wanted[i].text = text
		if err := xml.Unmarshal([]byte(text), &wanted[i].rule); err != nil {
			return nil, fmt.Errorf("%w: deploy/oss: %w", ErrDocument, err)
		}
	}
	return wanted, nil
}

// doneBy tells whether rules of the user's do already what the wanted rule does. Who aborts uploads at all has thought about how long they
// may take: ours would cut that short, since of two rules the earlier one wins.
func (w wantedRule) doneBy(theirs []lifecycleRule) (bool, []Warning) {
	if w.rule.Abort != nil {
		var prefixes []string
		for _, r := range theirs {
			if r.enabled() && r.Abort != nil {
				prefixes = append(prefixes, r.Prefix)
			}
		}
		if len(prefixes) == 0 || slices.Contains(prefixes, "") {
			return len(prefixes) > 0, nil
		}
		return true, []Warning{{Rule: "lifecycle", Says: "unfinished multipart uploads are aborted only under " + strings.Join(prefixes, ", ") +
			"; elsewhere their parts stay, unseen and paid for", Cure: "extend that rule of yours, or add one; none is added here, because it would cut yours short"}}
	}
	return slices.ContainsFunc(theirs, func(r lifecycleRule) bool {
		return r.enabled() && r.Noncurrent != nil && len(r.Tags) == 0 && strings.HasPrefix(w.rule.Prefix, r.Prefix) && !r.excludes(w.rule.Prefix)
	}), nil
}

// excludes tells whether nothing under the prefix is touched by the rule.
func (r lifecycleRule) excludes(prefix string) bool {
	return slices.ContainsFunc(r.Not, func(n exclusion) bool { return n.Tag == nil && strings.HasPrefix(prefix, n.Prefix) })
}
