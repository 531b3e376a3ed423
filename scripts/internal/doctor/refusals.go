package doctor

// refusal is what an error code of our function says about the endpoint.
type refusal struct {
	rule     string // that it breaks: signature or status
	verified bool   // the signature was found good before
	detail   string
	cure     string
}

const logCure = "the function's log names the cause"

// refusals are the codes in the answers of our function.
var refusals = map[string]refusal{
	"unsigned": {ruleSignature, false, "authorization or x-oss-pub-key-url did not reach it",
		"let them pass: the HTTP trigger must be anonymous, and gateways, CDNs and Apache with PHP-FPM must not take the authorization header"},
	"untrusted_key_url": {ruleSignature, false, "it does not trust the key",
		"let x-oss-pub-key-url pass as it is, and have OSS_CALLBACK_PUBLIC_KEY hold the public half of the key that signs"},
	"bad_signature": {ruleSignature, false, "it cannot verify a good signature",
		"check OSS_CALLBACK_PUBLIC_KEY (unset for OSS itself, else the public half of the key that signs); let no proxy rewrite path, query " +
			"or body; a server of your own in Go 1.24 or later needs godebug rsa1024min=0, for OSS's key has 512 bits"},
	"unsupported_signature_version": {ruleSignature, false, "x-oss-signature-version was changed on the way", "let the header pass as it is"},
	"query_not_recoverable": {ruleSignature, false, "the go1 runtime loses the raw query",
		"put what the query says in the path, or deploy the web variant"},

	"malformed_callback": {ruleStatus, true, "it does not understand the body",
		"have callbackBody name bucket and object, as `go run ./scripts params` makes it"},
	"body_too_large": {ruleStatus, false, "the body is too large for it", "make callbackBody shorter"},
	"bucket_not_allowed": {ruleStatus, true, "the bucket is not among its own, or the object is under a prefix that it writes itself",
		"put the bucket into ALLOWED_BUCKETS, or give --bucket and --object of uploads that it shall accept"},
	"bad_token": {ruleStatus, true, "the path does not end in a token for this bucket and object",
		"mint the URL with `go run ./scripts params`, with the CALLBACK_TOKEN_SECRET of the function, and give --object under the token's prefix"},
	"token_expired":     {ruleStatus, true, "the token at the end of the path is too old", "mint a new URL with `go run ./scripts params`"},
	"object_gone":       {ruleStatus, true, "there is no such object", "give --object of an image that exists to see 200"},
	"object_changed":    {ruleStatus, true, "the object was overwritten since", "capture the callback of a new upload to see 200"},
	"not_an_image":      {ruleStatus, true, "the object is no image", "give --object of an image to see 200"},
	"misconfigured":     {ruleStatus, false, "a setting is wrong, or the build cannot verify OSS's key", logCure + " in its line \"misconfigured\""},
	"internal":          {ruleStatus, false, "a bug", logCure + ", with the stack"},
	"key_unavailable":   {ruleStatus, false, "it could not fetch the public key", logCure},
	"queue_unavailable": {ruleStatus, true, "no nsqd took the job, nor the outbox", "check NSQD_ADDRS, the VPC and the outbox's rights; " + logCure},
	"deadline_exceeded": {ruleStatus, false, "it ran out of time", logCure + " and the milliseconds of each stage"},
}
