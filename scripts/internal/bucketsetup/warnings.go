package bucketsetup

import (
	"fmt"
	"slices"
	"strings"

	"oss-callback/queue"
)

// outboxDays is how long a job may lie in the outbox while somebody mends what keeps it there.
const outboxDays = 30

// Warning is something that is left as it is, because it is the user's own, and that will hurt.
type Warning struct {
	Rule string `json:"rule"` // what it is about
	Says string `json:"says"`
	Cure string `json:"cure"`
}

// dangers tells what a rule of the user's does to uploads and to jobs in the outbox, and, where it goes by a date, to thumbnails. In days
// the latter is the user's choice; a date takes all at once.
func (r lifecycleRule) dangers(outbox string) (warnings []Warning) {
	if !r.enabled() {
		return nil
	}
	overOutbox := r.overlaps(outbox)
	overUploads := !strings.HasPrefix(r.Prefix, outbox) && !strings.HasPrefix(r.Prefix, queue.OutputPrefix)
	name := "lifecycle " + r.label
	spare := "exclude " + outbox + " (Filter, Not, Prefix), narrow the rule's prefix, or give it " + days(outboxDays) + " or more, and no date"
	const later = "give uploads more days than the queue ever needs, and no date"
	if r.Expiration != nil && r.Expiration.hits(outboxDays-1) && overOutbox {
		warnings = append(warnings, Warning{name, "it deletes " + r.Expiration.when() + ", under " + outbox +
			" too: jobs that still wait there are lost, although their uploaders were told 200", spare})
	}
	if r.Expiration != nil && r.Expiration.hits(1) && overUploads {
		warnings = append(warnings, Warning{name, "it deletes " + r.Expiration.when() + ", uploads too: their callbacks end in 203 \"Get image info failed.\" or " +
			"object_gone, and jobs that wait longer in the dead letters", later})
	}
	if r.Expiration != nil && r.Expiration.dated() && r.overlaps(queue.OutputPrefix) {
		warnings = append(warnings, Warning{name, "it deletes " + r.Expiration.when() + ", thumbnails under " + queue.OutputPrefix +
			" too: the worker makes them once, after the upload", "narrow the rule's prefix, or give it days and no date"})
	}
	for _, t := range r.Transitions {
		if !strings.HasSuffix(t.Class, "Archive") {
			continue
		}
		if t.hits(outboxDays-1) && overOutbox {
			warnings = append(warnings, Warning{name, "it moves what lies under " + outbox + " to " + t.Class + " " + t.when() +
				": jobs there cannot be read any more without restoring them", spare})
		}
		if t.hits(1) && overUploads {
			warnings = append(warnings, Warning{name, "it moves uploads to " + t.Class + " " + t.when() + ": what the worker has not read by then it cannot read",
				later})
		}
	}
	return warnings
}

// hits tells whether something may be hit within so many days after its last change. A date may hit at any age: one gone by hits what has
// waited since, and as <Date> even what is new.
func (a age) hits(within int) bool { return a.dated() || a.Days > 0 && a.Days <= within }

func warnOfOpenCORS(have []corsRule) (warnings []Warning) {
	for i, r := range have {
		writes := slices.ContainsFunc(r.Methods, func(m string) bool { return m == "PUT" || m == "POST" || m == "DELETE" })
		if writes && slices.Contains(r.Origins, "*") {
			warnings = append(warnings, Warning{"cors " + ruleNumber(i), "it lets the pages of every site write, with any signed URL or form they get hold of",
				"name your own origins"})
		}
	}
	return warnings
}

func warnOfACL(acl, outbox string) []Warning {
	const cure = "make the bucket private, and turn on Block Public Access, in the console or with ossutil"
	switch acl {
	case "public-read-write":
		return []Warning{{"acl", fmt.Sprintf("the bucket is %s: anybody may write and delete, under %s too, where jobs are taken without another look", acl, outbox), cure}}
	case "public-read":
		return []Warning{{"acl", fmt.Sprintf("the bucket is %s: anybody may read every upload, and under %s the uploaders' variables", acl, outbox), cure}}
	}
	return nil
}
