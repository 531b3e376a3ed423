package explain

// ID names an alteration. IDs are an interface for scripts: they do not change.
type ID string

// The alterations.
const (
	PathPrefixAdded       ID = "path-prefix-added"
	PathPrefixStripped    ID = "path-prefix-stripped"
	PathDecodedTwice      ID = "path-decoded-twice"
	PathNotDecoded        ID = "path-not-decoded"
	PathPlus              ID = "path-plus"
	PathSlashes           ID = "path-slashes"
	PathCase              ID = "path-case"
	PathRewritten         ID = "path-rewritten"
	QueryDropped          ID = "query-dropped"
	QueryAdded            ID = "query-added"
	QueryReordered        ID = "query-reordered"
	QueryReencoded        ID = "query-reencoded"
	QueryRewritten        ID = "query-rewritten"
	QueryLost             ID = "query-lost"
	EmptyQuery            ID = "empty-query"
	BodyReserialized      ID = "body-reserialized"
	BodyTrailingNewline   ID = "body-trailing-newline"
	BodyCRLF              ID = "body-crlf"
	BodyCharset           ID = "body-charset"
	BodyBOM               ID = "body-bom"
	BodyEmpty             ID = "body-empty"
	BodyTruncated         ID = "body-truncated"
	WrongKey              ID = "wrong-key"
	Base64URL             ID = "base64url"
	AuthorizationMissing  ID = "authorization-missing"
	AuthorizationReplaced ID = "authorization-replaced"
	PubKeyURLMissing      ID = "pub-key-url-missing"
	PubKeyURLReencoded    ID = "pub-key-url-reencoded"
	SignatureVersion      ID = "signature-version"
	MethodChanged         ID = "method-changed"
)

// Alteration is one thing that happened to a callback on its way.
type Alteration struct {
	ID     ID
	What   string // what was changed, and what usually does that
	Cure   string // how to stop it
	Proved bool   // the callback verifies with it undone; otherwise it is what the capture itself shows
}

// change is an alteration found in one capture. The detail, if any, holds no secret.
type change struct {
	id     ID
	detail string
}

func (c change) alteration(proved bool) Alteration {
	text := catalogue[c.id]
	if c.detail != "" {
		text.what += " Here: " + c.detail + "."
	}
	return Alteration{ID: c.id, What: text.what, Cure: text.cure, Proved: proved}
}

const rawBody = "Verify the bytes as they came, before any framework or body parser touches them (Go: io.ReadAll(r.Body); Express: express.raw; " +
	"Spring: HttpServletRequest.getInputStream; PHP: php://input)."

var catalogue = map[ID]struct{ what, cure string }{
	PathPrefixAdded: {
		"A prefix stands in front of the path that OSS called: a gateway's stage or base path, or nginx's proxy_pass with a " +
			"path behind the host.",
		"nginx: write proxy_pass http://backend; with nothing behind the host, not even a slash. API gateways: map the " +
			"callback's path one to one."},
	PathPrefixStripped: {
		"The beginning of the path is gone: nginx's proxy_pass ending in a slash, StripPrefix of a gateway or router, or a " +
			"rewrite rule of a custom domain.",
		"Leave the path of the callback route as it is (nginx: proxy_pass http://backend; without a slash), or verify the " +
			"original path that the proxy knows."},
	PathDecodedTwice: {
		"The path arrived decoded already, and verifying decodes it a second time: a proxy or framework decodes it before the " +
			"verifier sees it.",
		"Give the verifier the path of the request line (Go: r.URL.EscapedPath(), not r.URL.Path), or keep percent signs out " +
			"of callbackUrl's path."},
	PathNotDecoded: {
		"The path arrived encoded once more than OSS sent it: a proxy encoded the percent signs of an encoded path again.",
		"Stop the proxy from encoding the path (nginx: no variables or rewrites in proxy_pass), or keep percent signs out of " +
			"callbackUrl's path."},
	PathPlus: {
		"A plus sign in the path became a space, or a space became a plus sign or %20: the path was decoded as if it were a form.",
		"Decode paths with a path decoder (Go: url.PathUnescape, Python: unquote, Java: not URLDecoder), or keep plus signs " +
			"and spaces out of callbackUrl's path."},
	PathSlashes: {
		"Slashes of the path were merged, added or removed, or dot segments resolved: nginx's merge_slashes, a router's " +
			"clean-up, or a redirect to a path with or without its last slash.",
		"Give OSS a callbackUrl with single slashes that is spelled just as the route is; nginx: merge_slashes off."},
	PathCase: {
		"Upper and lower case of the path changed: a proxy or server that does not tell them apart.",
		"Write callbackUrl's path in lower case, or switch the conversion off."},
	PathRewritten: {
		"The path is another one than OSS called: a rewrite rule.",
		"Take the callback route out of the rewrite rules, or verify the original path that the proxy knows."},
	QueryDropped: {
		"The query, or a part of it, is gone: a rewrite, redirect, gateway or cache that does not pass queries on.",
		"nginx: add $is_args$args to the rewritten address. Gateways and CDNs: pass all parameters on. Or put what the query " +
			"says in the path."},
	QueryAdded: {
		"Something on the way added to the query: gateways, CDNs, load balancers and tracing agents do.",
		"Switch it off for the callback route, or verify the query that OSS sent (nginx: $request_uri of the first hop)."},
	QueryReordered: {
		"The parameters of the query came in another order: something parsed them and wrote them again (Go's url.Values.Encode sorts).",
		"Pass the raw query on (Go: r.URL.RawQuery; nginx: $args), never one built from parsed parameters."},
	QueryReencoded: {
		"The query is escaped in another way than OSS sent it: something decoded it and wrote it again.",
		"Pass the raw query on (Go: r.URL.RawQuery; nginx: $args), never one built from parsed parameters."},
	QueryRewritten: {
		"The query is another one than OSS sent: a rewrite rule.",
		"Take the callback route out of the rewrite rules, or verify the original query that the proxy knows."},
	QueryLost: {
		"Function Compute's go1 runtime hands over decoded parameters instead of the query, and these are more, or were spelled " +
			"in a rarer way, than the function rebuilds.",
		"Put what the parameters say in callbackUrl's path, or deploy the web variant, which sees the raw query."},
	EmptyQuery: {
		`OSS signed a "?" with nothing behind it. It is lost on the way, and verifiers do not sign it.`,
		`Take the "?" off the end of callbackUrl.`},
	BodyReserialized: {
		"The body was parsed and written again. It says the same, but its bytes differ: spaces, order, escapes.",
		rawBody},
	BodyTrailingNewline: {
		"A line break was added at the end of the body, or taken away: a logger, a template, or echo. If only this capture has " +
			"it, your editor did it and the request is fine.",
		rawBody},
	BodyCRLF: {
		`Line breaks of the body changed between "\n" and "\r\n": something treated it as text, such as a file copied from or to Windows.`,
		"Treat the body as bytes all the way: no text mode, no line-ending conversion."},
	BodyCharset: {
		"The body was read in another character set than UTF-8, and written again.",
		"Treat the body as bytes, or read it as UTF-8. A callbackBodyType of application/x-www-form-urlencoded keeps it ASCII."},
	BodyBOM: {
		"A byte order mark (EF BB BF) in front of the body was added or removed.",
		"Treat the body as bytes; save files without a byte order mark."},
	BodyEmpty: {
		"The body is empty, which OSS never sends: a body parser had read it before, a redirect dropped it, or the logger does " +
			"not record bodies.",
		rawBody + " If only the capture lacks it, capture again with the body."},
	BodyTruncated: {
		"The body is shorter than Content-Length says, and ends in the middle: a logger or proxy cut or rewrote it, or the " +
			"connection broke.",
		"Raise the limit of whatever cut it, and capture all of it."},
	WrongKey: {
		"It was signed with another key than the one it is checked with.",
		"For OSS itself use the key of https://gosspublic.alicdn.com/callback_pub_key_v1.pem (leave OSS_CALLBACK_PUBLIC_KEY empty); for private clouds and " +
			"simulators use theirs."},
	Base64URL: {
		"The authorization header was rewritten. OSS sends plain base64 and nothing else.",
		"Pass the header on as it came: no quotes, no scheme word, no URL decoding or encoding."},
	AuthorizationMissing: {
		"There is no authorization header: Apache with PHP-FPM or CGI, gateways with their own authorizer, and CDNs take it away.",
		`Apache: CGIPassAuth On, or RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]. Function Compute: the trigger's authType must be anonymous. ` +
			"CDNs and gateways: pass the header on, and authorize nothing."},
	AuthorizationReplaced: {
		"Something on the way wrote credentials of its own into the authorization header, in place of OSS's signature or beside it.",
		"Let the gateway or proxy send its credentials in another header, or none on the callback route, and pass OSS's on as it came."},
	PubKeyURLMissing: {
		"There is no x-oss-pub-key-url header: something passes on only headers that it knows.",
		"Pass all headers on. Beware of rules for names with x- in front."},
	PubKeyURLReencoded: {
		"The x-oss-pub-key-url header was rewritten, cut or masked. OSS sends plain base64 of the whole URL.",
		"Pass the header on as it came: do not decode it, quote it or escape it. If only the logger cuts or masks it, the request is fine: switch " +
			"that off, and capture again."},
	SignatureVersion: {
		"x-oss-signature-version is not 1.0, but the signature is one of version 1.0.",
		"Pass the header on as it came. Without one, or with 1.0, it is fine."},
	MethodChanged: {
		"OSS sends POST and nothing else. Its signature does not cover the method.",
		"A redirect turns POST into GET and drops the body: let callbackUrl be the final address. Refuse other methods."},
}
