package osssim

// Behaviour decides what the public documentation of OSS leaves open or contradicts itself on. The zero value is the likelier reading,
// or, for the judgement of replies, the stricter one.
type Behaviour struct {
	// HTTP10 sends callbacks as HTTP/1.0, as dumps up to 2021 show. Zero: HTTP/1.1. Both close the connection.
	HTTP10 bool
	// FormSpaceAsPlus writes a space in a form-encoded value as "+". Zero: "%20". No captured callback holds a space.
	FormSpaceAsPlus bool
	// ScalarJSON accepts a bare JSON number, string, true, false or null as the reply. Zero: only an object or an array passes.
	ScalarJSON bool
	// XMLReply accepts a reply with Content-Type application/xml, which one recent page of the documentation allows. Zero: JSON only.
	XMLReply bool
	// ChunkedReply accepts a chunked reply, which has no Content-Length. Zero: refused for its missing Content-Length.
	ChunkedReply bool
	// IgnoreEmptyURL treats a missing or empty callbackUrl as "no callback asked for". Zero: InvalidArgument 0007-00000004.
	IgnoreEmptyURL bool
	// TimeoutPerURL gives every URL of a callbackUrl list the whole CallbackTimeout. Zero: the list shares it.
	TimeoutPerURL bool
	// TimeoutWithAddress words a timeout as "<ip:port> reply timeout, cost:5000ms, ...". Zero: "Cost too long time."
	TimeoutWithAddress bool
}
