package params

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const (
	maxURLs = 5
	// maxQuery is how many query parameters the function can put in order again where Function Compute's go1 runtime hands it a map.
	maxQuery = 4
)

// host is where a callback goes.
type host struct{ url, name string }

func urlFault(cure string) error {
	return refused("callbackUrl", "04", "The callback url configuration is invalid.", cure)
}

// mintURL checks the list of URLs and puts the token into each.
func (p *Params) mintURL() error {
	token, err := p.mintToken()
	if err != nil {
		return err
	}
	urls := strings.Split(strings.TrimSuffix(p.spec.CallbackURL, ";"), ";")
	if len(urls) > maxURLs {
		return refused("callbackUrl", "05", "The number of callback url exceed max value.",
			fmt.Sprintf("there are %d URLs, OSS takes %d; a \";\" inside a URL must be written %%3B", len(urls), maxURLs))
	}
	for i, raw := range urls {
		u, err := parseURL(raw)
		if err != nil {
			return err
		}
		if err := checkName(raw, u.Hostname(), p.spec.AllowPrivate); err != nil {
			return err
		}
		p.judgeURL(raw, u)
		p.hosts = append(p.hosts, host{raw, u.Hostname()})
		urls[i] = withToken(raw, token)
	}
	p.URL = strings.Join(urls, ";")
	return nil
}

// parseURL parses one URL as OSS does: without a scheme it is http.
func parseURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, urlFault("it is missing: give the URL that OSS shall call, such as https://your-function.cn-hangzhou.fcapp.run/callback")
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, urlFault("it must be ASCII without spaces: percent-encode the path, write the host in punycode (xn--…)")
	}
	absolute := raw
	if !hasScheme(raw) {
		absolute = "http://" + raw
	}
	u, err := url.Parse(absolute)
	switch {
	case err != nil:
		return nil, urlFault(fmt.Sprintf("%.200q is no URL: check the host, the port (a number) and the %%-escapes", raw))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, urlFault(fmt.Sprintf("OSS calls http and https, not %.32q", u.Scheme))
	case u.Hostname() == "":
		return nil, urlFault("it has no host")
	case u.User != nil:
		return nil, urlFault("a user name or password before the host does not work: use the token (CALLBACK_TOKEN_SECRET)")
	case !validPort(u):
		return nil, urlFault("the port must be a number from 1 to 65535")
	case strings.Contains(raw, "#"):
		return nil, ours("callbackUrl", "what follows \"#\" is never sent: take it off, or write %23")
	case u.ForceQuery:
		return nil, ours("callbackUrl", "take the \"?\" at the end off: whether OSS signs it is not known")
	case strings.ContainsAny(raw, "\"<>\\^`{|}"):
		return nil, ours("callbackUrl", "percent-encode \" < > \\ ^ ` { | }: others would do it on the way, and the signature would fail")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return nil, ours("callbackUrl", "a %-escape in the query is wrong: \"%\" itself is written %25")
	}
	return u, nil
}

func hasScheme(raw string) bool {
	scheme, _, ok := strings.Cut(raw, "://")
	return ok && !strings.ContainsAny(scheme, "/?#")
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

// plainQuery can be rebuilt from its decoded parameters, whatever their order.
var plainQuery = regexp.MustCompile(`^[A-Za-z0-9._~-]+=[A-Za-z0-9._~-]+(&[A-Za-z0-9._~-]+=[A-Za-z0-9._~-]+)*$`)

// judgeURL warns of what works with OSS and may not work behind a gateway.
func (p *Params) judgeURL(raw string, u *url.URL) {
	if !hasScheme(raw) {
		p.warn("The callback URL has no scheme: OSS takes that for http, and nothing is added here.")
	}
	if u.Scheme == "http" && p.spec.TokenSecret != nil && !p.spec.AllowPrivate {
		p.warn("The callback URL is http: the token travels in the clear.")
	}
	if query, _ := url.ParseQuery(u.RawQuery); len(query) > maxQuery {
		p.warn(fmt.Sprintf("The callback URL has %d query parameters: on the go1 runtime the function cannot rebuild what was signed from more "+
			"than %d, and answers query_not_recoverable. Put them in the path.", len(query), maxQuery))
	}
	if u.RawQuery != "" && !plainQuery.MatchString(u.RawQuery) {
		p.warn("The query of the callback URL is more than name=value pairs of letters and digits: the go1 runtime loses how it was written, and " +
			"the signature may fail. Put it in the path, or deploy the web variant.")
	}
	path := u.EscapedPath()
	if strings.ContainsAny(path, "+%") {
		p.warn("The path of the callback URL holds \"+\" or %-escapes: OSS signs it decoded, and languages disagree on how to decode. " +
			"Letters, digits, \"-\" and \"_\" are safe.")
	}
	if strings.Contains(path, "//") || strings.Contains(path+"/", "/./") || strings.Contains(path+"/", "/../") {
		p.warn("The path of the callback URL has empty, \".\" or \"..\" segments: gateways rewrite those, and the signature fails.")
	}
}

// withToken puts the token at the end of the path.
func withToken(raw, token string) string {
	if token == "" {
		return raw
	}
	path, query, hasQuery := strings.Cut(raw, "?")
	path = strings.TrimSuffix(path, "/") + "/" + token
	if hasQuery {
		return path + "?" + query
	}
	return path
}

// checkName refuses hosts that OSS cannot or will not call, as far as the name alone tells.
func checkName(raw, name string, allowPrivate bool) error {
	if addr, err := netip.ParseAddr(name); err == nil {
		if v4 := addr.Unmap(); v4.Is4() && !public(v4) && !allowPrivate {
			return private(fmt.Sprintf("%s is not reachable from OSS", name))
		}
		if addr.Is6() {
			return unresolved("OSS calls back over IPv4 only: use a name with an A record, or an IPv4 address")
		}
		return nil
	}
	bare := strings.ToLower(strings.TrimSuffix(name, "."))
	labels := strings.Split(bare, ".")
	last := labels[len(labels)-1]
	switch {
	case last == "localhost" && allowPrivate:
	case last == "localhost":
		return private("localhost is OSS's own machine, not yours")
	case !validName(bare):
		return unresolved(fmt.Sprintf("%.100q is no host name", name))
	case last[0] >= '0' && last[0] <= '9': // no top-level domain begins so: a mistyped address
		return unresolved(fmt.Sprintf("%.100q is neither an IPv4 address, four numbers, nor a name", name))
	case len(labels) == 1 && !allowPrivate:
		return unresolved(fmt.Sprintf("%.100q is not a full domain name: OSS does not know your network's short names", name))
	}
	return nil
}

// validName tells whether DNS can hold a name, lower-case and without a dot at its end.
func validName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(name) <= 253
}

func private(cause string) error {
	return refused("callbackUrl", "08", "Private address is forbidden to callback.", cause+": OSS calls public addresses only. Deploy the function, "+
		"or use a tunnel, and give its public URL; --local is for a simulator on this machine")
}

func unresolved(cause string) error { return refused("callbackUrl", "07", "", cause) }

// public is for IPv4.
func public(addr netip.Addr) bool {
	carrier := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !carrier.Contains(addr)
}
