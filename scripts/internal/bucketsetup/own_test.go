package bucketsetup

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// versioned is a rig whose bucket has versioning.
func versioned(t *testing.T, outbox string) *rig {
	t.Helper()
	r := newRig(t, func(c *Config) { c.OutboxPrefix = outbox })
	if err := r.SetVersioning(testBucket, "Enabled"); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEditedRulesAreKept: whatever an operator does to a rule of ours, it stays, byte for byte, and what differs is told.
func TestEditedRulesAreKept(t *testing.T) {
	const abort = "oss-callback-abort-uploads"
	for name, c := range map[string]struct {
		rule, old, new string // the edit
		differs        string
		dangers        []string
	}{
		"days":              {abort, "<Days>3<", "<Days>30<", "AbortMultipartUpload/Days is 30 instead of 3", nil},
		"switched off":      {abort, "<Status>Enabled<", "<Status>Disabled<", "Status is Disabled instead of Enabled", nil},
		"prefix":            {abort, "<Prefix></Prefix>", "<Prefix>big/</Prefix>", "Prefix is big/ instead of none", nil},
		"unknown element":   {abort, "</Status>", "</Status><Later><On>1</On></Later>", "Later/On is 1 instead of none", nil},
		"a date":            {abort, "<Days>3</Days>", "<CreatedBeforeDate>2020-01-01T00:00:00.000Z</CreatedBeforeDate>", "AbortMultipartUpload/CreatedBeforeDate is 2020-01-01T00:00:00.000Z instead of none; AbortMultipartUpload/Days is missing instead of 3", nil},
		"an action more":    {abort, "</Status>", "</Status><Expiration><Days>1</Days></Expiration>", "Expiration/Days is 1 instead of none", []string{"under .outbox/ too", "uploads too"}},
		"outbox: days":      {outboxID, "<NoncurrentDays>7<", "<NoncurrentDays>365<", "NoncurrentVersionExpiration/NoncurrentDays is 365 instead of 7", nil},
		"outbox: no marker": {outboxID, "true</ExpiredObjectDeleteMarker>", "false</ExpiredObjectDeleteMarker><Days>40</Days>", "Expiration/Days is 40 instead of none; Expiration/ExpiredObjectDeleteMarker is false instead of true", nil},
		"outbox: moved":     {outboxID, "<Prefix>.outbox/<", "<Prefix>elsewhere/<", "Prefix is elsewhere/ instead of .outbox/", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := versioned(t, ".outbox/")
			r.apply(t)
			written := strings.NewReplacer("\n", "", "  ", "").Replace(r.get(t, lifecycleResource))
			edited := strings.Replace(written, c.old, c.new, 1)
			if edited == written {
				t.Fatalf("nothing to edit in %s", written)
			}
			r.put(t, lifecycleResource, edited)
			r.log.take()
			plan := r.apply(t)
			if got := r.get(t, lifecycleResource); got != edited || plan.Changes() != 0 || writes(r.log.take()) {
				t.Errorf("%v, and there is now\n%s", actions(plan), got)
			}
			if len(plan.Warnings) != len(c.dangers)+1 {
				t.Fatalf("%+v", plan.Warnings)
			}
			for i, want := range c.dangers {
				if !strings.Contains(plan.Warnings[i].Says, want) {
					t.Errorf("%q lacks %q", plan.Warnings[i].Says, want)
				}
			}
			told := plan.Warnings[len(c.dangers)]
			if told.Rule != "lifecycle "+c.rule || !strings.Contains(told.Says, "is not the same: "+c.differs+". It is kept") || !strings.Contains(told.Cure, "delete it") {
				t.Errorf("%+v", told)
			}
			for _, change := range plan.Documents[1].Changes {
				if change.Edited != (change.Rule == c.rule) {
					t.Errorf("%+v", change)
				}
			}
		})
	}
}

// TestOurRulesShownAnotherWay: layout, order and empty elements are no edits.
func TestOurRulesShownAnotherWay(t *testing.T) {
	r := versioned(t, "jobs & more/")
	r.apply(t)
	written := r.get(t, lifecycleResource)
	if !strings.Contains(written, "<Prefix>jobs &amp; more/</Prefix>") {
		t.Errorf("the prefix is not there, escaped:\n%s", written)
	}
	flat := strings.NewReplacer("\n", "", "  ", "").Replace(written)
	for name, document := range map[string]string{
		"flat":      flat,
		"turned":    strings.Replace(flat, "<Status>Enabled</Status><AbortMultipartUpload><Days>3</Days></AbortMultipartUpload>", "<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload><Status>Enabled</Status>", 1),
		"no prefix": strings.Replace(flat, "<Prefix></Prefix>", "", 1),
		"empty":     strings.Replace(flat, "<Prefix></Prefix>", "<Prefix/><Filter/>", 1),
	} {
		if name != "flat" && document == flat {
			t.Fatalf("%s: nothing changed", name)
		}
		r.put(t, lifecycleResource, document)
		if plan := r.inspect(t); plan.Changes() != 0 || len(plan.Warnings) != 0 {
			t.Errorf("%s: %v, %+v", name, actions(plan), plan.Warnings)
		}
	}
}

// TestTwoDeployments: each outbox of a bucket has its rule, and neither run touches the other's.
func TestTwoDeployments(t *testing.T) {
	r := versioned(t, ".outbox/")
	r.apply(t)
	first := r.get(t, lifecycleResource)
	other := r.setup.config
	other.OutboxPrefix = ".outbox-b/"
	second, err := New(other)
	if err != nil {
		t.Fatal(err)
	}
	of := r.setup
	r.setup = second
	plan := r.apply(t)
	want := []string{"cors keep rule 1", "lifecycle keep oss-callback-abort-uploads", "lifecycle keep " + outboxID, "lifecycle add oss-callback-outbox-versions-outbox-b-766f1ae2"}
	if diff := cmp.Diff(want, actions(plan)); diff != "" || len(plan.Warnings) != 0 {
		t.Errorf("%s%+v", diff, plan.Warnings)
	}
	both := r.get(t, lifecycleResource)
	if !strings.HasPrefix(both, first[:strings.LastIndex(first, "</Rule>")]) || strings.Count(both, "<Rule>") != 3 || !strings.Contains(both, "<Prefix>.outbox-b/</Prefix>") {
		t.Errorf("the first one's rule is not as it was:\n%s", both)
	}
	for _, setup := range []*Setup{of, second} {
		r.setup = setup
		if plan := r.apply(t); plan.Changes() != 0 || len(plan.Warnings) != 0 {
			t.Errorf("%v, %+v", actions(plan), plan.Warnings)
		}
	}
}

// TestIDs: what looks the same has IDs of its own, in characters that no service minds, far from OSS's 255.
func TestIDs(t *testing.T) {
	seen := map[string]string{}
	for _, prefix := range []string{".outbox/", "outbox/", ".outbox-/", "a/b/", "a-b/", "a b/", "图片/", "照片/", "//", strings.Repeat("long/", 200), strings.Repeat("long/", 201), "<&>/", "-/"} {
		id := idOf(prefix)
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q are both %s", prefix, other, id)
		}
		seen[id] = prefix
		if len(id) > 60 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || slices.Contains([]byte("-."), id[0]) {
			t.Errorf("%q: %s", prefix, id)
		}
	}
	r := versioned(t, strings.Repeat("long/", 150))
	if r.apply(t); r.inspect(t).Changes() != 0 {
		t.Error("a long prefix is not recognised")
	}
}

// TestStandIns: where rules of the user's do the work already, ours are not added; where they do half of it, ours are, and that is told.
func TestStandIns(t *testing.T) {
	const on, off = "<Status>Enabled</Status>", "<Status>Disabled</Status>"
	const markers = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
	const abort = "<AbortMultipartUpload><Days>30</Days></AbortMultipartUpload>"
	old := func(days string) string {
		return "<NoncurrentVersionExpiration><NoncurrentDays>" + days + "</NoncurrentDays></NoncurrentVersionExpiration>"
	}
	filter := func(f string) string { return "<Filter>" + f + "</Filter>" }
	const tag = "<Tag><Key>k</Key><Value>v</Value></Tag>"
	const second = "</Rule><Rule><ID>own2</ID>"
	for name, c := range map[string]struct {
		rule   string
		aborts bool // ours is added
		cleans bool // ours is added
		says   []string
	}{
		"nothing":                   {"<Prefix>logs/</Prefix>" + on + "<Expiration><Days>7</Days></Expiration>", true, true, nil},
		"a rule with unknown ends":  {"<Prefix/>" + on + "<Teleport><Days>1</Days></Teleport>" + abort, false, true, nil},
		"aborts":                    {"<Prefix/>" + on + abort, false, true, nil},
		"aborts, off":               {"<Prefix/>" + off + abort, true, true, nil},
		"versions":                  {"<Prefix/>" + on + markers + old("9"), true, false, nil},
		"versions, 30 days":         {"<Prefix>.outbox/</Prefix>" + on + markers + old("30"), true, false, nil},
		"versions, two rules":       {"<Prefix/>" + on + old("9") + second + "<Prefix>.out</Prefix>" + on + markers, true, false, nil},
		"versions, and aborts":      {"<Prefix/>" + on + markers + abort + old("9"), false, false, nil},
		"31 days":                   {"<Prefix/>" + on + markers + old("31"), true, true, []string{"under .outbox/ after 31 days, which is more than 30 days: " + outboxID}},
		"no markers":                {"<Prefix/>" + on + old("9"), true, true, []string{"under .outbox/ after 9 days, and no rule removes their delete markers: " + outboxID}},
		"markers elsewhere":         {"<Prefix/>" + on + old("9") + second + "<Prefix>logs/</Prefix>" + on + markers, true, true, []string{"no rule removes their delete markers"}},
		"markers, off":              {"<Prefix/>" + on + old("9") + second + "<Prefix/>" + off + markers, true, true, []string{"no rule removes their delete markers"}},
		"markers only":              {"<Prefix/>" + on + markers, true, true, nil},
		"half of the outbox":        {"<Prefix>.outbox/images/</Prefix>" + on + markers + old("9"), true, true, []string{"after 9 days, but not all of them"}},
		"half of it excluded":       {"<Prefix/>" + on + markers + old("9") + filter("<Not><Prefix>.outbox/images/</Prefix></Not>"), true, true, []string{"but not all of them"}},
		"something else excluded":   {"<Prefix/>" + on + markers + old("9") + filter("<Not><Prefix>logs/</Prefix></Not>"), true, false, nil},
		"something tagged excluded": {"<Prefix/>" + on + markers + old("9") + filter("<Not><Prefix>.outbox/</Prefix>"+tag+"</Not>"), true, false, nil},
		"large ones only":           {"<Prefix/>" + on + markers + old("9") + filter("<ObjectSizeGreaterThan>500</ObjectSizeGreaterThan>"), true, true, []string{"but not all of them"}},
		"small ones only":           {"<Prefix/>" + on + markers + old("9") + filter("<ObjectSizeLessThan>500</ObjectSizeLessThan>"), true, true, []string{"but not all of them"}},
		"elsewhere":                 {"<Prefix>logs/</Prefix>" + on + markers + old("9"), true, true, nil},
		"excluded":                  {"<Prefix/>" + on + markers + old("9") + filter("<Not><Prefix>.out</Prefix></Not>"), true, true, nil},
		"tagged":                    {"<Prefix/>" + on + tag + markers + old("9"), true, true, nil},
		"off":                       {"<Prefix/>" + off + markers + old("9"), true, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := versioned(t, ".outbox/")
			own := lifecycle(c.rule)
			r.put(t, lifecycleResource, own)
			plan := r.apply(t)
			added := actions(plan)
			if slices.Contains(added, "lifecycle add oss-callback-abort-uploads") != c.aborts || slices.Contains(added, "lifecycle add "+outboxID) != c.cleans {
				t.Errorf("%v", added)
			}
			if len(plan.Warnings) != len(c.says) {
				t.Fatalf("%+v, want %q", plan.Warnings, c.says)
			}
			for i, want := range c.says {
				if !strings.Contains(plan.Warnings[i].Says, want) || !strings.Contains(plan.Warnings[i].Cure, "set the days of "+outboxID) {
					t.Errorf("%+v, want %q", plan.Warnings[i], want)
				}
			}
			if got := r.get(t, lifecycleResource); !strings.HasPrefix(got, strings.TrimSuffix(own, "</LifecycleConfiguration>")) {
				t.Errorf("theirs is not kept: %s", got)
			}
			if again := r.apply(t); again.Changes() != 0 || len(again.Warnings) != 0 {
				t.Errorf("the second run: %v, %+v", actions(again), again.Warnings)
			}
		})
	}
}
