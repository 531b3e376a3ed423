package params

import "fmt"

// Refusal is the one kind of error of Build and PostForm, and what CheckDNS returns when a name is the fault. It is returned by value:
//
//	if refusal, ok := errors.AsType[params.Refusal](err); ok { … }
type Refusal struct {
	Field   string // which parameter, in OSS's spelling: callbackUrl, callbackBody, x:user, key, …
	EC      string // what OSS would answer, such as 0007-00000008; "" if OSS would take it and our endpoint, or its user, would not
	Message string // OSS's own words; "" where they are not public
	Cure    string // the cause and the cure, in ours
}

// Error is for people.
func (r Refusal) Error() string {
	text := r.Field + ": " + r.Cure
	switch {
	case r.EC == "":
		return text
	case r.Message == "":
		return fmt.Sprintf("%s (OSS would answer 400 InvalidArgument, EC %s)", text, r.EC)
	}
	return fmt.Sprintf("%s (OSS would answer 400 InvalidArgument, EC %s: %s)", text, r.EC, r.Message)
}

// refused is a fault that OSS finds too. ec is the end of its EC number.
func refused(field, ec, message, cure string) error {
	return Refusal{Field: field, EC: fmt.Sprintf("0007-%08s", ec), Message: message, Cure: cure}
}

// ours is a fault that OSS does not look for.
func ours(field, cure string) error { return Refusal{Field: field, Cure: cure} }
