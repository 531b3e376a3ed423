package doctor

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// target is the URL under examination. Without a fault, url, port, path and query are set.
type target struct {
	url         *url.URL
	port        string
	path, query string // as they stand in the request line
	fault, cure string // why OSS would not take it
}

// tokenAtLeast is the length from which on a path segment may be a token, and is not shown in full. Tokens of ours have
// 60 characters or more.
const tokenAtLeast = 24

func parseTarget(raw string) target {
	refuse := func(fault, cure string) target { return target{fault: fault, cure: cure} }
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return refuse("the URL holds spaces, control characters or characters beyond ASCII",
			"percent-encode them (a space is %20), and a host name in punycode; better, use letters, digits, - and _ only")
	}
	if strings.Contains(raw, ";") {
		return refuse("the URL holds a semicolon, at which OSS ends one URL and begins the next", "run doctor for each URL of a list by itself")
	}
	if !strings.HasPrefix(raw, "http://") && !strings.HasPrefix(raw, "https://") {
		return refuse("the URL does not begin with http:// or https://", "write the scheme in front, https:// where the endpoint has it")
	}
	u, err := url.Parse(raw)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok { // it would quote the whole URL, token included
			err = wrapped.Err
		}
		return refuse("it is no URL: "+err.Error(), "mend it as the message says")
	}
	switch {
	case u.Hostname() == "":
		return refuse("the URL names no host", "write the endpoint's host after "+u.Scheme+"://")
	case u.User != nil:
		return refuse("the URL holds a user name or password", "take everything up to @ out: OSS does not send it, and uploaders would see it")
	case strings.Contains(raw, "#"):
		return refuse("the URL holds a fragment (#…), which is never sent", "take it out")
	}
	port := u.Port()
	if port == "" && !strings.HasSuffix(u.Host, ":") {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return refuse("the port is not a number between 1 and 65535", "write it as in https://host:8443/, or leave it out")
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return target{url: u, port: port, path: path, query: u.RawQuery}
}

// isIPv6 tells whether the host is an IPv6 address as such.
func (t target) isIPv6() bool {
	addr, err := netip.ParseAddr(t.url.Hostname())
	return err == nil && addr.Is6()
}

// hostport is what the header Host says.
func (t target) hostport() string { return t.url.Host }

func (t target) requestURI() string {
	if t.query == "" {
		return t.path
	}
	return t.path + "?" + t.query
}

// shown is the URL for people and logs.
func (t target) shown() string {
	if t.url == nil {
		return ""
	}
	return t.url.Scheme + "://" + t.url.Host + shortenPath(t.requestURI())
}

// shortenPath cuts the segments that may be a token, and the query.
func shortenPath(requestURI string) string {
	path, _, hasQuery := strings.Cut(requestURI, "?")
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = shorten(segment)
	}
	shown := strings.Join(segments, "/")
	if hasQuery {
		shown += "?…"
	}
	return shown
}

// shortenURL is shortenPath for a URL with or without a host.
func shortenURL(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || strings.ContainsAny(scheme, "/?") {
		return shortenPath(raw)
	}
	host := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host = rest[:i]
	}
	return scheme + "://" + host + shortenPath(rest[len(host):])
}

func shorten(segment string) string {
	if len(segment) < tokenAtLeast {
		return segment
	}
	return segment[:6] + "…"
}

// redact takes what may be a token out of what an endpoint said.
func (t target) redact(text string) string {
	if t.url == nil {
		return text
	}
	for segment := range strings.SplitSeq(t.path, "/") {
		if len(segment) >= tokenAtLeast {
			text = hide(text, segment, shorten(segment))
		}
	}
	return hide(text, t.query, "…")
}

// hide replaces secret in text, also where text was cut within it.
func hide(text, secret, by string) string {
	if secret == "" {
		return text
	}
	const enough = 8 // bytes from which on it is the secret
	head := secret[:min(len(secret), enough)]
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, head)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteString(by)
		tail := secret[len(head):]
		n := 0
		for n < min(len(rest), len(tail)) && rest[n] == tail[n] {
			n++
		}
		text = rest[n:]
	}
}
