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
// OSS may change EC values. Words that several diagnoses share are told apart by the EC.
func Find(e Evidence) (Diagnosis, bool) {
	for _, find := range []func(Evidence) (Diagnosis, bool){byOwnCode, byMessage, byErrorStatus, byCode, byEC, byFamily, byGeneralCode, byRequestID} {
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

func byOwnCode(e Evidence) (Diagnosis, bool) {
	return first(func(d Diagnosis) bool { return d.own && d.Code == e.Code })
}

func isOwn(code string) bool {
	_, ok := byOwnCode(Evidence{Code: code})
	return ok
}

// byMessage takes the longest wording that the message holds: "Error Status : 400.User server missing content-length." is no plain 400.
func byMessage(e Evidence) (best Diagnosis, found bool) {
	text, length := fold(e.Message+" "+e.ArgumentName), 0
	for _, d := range catalogue {
		for _, wording := range append([]string{d.Message}, d.also...) {
			words := fold(wording)
			if words == "" || statusOf.MatchString(wording) && d.statuses != nil || !strings.Contains(text, words) {
				continue
			}
			if len(words) > length || len(words) == length && !slices.Contains(best.EC, e.EC) && slices.Contains(d.EC, e.EC) {
				best, length, found = d, len(words), true
			}
		}
	}
	return best, found
}

// byErrorStatus reads the number in "Error status : 404."
func byErrorStatus(e Evidence) (Diagnosis, bool) {
	m := statusOf.FindStringSubmatch(e.Message)
	if m == nil {
		return Diagnosis{}, false
	}
	status := number(m[1])
	if d, ok := first(func(d Diagnosis) bool { return slices.Contains(d.statuses, status) }); ok {
		return d, true
	}
	id := "status-other"
	switch status / 100 {
	case 2:
		id = "status-2xx"
	case 3:
		id = "status-redirect"
	}
	return first(func(d Diagnosis) bool { return d.ID == id })
}

func byCode(e Evidence) (Diagnosis, bool) {
	return first(func(d Diagnosis) bool {
		return !d.own && !d.general && d.Code != "" && strings.EqualFold(d.Code, e.Code)
	})
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
	return first(func(d Diagnosis) bool { return d.ID == id })
}

// byGeneralCode is all that is left: CallbackFailed, InvalidArgument, or a 203, which OSS sends for nothing else.
func byGeneralCode(e Evidence) (Diagnosis, bool) {
	code := e.Code
	if code == "" && e.Status == http.StatusNonAuthoritativeInfo {
		code = "CallbackFailed"
	}
	return first(func(d Diagnosis) bool { return d.general && strings.EqualFold(d.Code, code) })
}

// byRequestID is for those who have nothing else.
func byRequestID(e Evidence) (Diagnosis, bool) {
	if _, ok := e.Time(); !ok || e != (Evidence{RequestID: e.RequestID}) {
		return Diagnosis{}, false
	}
	return first(func(d Diagnosis) bool { return d.ID == "request-id" })
}

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
