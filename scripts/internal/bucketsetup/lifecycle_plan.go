package bucketsetup

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	rules "oss-callback/deploy/oss"
)

// planLifecycle adds those of our rules, told by ID, that are missing and that no rule of the user's stands in for. One that is there and is
// not as deploy/oss has it was edited: it is the user's then, and kept.
func planLifecycle(raw []byte, outbox, versioning string) (Document, []Warning, error) {
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
	there := map[string]bool{}
	for i := range doc.rules {
		text := doc.rule(i)
		rule, err := parseRule(text)
		if err != nil {
			return out, nil, err
		}
		if rule.label == "" {
			rule.label = ruleNumber(i)
		}
		change := Change{Action: Keep, Rule: rule.label, Says: rule.summary()}
		there[rule.ID] = true
		differs, ours, err := editedBy(text, rule.ID, wanted)
		if err != nil {
			return out, nil, err
		}
		if !ours || len(differs) > 0 {
			theirs = append(theirs, rule)
			warnings = append(warnings, rule.dangers(outbox)...)
		}
		if len(differs) > 0 {
			change.Edited = true
			warnings = append(warnings, warnOfEdit(rule.label, differs))
		}
		out.Changes = append(out.Changes, change)
	}
	var added []string
	for _, want := range wanted {
		if there[want.rule.ID] {
			continue
		}
		stands, more := want.doneBy(theirs)
		warnings = append(warnings, more...)
		if stands {
			continue
		}
		added = append(added, want.text)
		out.Changes = append(out.Changes, Change{Action: Add, Rule: want.rule.ID, Says: want.rule.summary(), After: want.text})
	}
	if len(added) > 0 {
		out.After = doc.with(added)
	}
	return out, warnings, nil
}

func parseRule(text string) (lifecycleRule, error) {
	var rule lifecycleRule
	if err := xml.Unmarshal([]byte(text), &rule); err != nil {
		return rule, fmt.Errorf("%w: lifecycle: %w", ErrDocument, err)
	}
	rule.label = rule.ID
	return rule, nil
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
		versions, err := outboxRule(outbox)
		if err != nil {
			return nil, err
		}
		texts = append(texts, versions)
	}
	wanted := make([]wantedRule, len(texts))
	for i, text := range texts {
		rule, err := parseRule(text)
		if err != nil {
			return nil, fmt.Errorf("deploy/oss: %w", err)
		}
		wanted[i] = wantedRule{rule, text}
	}
	return wanted, nil
}

// outboxRule is the file's rule for an outbox. Its ID has the prefix in it, so that each of several deployments on a bucket has its own rule.
func outboxRule(outbox string) (string, error) {
	text, err := templateRule(rules.LifecycleVersioned, lifecycleResource)
	if err != nil {
		return "", err
	}
	rule, err := parseRule(text)
	if err != nil {
		return "", fmt.Errorf("deploy/oss: %w", err)
	}
	if text, err = fill(text, "ID", rule.ID, []string{rule.ID + "-" + idOf(outbox)}); err != nil {
		return "", err
	}
	return fill(text, "Prefix", rules.Outbox, []string{outbox})
}

// maxReadable bounds the part of an ID that is for people, in bytes.
const maxReadable = 40

// idOf makes a prefix part of an ID. OSS says how long an ID may be, 255 characters, and not of which characters: these are letters, digits,
// dots and dashes, and as many prefixes look the same then, a hash tells them apart.
func idOf(prefix string) string {
	readable := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.':
			return r
		}
		return '-'
	}, prefix), "-.")
	readable = strings.TrimRight(readable[:min(len(readable), maxReadable)], "-.")
	hash := fmt.Sprintf("%.4x", sha256.Sum256([]byte(prefix)))
	if readable == "" {
		return hash
	}
	return readable + "-" + hash
}

// maxVersionDays is how long a rule of the user's may keep old versions of the outbox's entries and still stand in for ours.
const maxVersionDays = 30

// doneBy tells whether rules of the user's do already what the wanted rule does. Who aborts uploads at all has thought about how long they
// may take: ours would cut that short, since of two rules the earlier one wins.
func (w wantedRule) doneBy(theirs []lifecycleRule) (bool, []Warning) {
	if w.rule.Abort == nil {
		return w.versionsDoneBy(theirs)
	}
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

// versionsDoneBy wants both halves, in one rule or in two: old versions that go soon enough, and then their delete markers. Where ours has to
// be added beside rules of the user's, the warnings tell what these leave, since ours is earlier than they are.
func (w wantedRule) versionsDoneBy(theirs []lifecycleRule) (bool, []Warning) {
	outbox := w.rule.Prefix
	soon := func(r lifecycleRule) bool {
		return r.covers(outbox) && r.Noncurrent != nil && r.Noncurrent.Days > 0 && r.Noncurrent.Days <= maxVersionDays
	}
	if slices.ContainsFunc(theirs, soon) && slices.ContainsFunc(theirs, func(r lifecycleRule) bool {
		return r.covers(outbox) && r.Expiration != nil && r.Expiration.ExpiredMarker
	}) {
		return true, nil
	}
	var warnings []Warning
	for _, r := range theirs {
		if r.Noncurrent == nil || !r.overlaps(outbox) {
			continue
		}
		leaves := "and no rule removes their delete markers"
		switch {
		case !r.covers(outbox):
			leaves = "but not all of them"
		case !soon(r):
			leaves = "which is more than " + days(maxVersionDays)
		}
		warnings = append(warnings, Warning{"lifecycle " + r.label, fmt.Sprintf("it deletes old versions under %s after %s, %s: %s goes beside it, and there the "+
			"earlier one wins", outbox, days(r.Noncurrent.Days), leaves, w.rule.ID),
			"nothing, unless old entries of the outbox are to stay as long as yours says: set the days of " + w.rule.ID + " to that, and it is kept so"})
	}
	return false, warnings
}
