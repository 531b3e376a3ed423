package params

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// Resolver looks names up; *net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// knownName exists for certain: it is where OSS keeps the public key of its callbacks. A resolver that does not find it is cut off from the
// internet, and its "no such host" means nothing.
const knownName = "gosspublic.alicdn.com"

// CheckDNS looks up the hosts of the callback URLs as OSS will. A Refusal says that a name does not exist, has no IPv4 address, or leads to
// a private one; any other error that DNS could not be asked, which proves nothing. It does nothing with AllowPrivate. ctx bounds it.
func (p Params) CheckDNS(ctx context.Context, resolver Resolver) error {
	if p.spec.AllowPrivate {
		return nil
	}
	for _, h := range p.hosts {
		if _, err := netip.ParseAddr(h.name); err == nil {
			continue // Build has looked at it
		}
		addrs, err := resolver.LookupNetIP(ctx, "ip4", h.name)
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			if _, knownErr := resolver.LookupNetIP(ctx, "ip4", knownName); knownErr != nil {
				return fmt.Errorf("look up %s: %w, nor is %s found", h.name, err, knownName)
			}
			return unresolved(fmt.Sprintf("%s has no IPv4 address in DNS: check the spelling, and that it has an A record", h.name))
		}
		if err != nil {
			return fmt.Errorf("look up %s: %w", h.name, err)
		}
		for _, addr := range addrs {
			if !public(addr.Unmap()) {
				return private(fmt.Sprintf("%s is %s in DNS", h.name, addr.Unmap()))
			}
		}
	}
	return nil
}
