package osssim

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	maxTargets     = 5
	resolveTimeout = 2 * time.Second
)

// target is one URL of a callbackUrl list.
type target struct {
	raw      string
	url      *url.URL
	hostport string // as named in the URL, with the port
	dial     string // where to connect: the address that was checked, so that no second look-up can lead elsewhere
}

// parseTargets splits and checks a callbackUrl. A missing scheme means http, as the documentation's samples do.
func parseTargets(list string) ([]target, error) {
	urls := strings.Split(strings.TrimSuffix(list, ";"), ";")
	if len(urls) > maxTargets {
		return nil, errCallback("05", "The number of callback url exceed max value.", "callbackUrl", list)
	}
	targets := make([]target, 0, len(urls))
	for _, raw := range urls {
		t, ok := parseTarget(raw)
		if !ok {
			return nil, errCallback("04", "The callback url configuration is invalid.", "callbackUrl", raw)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func parseTarget(raw string) (target, bool) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) { // must be URL-encoded already
		return target{}, false
	}
	absolute := raw
	if scheme, _, ok := strings.Cut(raw, "://"); !ok || strings.ContainsAny(scheme, "/?#") {
		absolute = "http://" + raw
	}
	u, err := url.Parse(absolute)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return target{}, false
	}
	port := u.Port()
	if port == "" && !strings.HasSuffix(u.Host, ":") {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if !validPort(port) {
		return target{}, false
	}
	return target{raw: raw, url: u, hostport: net.JoinHostPort(u.Hostname(), port)}, true
}

// admit refuses targets that OSS would not call: names that do not resolve to IPv4, private and loopback addresses.
func (s *Server) admit(ctx context.Context, targets []target) error {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	for i, t := range targets {
		allowed := s.isPublicHost(t.hostport)
		addr, err := s.address(ctx, t.url.Hostname())
		if err != nil || (!addr.Is4() && !allowed) {
			return errCallback("07", "The callback url can not be resolved to a public address.", "callbackUrl", t.raw) // our words
		}
		if !public(addr) && !allowed {
			return errCallback("08", "Private address is forbidden to callback.", "callbackUrl", t.raw)
		}
		targets[i].dial = net.JoinHostPort(addr.String(), t.port())
	}
	return nil
}

func (t target) port() string {
	_, port, _ := net.SplitHostPort(t.hostport)
	return port
}

// address is the first address of a host, itself if it is an IP already.
func (s *Server) address(ctx context.Context, host string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap(), nil
	}
	addrs, err := s.cfg.Resolve(ctx, host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, addr := range addrs {
		if addr = addr.Unmap(); addr.Is4() && !public(addr) {
			return addr, nil // one private address is enough to be refused
		}
	}
	for _, addr := range addrs {
		if addr = addr.Unmap(); addr.Is4() {
			return addr, nil
		}
	}
	return netip.Addr{}, &net.DNSError{Err: "no IPv4 address", Name: host, IsNotFound: true}
}

func public(addr netip.Addr) bool {
	sharedCGN := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !addr.IsLoopback() && !sharedCGN.Contains(addr)
}
