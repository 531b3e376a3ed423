package explain

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	keyURLHeader  = "X-Oss-Pub-Key-Url"
	versionHeader = "X-Oss-Signature-Version"
	keyURLV1      = "https://gosspublic.alicdn.com/callback_pub_key_v1.pem"
)

// envelope is what the headers say about the signature.
type envelope struct {
	signed   bool
	unusable string   // why the signature opens with no key
	changes  []change // of headers; they hold whichever target fits
	targets  []target // one for each key that opens the signature
	keyURL   keyURL
	version  string // of the signature, if it is another one than 1.0
}

// target is the digest that somebody signed, with one of our keys.
type target struct {
	digest    [md5.Size]byte
	signature []byte
	key       publicKey
	changes   []change
}

func (j *judge) readEnvelope(ctx context.Context, c Capture) envelope {
	u := j.readKeyURL(ctx, c.Header.Get(keyURLHeader))
	e := envelope{keyURL: u}
	carriers := authorizations(c.Header)
	e.signed = len(carriers) > 0
	if !e.signed {
		return e
	}
	switch u.state {
	case keyURLMissing:
		e.changes = append(e.changes, change{PubKeyURLMissing, ""})
	case keyURLReencoded:
		e.changes = append(e.changes, change{PubKeyURLReencoded, ""})
	}
	if version := c.Header.Get(versionHeader); version != "" && version != "1.0" {
		e.version = version
		e.changes = append(e.changes, change{SignatureVersion, fmt.Sprintf("it is %.16q", version)})
	}
	for _, a := range carriers {
		signatures, how := signaturesOf(a.value)
		for _, key := range j.keys {
			for _, signature := range signatures {
				if digest, ok := openSignature(key.public, signature); ok {
					e.targets = append(e.targets, target{digest, signature, key, keyChange(key, j.keys, u)})
				}
			}
		}
		if len(e.targets) > 0 {
			e.changes = append(e.changes, a.changes...)
			if how != "" {
				e.changes = append(e.changes, change{Base64URL, how})
			}
			return e
		}
	}
	e.unusable = unusable(carriers[0].value, j.keys)
	return e
}

// unusable says why a signature opens with no key, if that can be seen.
func unusable(authorization string, keys []publicKey) string {
	signatures, _ := signaturesOf(authorization)
	word, _, _ := strings.Cut(authorization, " ")
	switch strings.ToLower(word) {
	case "basic", "bearer", "digest", "negotiate":
		return "the authorization header begins with " + word + ", which OSS never sends: something on the way wrote credentials of its own over the signature"
	}
	if len(authorization) > 40 && authorization == strings.ToLower(authorization) {
		return "the authorization header is all in lower case: something on the way converted it, and that cannot be undone"
	}
	if len(signatures) == 0 {
		return "the authorization header is no base64, however it is read"
	}
	for _, key := range keys {
		if size := key.public.Size(); len(signatures[0]) != size {
			return fmt.Sprintf("the authorization header holds %d bytes, but a signature made with this key has %d: it was cut or padded, or made with another key",
				len(signatures[0]), size)
		}
	}
	return ""
}

// keyChange tells whether the function would have taken another key than the one that opens the signature.
func keyChange(key publicKey, keys []publicKey, u keyURL) []change {
	switch {
	case key.given:
		return nil
	case keys[0].given:
		return []change{{WrongKey, "it is OSS's own key that fits, not the one that was given"}}
	case u.state == keyURLForeign || u.state == keyURLUnknown:
		return []change{{WrongKey, fmt.Sprintf("x-oss-pub-key-url names %.100q, but the signature was made with OSS's key version 1", u.text)}}
	}
	return nil
}

// carrier is a value that may be OSS's signature, and what it means that it stands where it does.
type carrier struct {
	value   string
	changes []change
}

// authorizations are the header, or what took its place, the likeliest first.
func authorizations(h http.Header) []carrier {
	var all []carrier
	const most = 4
	own := h.Values("Authorization")
	own = own[:min(len(own), most)]
	id := AuthorizationMissing
	for i, value := range own {
		if value == "" {
			continue
		}
		var by []change
		if id = AuthorizationReplaced; i > 0 {
			by = []change{{id, "another authorization header stands in front of it"}}
		}
		all = append(all, carrier{value, by})
		if parts := strings.Split(value, ","); len(parts) > 1 {
			for _, part := range parts[:min(len(parts), most)] {
				all = append(all, carrier{strings.TrimSpace(part), []change{{id, "something else stands beside it, with a comma between"}}})
			}
		}
	}
	for _, name := range []string{"X-Forwarded-Authorization", "X-Original-Authorization", "X-Amzn-Remapped-Authorization", "X-Authorization",
		"Redirect-Http-Authorization", "Redirect_http_authorization", "Proxy-Authorization"} {
		if value := h.Get(name); value != "" {
			all = append(all, carrier{value, []change{{id, "the signature is in the header " + name + " instead"}}})
		}
	}
	return all
}

// signaturesOf decodes an authorization header, whatever was done to it. how says what that was.
func signaturesOf(authorization string) (signatures [][]byte, how string) {
	if b, err := base64.StdEncoding.Strict().DecodeString(authorization); err == nil && base64.StdEncoding.EncodeToString(b) == authorization {
		return [][]byte{b}, ""
	}
	s, all := unwrap(authorization)
	readings := []string{strings.ReplaceAll(s, " ", "")}
	if strings.Contains(s, " ") {
		readings = append(readings, strings.ReplaceAll(s, " ", "+"))
		all = append(all, "spaces in it, which may have been plus signs or a line break")
	}
	if strings.ContainsAny(s, "-_") {
		all = append(all, `the alphabet of base64url, with "-" and "_"`)
	}
	seen := map[string]bool{}
	for _, reading := range readings {
		reading = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(reading, "="))
		if b, err := base64.RawStdEncoding.DecodeString(reading); err == nil && len(b) > 0 && !seen[string(b)] {
			signatures = append(signatures, b)
			seen[string(b)] = true
		}
	}
	if len(all) == 0 {
		all = []string{"its padding at the end is changed"}
	}
	return signatures, strings.Join(all, "; ")
}

// unwrap takes off what was put around a value, and says what it was.
func unwrap(s string) (string, []string) {
	var all []string
	s = strings.TrimSpace(s)
	if word, rest, ok := strings.Cut(s, " "); ok {
		switch strings.ToLower(word) {
		case "oss", "bearer", "basic", "token", "rsa", "signature":
			s = strings.TrimSpace(rest)
			all = append(all, "a scheme word in front")
		}
	}
	if bare := strings.Trim(s, `"'`); bare != s {
		s = bare
		all = append(all, "quotes around it")
	}
	if decoded, err := url.PathUnescape(s); err == nil && decoded != s {
		s = decoded
		all = append(all, "percent-encoding")
	}
	if bare := strings.NewReplacer("\r", "", "\n", "", "\t", "").Replace(s); bare != s {
		s = bare
		all = append(all, "line breaks in it")
	}
	return s, all
}
