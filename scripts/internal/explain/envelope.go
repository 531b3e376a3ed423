package explain

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"oss-callback/function/callback"
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
	authorization, from := findAuthorization(c.Header)
	e.signed = authorization != ""
	if !e.signed {
		return e
	}
	if from != "" {
		e.changes = append(e.changes, change{AuthorizationMissing, "it is in the header " + from + " instead"})
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
	signatures, how := signaturesOf(authorization)
	if how != "" {
		e.changes = append(e.changes, change{Base64URL, how})
	}
	if len(signatures) == 0 {
		e.unusable = "the authorization header is no base64, however it is read"
	}
	for _, key := range j.keys {
		for _, signature := range signatures {
			digest, ok := openSignature(key.public, signature)
			if ok {
				e.targets = append(e.targets, target{digest, signature, key, keyChange(key, j.keys, u)})
			} else if size := key.public.Size(); len(signature) != size {
				e.unusable = fmt.Sprintf("the authorization header holds %d bytes, but a signature made with this key has %d: it was cut or padded, or "+
					"made with another key", len(signature), size)
			}
		}
	}
	if lower := strings.ToLower(authorization); len(e.targets) == 0 && len(authorization) > 40 && authorization == lower {
		e.unusable = "the authorization header is all in lower case: something on the way converted it, and that cannot be undone"
	}
	return e
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

// findAuthorization returns the header, or what took its place and where.
func findAuthorization(h http.Header) (value, from string) {
	if value := h.Get("Authorization"); value != "" {
		return value, ""
	}
	for _, name := range []string{"X-Forwarded-Authorization", "X-Original-Authorization", "X-Amzn-Remapped-Authorization", "X-Authorization",
		"Redirect-Http-Authorization", "Redirect_http_authorization", "Http-Authorization", "Http_authorization", "Proxy-Authorization"} {
		if value := h.Get(name); value != "" {
			return value, name
		}
	}
	return "", ""
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

// keyURL is what x-oss-pub-key-url says.
type keyURL struct {
	state keyURLState
	text  string // decoded; empty if it could not be
}

type keyURLState int

const (
	keyURLGood      keyURLState = iota
	keyURLMissing               // no header
	keyURLReencoded             // OSS's, once what was done to the header is undone
	keyURLUnknown               // on OSS's host, but another key than version 1
	keyURLForeign               // anywhere else
)

// readKeyURL asks the function's verifier whether it would trust the URL, with a request that cannot verify.
func (j *judge) readKeyURL(ctx context.Context, header string) keyURL {
	if header == "" {
		return keyURL{state: keyURLMissing}
	}
	trust := func(header string) keyURLState {
		h := http.Header{"Authorization": {base64.StdEncoding.EncodeToString(make([]byte, 64))}, keyURLHeader: {header}}
		_, err := j.oss.Verify(ctx, callback.Request{Path: "/", Header: h})
		switch {
		case errors.Is(err, callback.ErrUntrustedKeyURL):
			return keyURLForeign
		case errors.Is(err, callback.ErrKeyUnavailable):
			return keyURLUnknown
		}
		return keyURLGood
	}
	s, _ := unwrap(header)
	if !strings.Contains(s, "://") {
		b, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/", " ", "").Replace(strings.TrimRight(s, "=")))
		if err != nil {
			return keyURL{state: keyURLForeign}
		}
		s = string(b)
	}
	u := keyURL{state: trust(header), text: s}
	if u.state == keyURLForeign && trust(base64.StdEncoding.EncodeToString([]byte(s))) == keyURLGood {
		u.state = keyURLReencoded
	}
	return u
}
