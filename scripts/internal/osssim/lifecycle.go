package osssim

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLifecycleRules is how many rules a bucket may have.
const maxLifecycleRules = 1000

// lifecycleXML is what the simulator understands of a document. It is stored and given back as it came; no rule is ever carried out.
type lifecycleXML struct {
	XMLName xml.Name        `xml:"LifecycleConfiguration"`
	Rules   []lifecycleRule `xml:"Rule"`
}

type lifecycleRule struct {
	ID                   string         `xml:"ID"`
	Prefix               []string       `xml:"Prefix"`
	Status               string         `xml:"Status"`
	Tags                 []lifecycleTag `xml:"Tag"`
	Expiration           *lifecycleWhen `xml:"Expiration"`
	Transitions          []lifecycleAge `xml:"Transition"`
	Abort                *lifecycleWhen `xml:"AbortMultipartUpload"`
	Noncurrent           *lifecycleAge  `xml:"NoncurrentVersionExpiration"`
	NoncurrentTransition []lifecycleAge `xml:"NoncurrentVersionTransition"`
}

type lifecycleTag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type lifecycleWhen struct {
	Days              string `xml:"Days"`
	Date              string `xml:"Date"`
	CreatedBeforeDate string `xml:"CreatedBeforeDate"`
	ExpiredMarker     string `xml:"ExpiredObjectDeleteMarker"`
}

type lifecycleAge struct {
	lifecycleWhen
	NoncurrentDays string `xml:"NoncurrentDays"`
	StorageClass   string `xml:"StorageClass"`
}

func (s *Server) getLifecycle(c *call) error {
	document, ok := s.settings.get(c.bucket, "lifecycle")
	if !ok {
		return &apiError{Status: http.StatusNotFound, Code: "NoSuchLifecycle", Message: "No Row found in Lifecycle Table.", BucketName: c.bucket}
	}
	c.write(http.StatusOK, "application/xml", document)
	return nil
}

func (s *Server) putLifecycle(c *call) error {
	var doc lifecycleXML
	body, err := c.readXML(maxLifecycle, &doc)
	if err != nil {
		return err
	}
	if len(doc.Rules) == 0 {
		return errMalformedXML()
	}
	if len(doc.Rules) > maxLifecycleRules {
		return errInvalidArgument("One bucket not allow exceed one thousand items of LifecycleRules.", "", "")
	}
	overlap := strings.EqualFold(c.r.Header.Get("X-Oss-Allow-Same-Action-Overlap"), "true")
	for i, rule := range doc.Rules {
		if err := rule.check(); err != nil {
			return err
		}
		for _, other := range doc.Rules[:i] {
			if rule.ID != "" && rule.ID == other.ID {
				return errInvalidArgument("Rule ID must be unique. Found same ID for more than one rule.", "ID", rule.ID)
			}
			if err := rule.conflict(other); err != nil && !overlap {
				return err
			}
		}
	}
	s.settings.put(c.bucket, "lifecycle", body)
	c.write(http.StatusOK, "", nil)
	return nil
}

func (r lifecycleRule) check() error {
	switch {
	case len(r.Prefix) > 1:
		return lifecycleError("0014-00000010", "More than one Prefix in a lifecycle rule.")
	case len(r.ID) > 255:
		return errInvalidArgument("ID length should not exceed allowed limit of 255.", "ID", r.ID)
	case r.Status != "Enabled" && r.Status != "Disabled":
		return errMalformedXML()
	case len(r.actions()) == 0:
		return lifecycleError("0014-00000026", "At least one action needs to be specified in a rule.")
	case len(r.Tags) > 0 && r.Abort != nil:
		return errInvalidArgument("AbortMultipartUpload cannot be specified with tags.", "Tag", "")
	}
	if r.Expiration != nil && r.Expiration.times() == 0 && r.Expiration.ExpiredMarker != "true" {
		return lifecycleError("0014-00000060", "Days, CreatedBeforeDate or ExpiredObjectDeleteMarker is missing in Expiration.")
	}
	whens := []lifecycleWhen{}
	for _, w := range []*lifecycleWhen{r.Expiration, r.Abort} {
		if w != nil {
			whens = append(whens, *w)
		}
	}
	for _, a := range r.Transitions {
		if a.StorageClass == "" || a.times() != 1 {
			return errMalformedXML()
		}
		whens = append(whens, a.lifecycleWhen)
	}
	if r.Abort != nil && r.Abort.times() != 1 || r.Expiration != nil && r.Expiration.times() > 1 {
		return errMalformedXML()
	}
	ages := slices.Clone(r.NoncurrentTransition)
	if r.Noncurrent != nil {
		ages = append(ages, *r.Noncurrent)
	}
	for _, a := range ages {
		if a.NoncurrentDays == "" {
			return errMalformedXML()
		}
		whens = append(whens, lifecycleWhen{Days: a.NoncurrentDays})
	}
	for _, w := range whens {
		if n, err := strconv.Atoi(w.Days); w.Days != "" && (err != nil || n < 1) {
			return errInvalidArgument("'Days' for an action must be a positive integer.", "Days", w.Days)
		}
		if w.CreatedBeforeDate != "" && !isMidnight(w.CreatedBeforeDate) {
			return errInvalidArgument("'CreatedBeforeDate' must be at midnight GMT.", "CreatedBeforeDate", w.CreatedBeforeDate)
		}
	}
	return nil
}

func isMidnight(text string) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && t.UTC().Truncate(24*time.Hour).Equal(t)
}

func (w lifecycleWhen) times() (n int) {
	for _, text := range []string{w.Days, w.Date, w.CreatedBeforeDate} {
		if text != "" {
			n++
		}
	}
	return n
}

// actions names what the rule does; two transitions to different classes are two actions.
func (r lifecycleRule) actions() (names []string) {
	if r.Expiration != nil {
		names = append(names, "Expiration")
	}
	if r.Abort != nil {
		names = append(names, "AbortMultipartUpload")
	}
	if r.Noncurrent != nil {
		names = append(names, "NoncurrentVersionExpiration")
	}
	for _, a := range r.Transitions {
		names = append(names, "Transition "+a.StorageClass)
	}
	for _, a := range r.NoncurrentTransition {
		names = append(names, "NoncurrentVersionTransition "+a.StorageClass)
	}
	return names
}

// conflict tells of two rules that OSS takes only with x-oss-allow-same-action-overlap. That rules with different tags never conflict, and
// that the header covers equal prefixes too, is the likelier reading of the documentation.
func (r lifecycleRule) conflict(other lifecycleRule) error {
	if !slices.Equal(r.Tags, other.Tags) {
		return nil
	}
	a, b := strings.Join(r.Prefix, ""), strings.Join(other.Prefix, "")
	if a == b {
		return lifecycleError("0014-00000085", "Found two rules with the same prefix.")
	}
	if !strings.HasPrefix(a, b) && !strings.HasPrefix(b, a) {
		return nil
	}
	if slices.ContainsFunc(r.actions(), func(action string) bool { return slices.Contains(other.actions(), action) }) {
		return lifecycleError("0014-00000084", "Overlap for same action type.")
	}
	return nil
}

func lifecycleError(ec, message string) *apiError {
	e := errInvalidArgument(message, "", "")
	e.EC = ec
	return e
}
