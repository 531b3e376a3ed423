// Package params mints what a client needs for an upload with a callback: the callback parameters in Base64, and the signed form of a
// PostObject. It refuses what OSS would refuse, with OSS's own EC and words, and what OSS would take and our endpoint would not.
//
// It follows https://help.aliyun.com/zh/oss/developer-reference/callback and the pages of the error codes 0007-00000001 to 0007-00000105.
package params

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"oss-callback/function/callback"
	"oss-callback/queue"
)

// BodyType is a callbackBodyType.
type BodyType string

// The two types that OSS knows.
const (
	FormBody BodyType = "application/x-www-form-urlencoded"
	JSONBody BodyType = "application/json"
)

const (
	maxParam  = 5 << 10 // bytes of callback, and of callback-var, in Base64
	maxKey    = 1023    // bytes of an object key
	goodVars  = 10      // OSS advises no more variables,
	goodBytes = 512     // and no more bytes in all of them
)

// Spec says which uploads call back, and where.
type Spec struct {
	CallbackURL string // one URL, or up to five separated by ";", which OSS tries in order; http or https, already URL-encoded; required
	Host        string // the Host header of the callback: a host, maybe with a port; "" is that of each URL
	Bucket      string // required

	// Key is the one object to upload. If it is empty, Prefix is what the keys begin with, and "" is the whole bucket.
	Key, Prefix string

	// Vars are custom variables by full name: "x:" and lower-case. Each needs its placeholder in Body.
	Vars map[string]string

	BodyType BodyType // "" is FormBody
	Body     string   // the callbackBody template; "" is one that the function understands, with every variable in it

	// TokenSecret makes each URL's path end in a callback.Token for Bucket and for Key, or else Prefix; nil: no token. A token for a key
	// is good for every key that begins like it. TokenExpires is needed with it.
	TokenSecret  []byte
	TokenExpires time.Time

	// AllowPrivate takes loopback and private addresses, which a simulator on this machine may call and OSS never does.
	AllowPrivate bool
}

// Params are callback parameters that OSS accepts. Whoever holds URL or Callback holds the token in it.
type Params struct {
	Callback    string // Base64: header x-oss-callback, query parameter callback, or form field callback
	CallbackVar string // Base64: header x-oss-callback-var or query parameter callback-var; "" without variables

	CallbackJSON, CallbackVarJSON string // the same decoded, for people

	URL      string   // the callbackUrl, tokens included
	Warnings []string // what works and is still worth knowing, a sentence each

	spec  Spec
	hosts []host
}

// callbackParam is the JSON of a callback parameter. Server name indication is always asked for: without it most https hosts fail.
type callbackParam struct {
	URL      string   `json:"callbackUrl"`
	Host     string   `json:"callbackHost,omitempty"`
	Body     string   `json:"callbackBody"`
	BodyType BodyType `json:"callbackBodyType"`
	SNI      bool     `json:"callbackSNI"`
}

// Build checks spec and mints the parameters. It does not touch the network: Params.CheckDNS does. Errors are a Refusal.
func Build(spec Spec) (Params, error) {
	spec.BodyType = cmp.Or(spec.BodyType, FormBody)
	spec.Vars = maps.Clone(spec.Vars)
	p := Params{spec: spec}
	if spec.Body == "" {
		p.spec.Body = defaultBody(spec.BodyType, spec.Vars)
	}
	for _, step := range []func() error{p.checkTarget, p.mintURL, p.checkHost, p.checkVars, p.checkBody, p.encode} {
		if err := step(); err != nil {
			return Params{}, err
		}
	}
	p.spec.TokenSecret = nil // so that nobody prints it with the rest
	return p, nil
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// checkTarget checks what is uploaded.
func (p *Params) checkTarget() error {
	s := p.spec
	switch {
	case !bucketName.MatchString(s.Bucket):
		return ours("bucket", fmt.Sprintf("%.64q is no bucket name: 3 to 63 of a-z, 0-9 and \"-\", no \"-\" at the ends", s.Bucket))
	case s.Key != "" && s.Prefix != "":
		return ours("key", "there is a prefix too: give the key of the one object, or the prefix of many")
	case !validKey(s.Key) || !validKey(s.Prefix):
		return ours("key", fmt.Sprintf("OSS takes keys of at most %d bytes of UTF-8, not beginning with \"/\" or \"\\\"", maxKey))
	}
	for _, own := range []string{queue.OutputPrefix, ".outbox/"} {
		if strings.HasPrefix(s.Key+s.Prefix, own) {
			p.warn("Objects under " + own + " are the worker's own: the function answers their callbacks with 403 bucket_not_allowed.")
		}
	}
	return nil
}

// validKey tells whether an object key can be this, or begin so.
func validKey(key string) bool {
	return len(key) <= maxKey && isText(key) && !strings.HasPrefix(key, "/") && !strings.HasPrefix(key, `\`)
}

// isText tells whether JSON, a form and a shell can carry s.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// mintToken returns "" if no token is asked for.
func (p *Params) mintToken() (string, error) {
	s := p.spec
	if s.TokenSecret == nil {
		return "", nil
	}
	if s.Key+s.Prefix == "" {
		p.warn("The token is good for every key of the bucket: give a key or a prefix, such as one per user.")
	}
	token, err := callback.Token{Bucket: s.Bucket, Prefix: s.Key + s.Prefix, Expires: s.TokenExpires}.Mint(s.TokenSecret)
	if err != nil {
		return "", ours("token", strings.TrimPrefix(err.Error(), "callback: "))
	}
	return token, nil
}

// encode makes the two parameters. The limits are OSS's, on the Base64.
func (p *Params) encode() error {
	s := p.spec
	p.CallbackJSON = marshal(callbackParam{URL: p.URL, Host: s.Host, Body: s.Body, BodyType: s.BodyType, SNI: true})
	p.Callback = base64.StdEncoding.EncodeToString([]byte(p.CallbackJSON))
	if len(p.Callback) > maxParam {
		return refused("callback", "01", "The length of callback exceed max value.",
			fmt.Sprintf("it has %d bytes in Base64, OSS takes %d: shorten the URL or the body", len(p.Callback), maxParam))
	}
	if len(s.Vars) == 0 {
		return nil
	}
	p.CallbackVarJSON = marshal(s.Vars)
	p.CallbackVar = base64.StdEncoding.EncodeToString([]byte(p.CallbackVarJSON))
	if len(p.CallbackVar) > maxParam {
		return refused("callback-var", "101", "The length of callback var exceed max value.",
			fmt.Sprintf("it has %d bytes in Base64, OSS takes %d: keep the values on your server and pass an id", len(p.CallbackVar), maxParam))
	}
	return nil
}

// warn adds a warning once.
func (p *Params) warn(text string) {
	for _, known := range p.Warnings {
		if known == text {
			return
		}
	}
	p.Warnings = append(p.Warnings, text)
}

// marshal leaves "&" as it is: the escapes of encoding/json would count against OSS's limits.
func marshal(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("params: marshal %T: %v", v, err)) // strings, booleans and numbers always marshal
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
