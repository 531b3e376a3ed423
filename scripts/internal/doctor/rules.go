package doctor

// Rule is one thing that is judged.
type Rule struct {
	ID    string // stable: scripts may rely on it
	Title string // what holds if the rule passes
}

// Rules are all of them, in the order in which they are judged and reported.
func Rules() []Rule {
	return []Rule{
		{ruleForm, "the URL is one that OSS takes"},
		{ruleURLLength, "the callback parameters stay below OSS's 5 KB with this URL"},
		{ruleIPv6, "the URL does not name an IPv6 address"},
		{ruleDNS, "the host has an IPv4 address"},
		{rulePublic, "the address is public"},
		{ruleConnect, "the port takes connections"},
		{ruleSNI, "TLS: the certificate is valid for the host"},
		{ruleNoSNI, "TLS: also without the server's name (callbackSNI false)"},
		{ruleRedirect, "a callback is not sent elsewhere"},
		{ruleMethod, "POST is accepted"},
		{ruleStatus, "a good callback gets 200, and only a good one"},
		{ruleSignature, "OSS's signature is verified"},
		{ruleJSON, "answers are JSON objects"},
		{ruleBOM, "answers have no byte order mark"},
		{ruleLength, "answers say their Content-Length"},
		{rulePositive, "Content-Length is a positive integer"},
		{ruleExact, "Content-Length is the body's"},
		{ruleNotChunked, "answers are not chunked"},
		{ruleSize, "answers are small"},
		{ruleCold, "the first answer is in time"},
		{ruleWarm, "the following answers are in time"},
		{ruleHTTP10, "HTTP/1.0 is answered, as OSS sent it for years"},
		{ruleHTTP11, "HTTP/1.1 is answered"},
		{ruleClose, "the connection is closed after the answer, as OSS asks for"},
		{ruleExtra, "headers that only some callbacks have change nothing"},
		{ruleBodyTypes, "form and JSON bodies are both answered with JSON"},
		{ruleBigBody, "a body of 70 KB is answered"},
	}
}

const (
	ruleForm       = "url-form"
	ruleURLLength  = "url-length"
	ruleIPv6       = "url-ipv6"
	ruleDNS        = "dns"
	rulePublic     = "public-address"
	ruleConnect    = "connect"
	ruleSNI        = "tls-sni"
	ruleNoSNI      = "tls-no-sni"
	ruleRedirect   = "redirect"
	ruleMethod     = "method"
	ruleStatus     = "status"
	ruleSignature  = "signature"
	ruleJSON       = "json"
	ruleBOM        = "bom"
	ruleLength     = "content-length"
	rulePositive   = "length-positive"
	ruleExact      = "length-exact"
	ruleNotChunked = "not-chunked"
	ruleSize       = "size"
	ruleCold       = "latency-cold"
	ruleWarm       = "latency-warm"
	ruleHTTP10     = "http10"
	ruleHTTP11     = "http11"
	ruleClose      = "connection-close"
	ruleExtra      = "extra-headers"
	ruleBodyTypes  = "body-types"
	ruleBigBody    = "big-body"
)
