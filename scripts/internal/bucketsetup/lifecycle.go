package bucketsetup

import (
	"fmt"
	"slices"
	"strings"
)

// lifecycleRule is what matters here of a rule.
type lifecycleRule struct {
	label       string       // its ID, or its place where it has none
	ID          string       `xml:"ID"`
	Prefix      string       `xml:"Prefix"`
	Status      string       `xml:"Status"`
	Tags        []tag        `xml:"Tag"`
	Expiration  *age         `xml:"Expiration"`
	Transitions []transition `xml:"Transition"`
	Abort       *age         `xml:"AbortMultipartUpload"`
	Noncurrent  *noncurrent  `xml:"NoncurrentVersionExpiration"`
	Not         []exclusion  `xml:"Filter>Not"`
	LargerThan  string       `xml:"Filter>ObjectSizeGreaterThan"`
	SmallerThan string       `xml:"Filter>ObjectSizeLessThan"`
}

type tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// age is when an action takes place: so many days after the last change, for everything older than a date, or for everything once a date
// has come.
type age struct {
	Days          int    `xml:"Days"`
	Before        string `xml:"CreatedBeforeDate"`
	Date          string `xml:"Date"` // deprecated by OSS, and taken; with a date gone by, the rule is at work every day
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
	switch {
	case a.Date != "":
		return "by date (everything, from " + a.Date + " on)"
	case a.Before != "":
		return "by date (what was last changed before " + a.Before + ")"
	}
	return "after " + days(a.Days)
}

func (a age) dated() bool { return a.Before != "" || a.Date != "" }

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// overlaps tells whether the rule may touch something under the prefix that has no tags.
func (r lifecycleRule) overlaps(prefix string) bool {
	return r.enabled() && len(r.Tags) == 0 && !r.excludes(prefix) && (strings.HasPrefix(prefix, r.Prefix) || strings.HasPrefix(r.Prefix, prefix))
}

// excludes tells whether nothing under the prefix is touched by the rule.
func (r lifecycleRule) excludes(prefix string) bool {
	return slices.ContainsFunc(r.Not, func(n exclusion) bool { return n.Tag == nil && strings.HasPrefix(prefix, n.Prefix) })
}

// covers tells whether the rule touches everything under the prefix that has no tags.
func (r lifecycleRule) covers(prefix string) bool {
	return r.enabled() && len(r.Tags) == 0 && r.LargerThan == "" && r.SmallerThan == "" && strings.HasPrefix(prefix, r.Prefix) &&
		!slices.ContainsFunc(r.Not, func(n exclusion) bool {
			return n.Tag == nil && (strings.HasPrefix(prefix, n.Prefix) || strings.HasPrefix(n.Prefix, prefix))
		})
}
