package explain

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"oss-callback/function/callback"
)

// keyURL is what x-oss-pub-key-url says.
type keyURL struct {
	state keyURLState
	text  string // decoded; empty if it could not be
}

type keyURLState int

const (
	keyURLGood      keyURLState = iota
	keyURLMissing               // no header
	keyURLReencoded             // OSS's once what was done to the header is undone, or no whole URL
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
			return keyURL{state: keyURLReencoded}
		}
		s = string(b)
	}
	if !wholeURL(s) {
		return keyURL{state: keyURLReencoded}
	}
	u := keyURL{state: trust(header), text: s}
	if u.state == keyURLForeign && trust(base64.StdEncoding.EncodeToString([]byte(s))) == keyURLGood {
		u.state = keyURLReencoded
	}
	return u
}

// wholeURL tells a URL of a key from what a logger left of one.
func wholeURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(u.Path) < 2 || strings.Contains(s, "**") {
		return false
	}
	_, rest, _ := strings.Cut(s, "://")
	_, own, _ := strings.Cut(keyURLV1, "://")
	return rest == own || !strings.HasPrefix(own, rest)
}
