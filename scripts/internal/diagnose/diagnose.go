// Package diagnose says what a failed upload or callback means: the cause, whether the object is stored, what to do now and what to
// change. Its input is whatever a person has in hand: a body, a message, an EC code, a header line, an SDK's exception, an answer of our
// function or a line of its log.
//
// OSS warns that EC values may change, so the message outweighs the EC where both are known and disagree.
//
// Everything here is pure and safe for concurrent use. What All, Find and Nearest return is shared: do not change it.
package diagnose

import "time"

// Cure is what a client can do by itself.
type Cure int

const (
	// Stop: the same upload would fail again; something has to be changed first.
	Stop Cure = iota
	// Again: upload again, now.
	Again
	// Wait: upload again after a pause with jitter.
	Wait
	// None: nothing has failed, as far as the input tells.
	None
)

// Stored tells whether OSS stored the object when it was uploaded. It has, wherever it says 203; that something deleted the object since is
// said in words.
type Stored int

const (
	Unknown Stored = iota
	Yes
	No
)

// Sure tells where a diagnosis comes from.
type Sure string

const (
	Documented Sure = "documented"        // by OSS, or by our own code
	Field      Sure = "seen in the field" // in bug reports, captures, and tests that SDKs run against OSS
	Inferred   Sure = "inferred"          // from its neighbours; OSS does not say
)

// Evidence is what an input tells. Empty fields are not in it.
type Evidence struct {
	Status        int    // HTTP status of OSS's answer to the uploader, or of our function's answer to OSS
	Code          string // CallbackFailed, InvalidArgument, ..., or a code of our function such as object_gone
	Message       string // as it came: it may hold anything that the input held
	EC            string // "0007-00000203"
	RequestID     string // 24 hex digits
	ArgumentName  string
	ArgumentValue string
	Others        int // other failures in the input, of which this is the last
}

// Shown is what of e may be printed: an input may hold secrets anywhere, and say that they are a code.
func (e Evidence) Shown() Evidence {
	shown := Evidence{Status: e.Status, EC: soleEC.FindString(e.EC), RequestID: requestIDRE.FindString(e.RequestID), Others: e.Others}
	if d, ok := first(func(d Diagnosis) bool { return d.named(e.Code) }); ok {
		shown.Code = d.Code
	}
	return shown
}

// Diagnosis is what there is to say about one kind of failure.
type Diagnosis struct {
	ID       string   // stable, such as "cost-too-long"
	EC       []string // the numbers it comes with; several diagnoses may share one, and it may be empty
	Code     string   // the code that names it by itself: one of OSS's, or one of our function's; may be empty
	Message  string   // OSS's words, where they are known
	Cure     Cure
	Stored   Stored
	Sure     Sure
	LogField string // what to look for in our function's log; empty if the function does not write a line then
	Text     Texts

	also     []string // other wordings
	statuses []int    // n of "Error status : n."
	own      bool     // Code is our function's
	general  bool     // Code is too general to outweigh words or an EC
}

// Text is a diagnosis in words.
type Text struct {
	Title  string
	Cause  string
	Now    string // what the uploader does
	Change string // what the operator changes, so that it does not happen again
}

// Texts are the same in each language.
type Texts struct{ EN, ZH Text }

// Lang is a language of the texts.
type Lang string

const (
	EN Lang = "en"
	ZH Lang = "zh" // simplified Chinese
)

// In returns the text in a language, in English for one that there is not.
func (t Texts) In(lang Lang) Text {
	if lang == ZH {
		return t.ZH
	}
	return t.EN
}

// All returns the whole catalogue, family by family.
func All() []Diagnosis { return append([]Diagnosis(nil), catalogue...) }

// firstUpload is before every request id: OSS opened in October 2011.
var firstUpload = time.Date(2011, 10, 1, 0, 0, 0, 0, time.UTC)

// Time is when OSS got the request, to the second, in UTC: a request id begins with it.
func (e Evidence) Time() (time.Time, bool) {
	if !requestIDRE.MatchString(e.RequestID) {
		return time.Time{}, false
	}
	at := requestTime(e.RequestID)
	return at, at.After(firstUpload)
}
