package osssim

import (
	"fmt"
	"slices"
	"strings"
)

// Behaviour decides what the public documentation of OSS leaves open or contradicts itself on. The zero value is the likelier reading,
// or, for the judgement of replies, the stricter one. Switches names the fields for command lines.
type Behaviour struct {
	// HTTP10 sends callbacks as HTTP/1.0, as dumps up to 2021 show. Zero: HTTP/1.1. Both close the connection.
	HTTP10 bool
	// FormSpaceAsPlus writes a space in a form-encoded value as "+". Zero: "%20". No captured callback holds a space.
	FormSpaceAsPlus bool
	// FormEscapesTilde writes "~" in a form-encoded value as "%7E". Zero: as it is.
	FormEscapesTilde bool
	// FormKeepsStar writes "*" in a form-encoded value as it is. Zero: "%2A".
	FormKeepsStar bool
	// JSONEscapesNonASCII writes everything beyond ASCII in a JSON value as \uXXXX. Zero: UTF-8.
	JSONEscapesNonASCII bool
	// JSONEscapesNothing puts a value between quotes as it is, so that a quote or a backslash in it breaks the JSON. Zero: escaped.
	JSONEscapesNothing bool
	// UnknownKept leaves the placeholder of a variable that does not exist in the body. Zero: the variable is empty.
	UnknownKept bool
	// UnknownNull makes null of such a variable in JSON. Zero: the empty string.
	UnknownNull bool
	// ScalarJSON accepts a bare JSON number, string, true, false or null as the reply. Zero: only an object or an array passes.
	ScalarJSON bool
	// XMLReply accepts a reply with Content-Type application/xml, which one recent page of the documentation allows. Zero: JSON only.
	XMLReply bool
	// ChunkedReply accepts a chunked reply, which has no Content-Length. Zero: refused for its missing Content-Length.
	ChunkedReply bool
	// LengthAsStatus numbers faults of the reply's length 0007-00000203, as replies with another status are. Zero: 0007-00000204.
	LengthAsStatus bool
	// IgnoreEmptyURL treats a missing or empty callbackUrl as "no callback asked for". Zero: InvalidArgument 0007-00000004.
	IgnoreEmptyURL bool
	// TimeoutPerURL gives every URL of a callbackUrl list the whole CallbackTimeout. Zero: the list shares it.
	TimeoutPerURL bool
	// TimeoutWithAddress words a timeout as "<ip:port> reply timeout, cost:5000ms, ...". Zero: "Cost too long time."
	TimeoutWithAddress bool
	// PostKeepsStatus answers a PostObject whose callback succeeded with the 201 or 204 that success_action_status asks for, without the
	// endpoint's reply. Zero: 200 and the reply.
	PostKeepsStatus bool
}

// Switch is a field of Behaviour, with the name that it has on a command line.
type Switch struct {
	Name  string
	About string
	field func(*Behaviour) *bool
}

// Switches are all of them.
func Switches() []Switch {
	return []Switch{
		{"http10", "callbacks are HTTP/1.0", func(b *Behaviour) *bool { return &b.HTTP10 }},
		{"form-space-plus", "a space in a form is + instead of %20", func(b *Behaviour) *bool { return &b.FormSpaceAsPlus }},
		{"form-escape-tilde", "~ in a form is %7E", func(b *Behaviour) *bool { return &b.FormEscapesTilde }},
		{"form-keep-star", "* in a form stays *", func(b *Behaviour) *bool { return &b.FormKeepsStar }},
		{"json-escape-unicode", `non-ASCII in JSON is \uXXXX`, func(b *Behaviour) *bool { return &b.JSONEscapesNonASCII }},
		{"json-escape-nothing", "quotes and backslashes in values break the JSON", func(b *Behaviour) *bool { return &b.JSONEscapesNothing }},
		{"unknown-kept", "placeholders of unknown variables arrive unreplaced", func(b *Behaviour) *bool { return &b.UnknownKept }},
		{"unknown-null", "unknown variables are null in JSON", func(b *Behaviour) *bool { return &b.UnknownNull }},
		{"scalar-reply", "a JSON number, string or null is a good reply", func(b *Behaviour) *bool { return &b.ScalarJSON }},
		{"xml-reply", "XML is a good reply", func(b *Behaviour) *bool { return &b.XMLReply }},
		{"chunked-reply", "a chunked reply is good", func(b *Behaviour) *bool { return &b.ChunkedReply }},
		{"length-as-status", "faults of Content-Length have EC 0203 instead of 0204", func(b *Behaviour) *bool { return &b.LengthAsStatus }},
		{"ignore-empty-url", "an empty callbackUrl means no callback", func(b *Behaviour) *bool { return &b.IgnoreEmptyURL }},
		{"timeout-per-url", "each URL of a list has 5 s", func(b *Behaviour) *bool { return &b.TimeoutPerURL }},
		{"timeout-with-address", "timeouts are worded \"<ip:port> reply timeout, …\"", func(b *Behaviour) *bool { return &b.TimeoutWithAddress }},
		{"post-keeps-status", "a form upload with callback still answers 201 or 204", func(b *Behaviour) *bool { return &b.PostKeepsStatus }},
	}
}

// ParseBehaviour turns the names of Switches on. Its error lists them all.
func ParseBehaviour(names []string) (Behaviour, error) {
	var b Behaviour
	all := Switches()
	for _, name := range names {
		i := slices.IndexFunc(all, func(s Switch) bool { return s.Name == name })
		if i < 0 {
			known := make([]string, len(all))
			for i, s := range all {
				known[i] = s.Name
			}
			return Behaviour{}, fmt.Errorf("osssim: no switch %q; there are %s", name, strings.Join(known, ", "))
		}
		*all[i].field(&b) = true
	}
	return b, nil
}
