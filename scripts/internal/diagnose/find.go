package diagnose

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// ecPrefix begins the numbers of everything about callbacks.
const ecPrefix = "0007-"

// Find returns what fits the evidence best, false if it is unknown. Our own codes come first, then OSS's words, then its code, then the EC:
// OSS may change EC values. Words that several diagnoses share are told apart by the EC. A status or a request id counts where there is
// nothing else.
func Find(e Evidence) (Diagnosis, bool) {
	if d, ok := e.specific(); ok {
		return d, true
	}
	return try(e, byStatus, byRequestID)
}

// specific is Find for what tells more than a status or a request id.
func (e Evidence) specific() (Diagnosis, bool) {
	return try(e, byOwnCode, byWords, byCode, byEC, byFamily, byGeneralCode)
}

func try(e Evidence, finders ...func(Evidence) (Diagnosis, bool)) (Diagnosis, bool) {
	for _, find := range finders {
		if d, ok := find(e); ok {
			return d, true
		}
	}
	return Diagnosis{}, false
}

// Contradiction returns what the EC alone would mean, if that is not what d is for.
func Contradiction(e Evidence, d Diagnosis) (Diagnosis, bool) {
	other, ok := byEC(e)
	if !ok || other.ID == d.ID || slices.Contains(d.EC, e.EC) {
		return Diagnosis{}, false
	}
	return other, true
}

// byOwnCode leaves "internal" out: many a server says so, with better words beside it.
func byOwnCode(e Evidence) (Diagnosis, bool) {
	return first(func(d Diagnosis) bool { return d.own && !d.general && d.Code == e.Code })
}

func isOwn(code string) bool {
	_, ok := first(func(d Diagnosis) bool { return d.own && d.Code == code })
	return ok
}

// byWords knows messages.
func byWords(e Evidence) (Diagnosis, bool) { return try(e, byMessage, byErrorStatus, byClient) }

func knownWords(message string) bool {
	_, ok := byWords(Evidence{Message: message})
	return ok
}

// byMessage takes the longest wording that the message holds: "Error Status : 400.User server missing content-length." is no plain 400.
func byMessage(e Evidence) (best Diagnosis, found bool) {
	text, length := fold(e.Message+" "+e.ArgumentName), 0
	if text == "" {
		return Diagnosis{}, false
	}
	for _, w := range phrases {
		d := catalogue[w.diagnosis]
		if len(w.folded) < length || !strings.Contains(text, w.folded) {
			continue
		}
		if len(w.folded) > length || !slices.Contains(best.EC, e.EC) && slices.Contains(d.EC, e.EC) {
			best, length, found = d, len(w.folded), true
		}
	}
	return best, found
}

// phrase is what a diagnosis is known by; those of a mere status are left to byErrorStatus.
type phrase struct {
	folded    string
	diagnosis int // in the catalogue
}

var phrases = foldAll(catalogue)

func foldAll(catalogue []Diagnosis) (all []phrase) {
	for i, d := range catalogue {
		for _, words := range append([]string{d.Message}, d.also...) {
			if folded := fold(words); folded != "" && (d.statuses == nil || !statusOf.MatchString(words)) {
				all = append(all, phrase{folded, i})
			}
		}
	}
	return all
}

// byErrorStatus reads the number in "Error status : 404."
func byErrorStatus(e Evidence) (Diagnosis, bool) {
	m := statusOf.FindStringSubmatch(e.Message)
	if m == nil {
		return Diagnosis{}, false
	}
	return ofEndpoint(number(m[1]))
}

// ofEndpoint is what a status other than 200 means where the callback endpoint answered it.
func ofEndpoint(status int) (Diagnosis, bool) {
	if d, ok := first(func(d Diagnosis) bool { return slices.Contains(d.statuses, status) }); ok {
		return d, true
	}
	switch status / 100 {
	case 2:
		return byID("status-2xx")
	case 3:
		return byID("status-redirect")
	}
	return byID("status-other")
}

func byCode(e Evidence) (Diagnosis, bool) {
	return first(func(d Diagnosis) bool { return !d.own && !d.general && d.named(e.Code) })
}

// byEC takes the last one of a family that shares a number: the most general.
func byEC(e Evidence) (Diagnosis, bool) {
	for _, d := range slices.Backward(catalogue) {
		if e.EC != "" && slices.Contains(d.EC, e.EC) {
			return d, true
		}
	}
	return Diagnosis{}, false
}

// byFamily says what is known of numbers that nobody has explained.
func byFamily(e Evidence) (Diagnosis, bool) {
	rest, ours := strings.CutPrefix(e.EC, ecPrefix)
	id := "ec-elsewhere"
	switch {
	case e.EC == "":
		return Diagnosis{}, false
	case ours:
		id = "unknown-ec-other"
		if len(rest) == 8 && strings.HasPrefix(rest, "00000") && rest[5] <= '3' {
			id = "unknown-ec-0" + rest[5:6] + "xx"
		}
	}
	return byID(id)
}

// byGeneralCode is for CallbackFailed, InvalidArgument, internal, or a 203, which OSS sends for nothing else.
func byGeneralCode(e Evidence) (Diagnosis, bool) {
	code := e.Code
	if code == "" && e.Status == http.StatusNonAuthoritativeInfo {
		code = "CallbackFailed"
	}
	return first(func(d Diagnosis) bool { return d.general && d.named(code) })
}

// byStatus is for a status that nobody has explained. Whose it is, OSS's, a proxy's or the callback endpoint's, only the text can tell.
func byStatus(e Evidence) (Diagnosis, bool) {
	if e.Code != "" || e.EC != "" || e.RequestID != "" { // with a request id it is OSS's
		return Diagnosis{}, false
	}
	if m := ofCallback.FindStringSubmatch(e.Message); m != nil && number(m[1]) == e.Status {
		return ofEndpoint(e.Status)
	}
	switch {
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooManyRequests, e.Status >= 500 && e.Status <= 599:
		return byID("bare-outage")
	case e.Status >= 400 && e.Status <= 499:
		return byID("bare-refusal")
	}
	return Diagnosis{}, false
}

// byRequestID is for those who have nothing else.
func byRequestID(e Evidence) (Diagnosis, bool) {
	if _, ok := e.Time(); !ok || e != (Evidence{RequestID: e.RequestID}) {
		return Diagnosis{}, false
	}
	return byID("request-id")
}

// named tells whether code is d's. People and servers write OSS's in any case; ours are words such as "internal", which others write large.
func (d Diagnosis) named(code string) bool {
	return d.Code != "" && (d.Code == code || !d.own && strings.EqualFold(d.Code, code))
}

func byID(id string) (Diagnosis, bool) { return first(func(d Diagnosis) bool { return d.ID == id }) }

func first(fits func(Diagnosis) bool) (Diagnosis, bool) {
	if i := slices.IndexFunc(catalogue, fits); i >= 0 {
		return catalogue[i], true
	}
	return Diagnosis{}, false
}

// fold makes wordings comparable: letters and digits only, in lower case, and "conent-length", as OSS spells it now and then, put right.
func fold(text string) string {
	letters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
	return strings.ReplaceAll(letters, "conentlength", "contentlength")
}
