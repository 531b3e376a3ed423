// Package explain tells why a captured callback of OSS does not verify.
//
// RSA signatures can be opened with the public key: the MD5 that OSS signed comes out. So each guess at what something on the way did to
// the request costs one MD5, and one that fits is a proof, not a likelihood. Nothing here touches the network or runs anything.
package explain

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"oss-callback/function/callback"
)

// Options is what is known beside the capture. The zero value is OSS's own key and no opinion on whose upload it is.
type Options struct {
	URL          string           // the callbackUrl as it was given to OSS, or several with ";" between them; optional
	Key          []byte           // PEM of an RSA key, public or private, that replaces OSS's: private clouds and simulators; optional
	Buckets      []string         // ours; if none, every bucket will do
	TokenSecrets [][]byte         // if any, the path must end in a token made with one of them; at most two
	Now          func() time.Time // for expiry of tokens; nil for time.Now
}

// Verdict is what came of it. Its text is an interface for scripts.
type Verdict string

// The verdicts.
const (
	Genuine        Verdict = "genuine"          // verifies as captured
	GenuineNotOurs Verdict = "genuine-not-ours" // verifies as captured; bucket or token are not ours
	Altered        Verdict = "altered"          // OSS sent it, and we can name what was changed on the way
	AlteredContent Verdict = "altered-content"  // OSS made the signature, but for a content that we cannot guess
	Unsigned       Verdict = "unsigned"         // there is no signature to check
	ForeignKey     Verdict = "foreign-key"      // verifies under no key we know, and names one that is not OSS's
	Unexplained    Verdict = "unexplained"      // no content whatsoever fits this signature under any key we know
)

// Report is the answer to one capture.
type Report struct {
	Verdict     Verdict
	Summary     string           // the verdict in a sentence
	Alterations []Alteration     // what was changed on the way; empty unless the verdict is Altered or Unsigned
	Notes       []string         // what else is worth knowing
	Upload      *callback.Upload // what the callback says; nil unless it verifies, as captured or with the alterations undone
	Tried       int              // how many guesses were checked
	LimitHit    bool             // whether the search ended before all guesses were checked
}

// Explain verifies the capture and, if that fails, looks for the alteration, or the two of them, that make it verify when undone. It
// returns an error only if the options cannot be used, this build cannot verify OSS's signatures, or ctx is done.
func Explain(ctx context.Context, c Capture, o Options) (Report, error) {
	j, err := newJudge(o)
	if err != nil {
		return Report{}, err
	}
	report := Report{Notes: slices.Clone(c.Notes)}
	if n := c.targetSize(); n > maxTarget {
		report.conclude(Unexplained, "Path and query have %d bytes. Function Compute takes 4 KB, and more than %d are not looked at: this is no callback of OSS's.",
			n, maxTarget)
		return report, nil
	}
	if len(c.Body) > callback.MaxBody {
		report.conclude(Unexplained, "The body has %d bytes. A callback has a few KB, and the function refuses more than %d: this is no callback of OSS's.",
			len(c.Body), callback.MaxBody)
		return report, nil
	}
	refusal := j.verify(ctx, c)
	if n, ok := c.contentLength(); refusal != nil && ok && n < len(c.Body) {
		cut := c
		if cut.Body = c.Body[:n]; j.verify(ctx, cut) == nil {
			c, refusal = cut, nil
			report.note(behindBody)
		}
	}
	if refusal == nil {
		j.genuine(ctx, c, &report)
		return report, nil
	}
	e := j.readEnvelope(ctx, c)
	switch {
	case !e.signed:
		unsigned(c, e, &report)
		return report, nil
	case len(e.targets) == 0:
		noTarget(c, e, &report)
		return report, nil
	}
	found, err := search(ctx, c, hintsOf(c, o.URL), e.targets, &report)
	if err != nil {
		return Report{}, err
	}
	if found == nil {
		contentChanged(c, o, &report)
		return report, nil
	}
	j.altered(ctx, c, e, *found, &report)
	return report, nil
}

// methodChange is what the method tells, if the capture has one. Frameworks spell it as they like.
func methodChange(c Capture) []change {
	if c.Method == "" || strings.EqualFold(c.Method, http.MethodPost) {
		return nil
	}
	return []change{{MethodChanged, fmt.Sprintf("it is %.10q", c.Method)}}
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *Report) conclude(v Verdict, format string, args ...any) {
	r.Verdict, r.Summary = v, fmt.Sprintf(format, args...)
}

// altered reports a capture that verifies once the changes are undone.
func (j *judge) altered(ctx context.Context, c Capture, e envelope, f finding, report *Report) {
	changes := slices.Concat(methodChange(c), e.changes, f.target.changes, f.changes())
	if len(c.Query.Params) > 0 && !j.rebuilds(ctx, f.request(c), f.target.key) {
		changes = append(changes, change{QueryLost, ""})
	}
	for _, change := range changes {
		report.Alterations = append(report.Alterations, change.alteration(true))
	}
	if slices.ContainsFunc(changes, func(c change) bool { return c.id != WrongKey && c.id != QueryLost }) {
		report.conclude(Altered, "OSS sent this callback, and it was altered on the way: with %s undone it verifies.", idsOf(report.Alterations))
	} else {
		report.conclude(Altered, "OSS sent this callback, but it cannot be verified as it is: %s.", idsOf(report.Alterations))
	}
	up, err := j.upload(ctx, f.request(c), f.target.key)
	if err != nil {
		report.note("What it says is of no use: %v.", err)
		return
	}
	report.Upload = &up
	if why := j.notOurs(ctx, f.request(c), f.target.key, up); why != "" {
		report.note("It is not ours either: %s", why)
		return
	}
	j.noteOwner(up, report)
}

func idsOf(list []Alteration) string {
	var ids []string
	for _, a := range list {
		if id := string(a.ID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ", ")
}

// unsigned reports a capture without a signature.
func unsigned(c Capture, e envelope, report *Report) {
	noteMethod(c, report)
	fromOSS := c.Header.Get("User-Agent") == "aliyun-oss-callback" || c.Header.Get("X-Oss-Request-Id") != "" || e.keyURL.state == keyURLGood
	if !fromOSS {
		report.conclude(Unsigned, "There is no signature, nor anything else of OSS's: this request was most likely sent by somebody else, such as a scanner.")
		return
	}
	report.Alterations = append(report.Alterations, change{AuthorizationMissing, ""}.alteration(false))
	if e.keyURL.state == keyURLMissing {
		report.Alterations = append(report.Alterations, change{PubKeyURLMissing, ""}.alteration(false))
	}
	report.conclude(Unsigned, "There is no signature to check, although the other headers look like OSS's. Anyone can write those: it proves nothing.")
}

func noteMethod(c Capture, report *Report) {
	for _, m := range methodChange(c) {
		a := m.alteration(false)
		report.note("%s %s", a.What, a.Cure)
	}
}

// noTarget reports a signature that none of our keys opens.
func noTarget(c Capture, e envelope, report *Report) {
	const nothingFits = "No path or body can fit this signature under the key"
	switch e.keyURL.state {
	case keyURLForeign:
		report.conclude(ForeignKey, "No key that is known here fits, and x-oss-pub-key-url names %.100q, which is not OSS's: a private cloud, a simulator or a "+
			"forgery: give its key with --key.", e.keyURL.text)
		report.note("A server that fetches the key from wherever the header says accepts forgeries. Take keys from https://gosspublic.alicdn.com/ only.")
	case keyURLUnknown:
		report.conclude(Unexplained, "%s that is known here, and x-oss-pub-key-url names another one of OSS's: %.100q. Fetch it, and give it with --key.",
			nothingFits, e.keyURL.text)
	default:
		report.conclude(Unexplained, "%s: the signature was damaged, made with another key, or made up.", nothingFits)
		report.note("A private cloud or a simulator signs with a key of its own: give it with --key.")
	}
	noteMethod(c, report)
	if e.unusable != "" {
		report.note("What is wrong with it: %s.", e.unusable)
	}
	if e.version != "" {
		report.note("x-oss-signature-version is %.16q. How such signatures are made is not published: take signatureVersion out of the callback parameters.",
			e.version)
	}
}

// contentChanged reports a good signature for something else than the capture.
func contentChanged(c Capture, o Options, report *Report) {
	noteMethod(c, report)
	report.Alterations = visible(c)
	if len(report.Alterations) > 0 {
		report.conclude(Altered, "OSS made this signature, but for another content. What the capture itself shows: %s.", idsOf(report.Alterations))
	} else {
		report.conclude(AlteredContent, "Altered content: OSS made this signature, but for another path, query or body. None of the usual alterations "+
			"explains it: something was changed by hand or by code, or the signature was taken from another callback.")
	}
	if report.LimitHit {
		report.note("The search ended after %d guesses, before all were tried. A shorter query or body, or --url, makes it complete.", report.Tried)
	}
	if n := len(c.Query.Params); n > maxPermutations {
		report.note("The raw query is lost, and %d parameters have more orders than can be tried: give the callbackUrl with --url.", n)
	}
	if n, ok := c.contentLength(); ok && n > len(c.Body) && endsWell(string(c.Body)) {
		report.note("Content-Length is %d, but there are %d bytes, which look whole: something wrote the body again and left something out, or cut it.", n, len(c.Body))
	}
	switch bodyMD5(c) {
	case same:
		report.note("Content-MD5 fits the body, so the body is most likely what OSS sent: look at path and query.")
	case different:
		report.note("Content-MD5 does not fit the body, so the body is most likely what was changed. Verify the bytes of the wire, before any " +
			"framework parses them.")
	}
	if o.URL == "" {
		report.note("Give the callbackUrl with --url: a path or a query that was lost or rewritten can then be found.")
	}
}
