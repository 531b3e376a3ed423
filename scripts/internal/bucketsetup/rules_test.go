package bucketsetup

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	rules "oss-callback/deploy/oss"
)

func lifecycle(rule string) string {
	return "<LifecycleConfiguration><Rule><ID>own</ID>" + rule + "</Rule></LifecycleConfiguration>"
}

func expire(when string) string { return "<Expiration>" + when + "</Expiration>" }

func TestLifecycleWarnings(t *testing.T) {
	const on, off = "<Status>Enabled</Status>", "<Status>Disabled</Status>"
	for name, c := range map[string]struct {
		rule string
		says []string // one for each warning
	}{
		"everything after a week":       {"<Prefix/>" + on + "<Expiration><Days>7</Days></Expiration>", []string{"deletes after 7 days, under .outbox/ too"}},
		"everything after a day":        {"<Prefix/>" + on + "<Expiration><Days>1</Days></Expiration>", []string{"under .outbox/ too", "it deletes after 1 day, uploads too"}},
		"everything, late enough":       {"<Prefix/>" + on + "<Expiration><Days>30</Days></Expiration>", nil},
		"the outbox":                    {"<Prefix>.outbox/</Prefix>" + on + "<Expiration><Days>29</Days></Expiration>", []string{"under .outbox/ too"}},
		"within the outbox":             {"<Prefix>.outbox/0</Prefix>" + on + "<Expiration><Days>1</Days></Expiration>", []string{"under .outbox/ too"}},
		"switched off":                  {"<Prefix/>" + off + "<Expiration><Days>1</Days></Expiration>", nil},
		"tagged, not the outbox":        {"<Prefix/>" + on + "<Tag><Key>k</Key><Value>v</Value></Tag><Expiration><Days>1</Days></Expiration>", []string{"uploads too"}},
		"outbox excluded":               {"<Prefix/>" + on + "<Expiration><Days>7</Days></Expiration><Filter><Not><Prefix>.outbox/</Prefix></Not></Filter>", nil},
		"excluded for a tag only":       {"<Prefix/>" + on + "<Expiration><Days>7</Days></Expiration><Filter><Not><Prefix>.outbox/</Prefix><Tag><Key>k</Key></Tag></Not></Filter>", []string{"under .outbox/ too"}},
		"thumbnails, the user's choice": {"<Prefix>thumbs/</Prefix>" + on + "<Expiration><Days>1</Days></Expiration>", nil},
		"date to come":                  {"<Prefix/>" + on + expire("<CreatedBeforeDate>2097-01-01T00:00:00.000Z</CreatedBeforeDate>"), []string{"(what was last changed before 2097-01-01T00:00:00.000Z), under .outbox/ too", "uploads too", "thumbnails under thumbs/"}},
		"date gone by":                  {"<Prefix/>" + on + expire("<CreatedBeforeDate>2020-01-01T00:00:00.000Z</CreatedBeforeDate>"), []string{"under .outbox/ too", "uploads too", "thumbnails under thumbs/"}},
		"old date to come":              {"<Prefix/>" + on + expire("<Date>2097-01-01T00:00:00.000Z</Date>"), []string{"(everything, from 2097-01-01T00:00:00.000Z on), under .outbox/ too", "uploads too", "thumbnails under thumbs/"}},
		"old date gone by":              {"<Prefix/>" + on + expire("<Date>2020-01-01T00:00:00.000Z</Date>"), []string{"under .outbox/ too", "uploads too", "thumbnails under thumbs/"}},
		"date, the outbox":              {"<Prefix>.outbox/</Prefix>" + on + expire("<Date>2020-01-01T00:00:00.000Z</Date>"), []string{"under .outbox/ too"}},
		"date, within the outbox":       {"<Prefix>.outbox/images/</Prefix>" + on + expire("<Date>2020-01-01T00:00:00.000Z</Date>"), []string{"under .outbox/ too"}},
		"date, uploads":                 {"<Prefix>photos/</Prefix>" + on + expire("<Date>2020-01-01T00:00:00.000Z</Date>"), []string{"uploads too"}},
		"date, thumbnails":              {"<Prefix>thumbs/2024/</Prefix>" + on + expire("<Date>2020-01-01T00:00:00.000Z</Date>"), []string{"thumbnails under thumbs/"}},
		"date, tagged":                  {"<Prefix/>" + on + "<Tag><Key>k</Key><Value>v</Value></Tag>" + expire("<Date>2020-01-01T00:00:00.000Z</Date>"), []string{"uploads too"}},
		"date, outbox excluded":         {"<Prefix/>" + on + expire("<Date>2020-01-01T00:00:00.000Z</Date>") + "<Filter><Not><Prefix>.outbox/</Prefix></Not></Filter>", []string{"uploads too", "thumbnails under thumbs/"}},
		"date, switched off":            {"<Prefix/>" + off + expire("<Date>2020-01-01T00:00:00.000Z</Date>"), nil},
		"archive by a date gone by":     {"<Prefix/>" + on + "<Transition><CreatedBeforeDate>2020-01-01T00:00:00.000Z</CreatedBeforeDate><StorageClass>Archive</StorageClass></Transition>", []string{"under .outbox/ to Archive by date", "moves uploads to Archive by date"}},
		"archive":                       {"<Prefix/>" + on + "<Transition><Days>1</Days><StorageClass>ColdArchive</StorageClass></Transition>", []string{"under .outbox/ to ColdArchive", "moves uploads to ColdArchive"}},
		"infrequent access":             {"<Prefix/>" + on + "<Transition><Days>1</Days><StorageClass>IA</StorageClass></Transition>", nil},
		"unfinished uploads, in part":   {"<Prefix>big/</Prefix>" + on + "<AbortMultipartUpload><Days>30</Days></AbortMultipartUpload>", []string{"only under big/"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.put(t, lifecycleResource, lifecycle(c.rule)) // OSS takes it
			warnings := r.inspect(t).Warnings
			if len(warnings) != len(c.says) {
				t.Fatalf("%+v, want %q", warnings, c.says)
			}
			for i, want := range c.says {
				if !strings.Contains(warnings[i].Says, want) || warnings[i].Cure == "" {
					t.Errorf("%+v, want %q", warnings[i], want)
				}
			}
		})
	}
}

func TestCORSStandIns(t *testing.T) {
	const all = "<AllowedMethod>PUT</AllowedMethod><AllowedMethod>POST</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod><AllowedMethod>DELETE</AllowedMethod>"
	const expose = "<ExposeHeader>etag</ExposeHeader><ExposeHeader>X-Oss-Request-Id</ExposeHeader><ExposeHeader>x-oss-ec</ExposeHeader><ExposeHeader>x-oss-hash-crc64ecma</ExposeHeader>"
	const anyHeader = "<AllowedHeader>*</AllowedHeader>"
	origin := func(o string) string { return "<AllowedOrigin>" + o + "</AllowedOrigin>" }
	for name, c := range map[string]struct {
		rule  string
		adds  bool
		warns []string
	}{
		"enough":               {origin(testOrigin) + all + anyHeader + expose, false, nil},
		"enough, pattern":      {origin("https://*.example.com") + all + anyHeader + expose, false, nil},
		"everybody":            {origin("*") + all + anyHeader + expose, false, []string{"pages of every site write"}},
		"dot counted twice":    {origin("https://app.*.example.com") + all + anyHeader + expose, true, nil},
		"another origin":       {origin("https://app.example.org") + all + anyHeader + expose, true, nil},
		"a method is missing":  {origin(testOrigin) + "<AllowedMethod>PUT</AllowedMethod>" + anyHeader + expose, true, nil},
		"a header is missing":  {origin(testOrigin) + all + "<AllowedHeader>x-oss-*</AllowedHeader>" + expose, true, nil},
		"half a pattern":       {origin(testOrigin) + all + "<AllowedHeader>x-oss-m*</AllowedHeader>" + expose, true, nil},
		"hides the ETag":       {origin(testOrigin) + all + anyHeader, false, []string{"PUT, POST, GET, HEAD, DELETE from https://app.example.com that is this one, and it hides ETag"}},
		"hides it for reading": {origin("*") + "<AllowedMethod>GET</AllowedMethod>", true, []string{"For GET from https://app.example.com that is this one"}},
	} {
		t.Run(name, func(t *testing.T) {
			raw := "<CORSConfiguration><CORSRule>" + c.rule + "</CORSRule></CORSConfiguration>"
			plan, warnings, err := planCORS([]byte(raw), []string{testOrigin})
			if err != nil || plan.Changed() != c.adds || len(warnings) != len(c.warns) {
				t.Fatalf("%v, %+v, %+v", err, plan.Changes, warnings)
			}
			for i, want := range c.warns {
				if !strings.Contains(warnings[i].Says, want) {
					t.Errorf("%q lacks %q", warnings[i].Says, want)
				}
			}
		})
	}
	if plan, _, err := planCORS(nil, nil); err != nil || plan.Changed() || plan.After != "" {
		t.Errorf("without origins: %v, %+v", err, plan)
	}
}

func TestACLWarnings(t *testing.T) {
	for acl, want := range map[string]string{"private": "", "public-read": "anybody may read", "public-read-write": "anybody may write and delete, under .outbox/"} {
		r := newRig(t, nil)
		if err := r.SetACL(testBucket, acl); err != nil {
			t.Fatal(err)
		}
		plan := r.inspect(t)
		if plan.ACL != acl || (want == "") != (len(plan.Warnings) == 0) || want != "" && !strings.Contains(plan.Warnings[0].Says, want) {
			t.Errorf("%s: %+v", acl, plan.Warnings)
		}
	}
}

func TestUnreadableDocuments(t *testing.T) {
	for name, raw := range map[string]string{
		"no XML": "nonsense", "another root": "<Error/>", "broken": "<LifecycleConfiguration><Rule>", "two roots": lifecycle("") + lifecycle(""),
		"bad days": lifecycle("<Expiration><Days>soon</Days></Expiration>"), "entity": "<!DOCTYPE a [<!ENTITY e 'x'>]>" + lifecycle("<Prefix>&e;</Prefix>"),
	} {
		if _, _, err := planLifecycle([]byte(raw), ".outbox/", ""); !errors.Is(err, ErrDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFiles: the files of deploy/oss are what OSS takes, whole.
func TestFiles(t *testing.T) {
	r := newRig(t, nil)
	r.put(t, corsResource, rules.CORS)
	r.put(t, lifecycleResource, rules.Lifecycle)
	if plan := r.inspect(t); plan.Changes() != 0 {
		t.Errorf("after the files: %v", actions(plan))
	}
	if err := r.SetVersioning(testBucket, "Enabled"); err != nil {
		t.Fatal(err)
	}
	r.put(t, lifecycleResource, rules.LifecycleVersioned)
	if plan := r.inspect(t); plan.Changes() != 1 || len(plan.Warnings) != 0 { // unfinished uploads
		t.Errorf("after the file for versioning: %v, %+v", actions(plan), plan.Warnings)
	}
}

// FuzzMerge: go test -fuzz FuzzMerge ./scripts/internal/bucketsetup
func FuzzMerge(f *testing.F) {
	for _, seed := range []string{"", ownLifecycle, rules.Lifecycle, rules.LifecycleVersioned, "<LifecycleConfiguration/>", "<LifecycleConfiguration></LifecycleConfiguration>",
		"<LifecycleConfiguration>\n<!-- a -->\n <Rule/>\n</LifecycleConfiguration>", lifecycle("<Prefix>&#x10FFFF;</Prefix>"), lifecycle("<Rule><Rule/></Rule>"),
		"<?xml version='1.0'?><l:LifecycleConfiguration xmlns:l='u'><l:Rule><![CDATA[</l:Rule>]]></l:Rule></l:LifecycleConfiguration>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		before, err := open([]byte(raw), lifecycleResource)
		if err != nil {
			return
		}
		const added = "<Rule><ID>added</ID></Rule>"
		after, err := parse([]byte(before.with([]string{added})), lifecycleResource)
		if err != nil || len(after.rules) != len(before.rules)+1 || after.rule(len(before.rules)) != added {
			t.Fatalf("%v: %q became %q", err, before.raw, after.raw)
		}
		at := before.end
		if n := len(before.rules); n > 0 {
			at = before.rules[n-1].to
		}
		if !bytes.HasPrefix(after.raw, before.raw[:at]) || !bytes.HasSuffix(after.raw, before.raw[at:]) {
			t.Fatalf("not byte for byte: %q became %q", before.raw, after.raw)
		}
		for i := range before.rules {
			if before.rule(i) != after.rule(i) {
				t.Fatalf("rule %d: %q became %q", i, before.rule(i), after.rule(i))
			}
		}
	})
}

// FuzzPlan: whatever is there, a second run has nothing to do. go test -fuzz FuzzPlan ./scripts/internal/bucketsetup
func FuzzPlan(f *testing.F) {
	f.Add("", "", ".outbox/", "")
	f.Add(ownCORS, ownLifecycle, ".outbox/", "Enabled")
	f.Add(rules.CORS, rules.Lifecycle, "jobs & more/", "Suspended")
	f.Add("<CORSConfiguration><CORSRule/></CORSConfiguration>", rules.LifecycleVersioned, "<>/", "Enabled")
	f.Add("", strings.Replace(rules.LifecycleVersioned, "oss-callback-outbox-versions", outboxID, 1), ".outbox/", "Enabled")
	f.Add("", strings.Replace(rules.Lifecycle, "<Days>3<", "<Days>4<!-- --> <", 1), ".outbox/", "")
	f.Fuzz(func(t *testing.T, cors, life, outbox, versioning string) {
		if !utf8.ValidString(outbox) || strings.ContainsFunc(outbox, func(r rune) bool { return r < ' ' || r == utf8.RuneError || r > 0xFFFD }) {
			return // no XML document can hold such a prefix
		}
		if plan, _, err := planCORS([]byte(cors), []string{testOrigin}); err == nil {
			if again, _, err := planCORS([]byte(plan.After), []string{testOrigin}); err != nil || again.Changed() {
				t.Fatalf("cors: %v, %+v after %q", err, again.Changes, plan.After)
			}
		}
		if plan, _, err := planLifecycle([]byte(life), outbox, versioning); err == nil {
			if again, _, err := planLifecycle([]byte(plan.After), outbox, versioning); err != nil || again.Changed() {
				t.Fatalf("lifecycle: %v, %+v after %q", err, again.Changes, plan.After)
			}
		}
	})
}
