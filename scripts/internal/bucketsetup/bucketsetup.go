// Package bucketsetup brings a bucket into the state that uploads with callbacks need: CORS rules for browsers, and lifecycle rules. Both
// are whole-document settings of OSS, so that whoever writes one writes all: here they are read, merged with the files of deploy/oss, and
// written back with every byte of the user's own rules kept.
package bucketsetup

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"oss-callback/queue"
	"oss-callback/queue/ossclient"
)

// Errors of New and Apply.
var (
	// ErrSettings tells of a setting that cannot be right; the error names it.
	ErrSettings = errors.New("bucketsetup")
	// ErrChanged tells that somebody else wrote between Inspect and Apply. Nothing of that document was written.
	ErrChanged = errors.New("the bucket's settings have changed meanwhile")
	// ErrNotShown tells that OSS took a document and shows another one.
	ErrNotShown = errors.New("OSS took the settings but does not show them")
)

// Config says which bucket, and for whom. All is required, Origins only for browsers.
type Config struct {
	Endpoint, Region, Bucket string
	Keys                     ossclient.Credentials
	Origins                  []string // pages that may upload, such as https://app.example.com
	OutboxPrefix             string   // as the function has it, such as .outbox/
}

// Action is what is done about a rule.
type Action string

// All actions. Nothing is ever changed or removed.
const (
	Keep Action = "keep"
	Add  Action = "add"
)

// Change is about one rule.
type Change struct {
	Action Action `json:"action"`
	Rule   string `json:"rule"` // its ID, or its place where it has none
	Says   string `json:"says"`
	Edited bool   `json:"edited,omitempty"` // it has the ID of a rule of ours and is not as ours: kept, and a warning tells what differs
	After  string `json:"after,omitempty"`  // XML of what is added
}

// Document is one whole-document setting, before and after. Both are XML as OSS takes it; before is "" if there is none. Keep it to go back.
type Document struct {
	Name    string   `json:"name"` // "cors" or "lifecycle"
	Changes []Change `json:"changes"`
	Before  string   `json:"before"`
	After   string   `json:"after"`
}

// Changed tells whether anything would be written.
func (d Document) Changed() bool {
	return slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Action != Keep })
}

// Plan is what a bucket has and what it would have. A plan is a value: only Apply writes.
type Plan struct {
	Bucket     string     `json:"bucket"`
	Versioning string     `json:"versioning"` // "Enabled", "Suspended", or "" if the bucket never had it
	ACL        string     `json:"acl"`        // "" if the key may not see it
	Documents  []Document `json:"documents"`
	Warnings   []Warning  `json:"warnings"` // never nil
}

// Changes is how many rules would be added.
func (p Plan) Changes() (n int) {
	for _, d := range p.Documents {
		for _, c := range d.Changes {
			if c.Action != Keep {
				n++
			}
		}
	}
	return n
}

// Setup inspects and changes one bucket. It is safe for concurrent use; two that change the same bucket at once may undo each other's work,
// as OSS has no conditional writes for settings.
type Setup struct {
	config Config
	access access
}

// New checks the settings, ErrSettings, and does not connect.
func New(c Config) (*Setup, error) {
	if c.Keys.AccessKeyID == "" || c.Keys.AccessKeySecret == "" {
		return nil, fmt.Errorf("%w: an access key is needed", ErrSettings)
	}
	if p := c.OutboxPrefix; len(p) < 2 || !strings.HasSuffix(p, "/") || path.Clean("/"+p)+"/" != "/"+p || strings.HasPrefix(p, queue.OutputPrefix) {
		return nil, fmt.Errorf("%w: the outbox prefix %.200q is no folder such as .outbox/", ErrSettings, p)
	}
	for _, origin := range c.Origins {
		if err := checkOrigin(origin); err != nil {
			return nil, err
		}
	}
	client, err := ossclient.New(ossclient.Config{Endpoint: c.Endpoint, Region: c.Region,
		Transport: ossclient.Transport(ossclient.Timeouts{Dial: 5 * time.Second, TLS: 5 * time.Second, Header: 20 * time.Second, Idle: 5 * time.Second})})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	bucket, err := client.Bucket(c.Keys, c.Bucket)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return &Setup{config: c, access: access{bucket}}, nil
}

// checkOrigin takes what a browser sends as Origin, and no patterns.
func checkOrigin(origin string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: the origin %.200q %s", ErrSettings, origin, why) }
	if strings.Contains(origin, "*") {
		return refuse("is a pattern: name each origin, since a pattern lets in pages that are not yours")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || origin != u.Scheme+"://"+u.Host || origin != strings.ToLower(origin) ||
		u.Port() == "" && strings.HasSuffix(u.Host, ":") || u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" {
		return refuse("is not what browsers send: scheme, host and, if it is not the usual one, port, in lower case and without a slash at the end, " +
			"such as https://app.example.com")
	}
	return nil
}

// Inspect reads the bucket's settings and plans. It writes nothing. Errors are ErrDenied, ErrEndpoint, ErrDocument, ErrTooLarge, or those
// of the network.
func (s *Setup) Inspect(ctx context.Context) (Plan, error) {
	plan := Plan{Bucket: s.config.Bucket, Warnings: []Warning{}}
	raw, err := s.access.get(ctx, versioningResource)
	if err != nil {
		return plan, err
	}
	var versioning struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string   `xml:"Status"`
	}
	if err := xml.Unmarshal(raw, &versioning); err != nil {
		return plan, fmt.Errorf("%w: versioning: %w", ErrDocument, err)
	}
	plan.Versioning = versioning.Status

	for _, part := range []struct {
		resource
		plan func(raw []byte) (Document, []Warning, error)
	}{
		{corsResource, func(raw []byte) (Document, []Warning, error) { return planCORS(raw, s.config.Origins) }},
		{lifecycleResource, func(raw []byte) (Document, []Warning, error) {
			return planLifecycle(raw, s.config.OutboxPrefix, plan.Versioning)
		}},
	} {
		raw, err := s.access.get(ctx, part.resource)
		if err != nil {
			return plan, err
		}
		document, warnings, err := part.plan(raw)
		if err != nil {
			return plan, err
		}
		plan.Documents = append(plan.Documents, document)
		plan.Warnings = append(plan.Warnings, warnings...)
	}
	acl, err := s.inspectACL(ctx)
	plan.ACL = acl
	plan.Warnings = append(plan.Warnings, warnOfACL(acl, s.config.OutboxPrefix)...)
	if errors.Is(err, ErrDenied) { // it is only looked at: no reason to stop
		plan.Warnings = append(plan.Warnings, Warning{"acl", "whether the bucket is public was not seen", "give the key oss:GetBucketAcl, or look in the console"})
		err = nil
	}
	return plan, err
}

func (s *Setup) inspectACL(ctx context.Context) (string, error) {
	raw, err := s.access.get(ctx, aclResource)
	if err != nil {
		return "", err
	}
	var acl struct {
		XMLName xml.Name `xml:"AccessControlPolicy"`
		Grant   string   `xml:"AccessControlList>Grant"`
	}
	if err := xml.Unmarshal(raw, &acl); err != nil {
		return "", fmt.Errorf("%w: acl: %w", ErrDocument, err)
	}
	return acl.Grant, nil
}

// Apply writes what the plan says, and looks afterwards whether it is there. A document is written whole or not at all; if the second one
// fails, the error says that the first is written. It may be run again. Errors are those of Inspect, ErrChanged and ErrNotShown.
func (s *Setup) Apply(ctx context.Context, plan Plan) error {
	resources := map[string]resource{"cors": corsResource, "lifecycle": lifecycleResource}
	written := ""
	for _, document := range plan.Documents {
		if !document.Changed() {
			continue
		}
		if err := s.write(ctx, resources[document.Name], document); err != nil {
			return fmt.Errorf("%s is not written%s: %w", document.Name, written, err)
		}
		written += ", though " + document.Name + " is"
	}
	after, err := s.Inspect(ctx)
	if err != nil {
		return fmt.Errorf("all is written, but cannot be read again: %w", err)
	}
	if after.Changes() > 0 || plan.addsWhatIsEditedIn(after) {
		return fmt.Errorf("%w: run it again without --apply, and compare", ErrNotShown)
	}
	return nil
}

// addsWhatIsEditedIn tells whether a rule was written and is shown another way.
func (p Plan) addsWhatIsEditedIn(after Plan) bool {
	for i, d := range after.Documents {
		for _, c := range d.Changes {
			if c.Edited && slices.ContainsFunc(p.Documents[i].Changes, func(was Change) bool { return was.Action == Add && was.Rule == c.Rule }) {
				return true
			}
		}
	}
	return false
}

func (s *Setup) write(ctx context.Context, r resource, document Document) error {
	now, err := s.access.get(ctx, r)
	if err != nil {
		return err
	}
	if string(now) != document.Before {
		return fmt.Errorf("%w, by somebody else: run it again", ErrChanged)
	}
	return s.access.put(ctx, r, document.After)
}
