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

// CheckDNS looks up the hosts of the callback URLs as OSS will. A Refusal says that a name does not exist or has no IPv4 address;
// any other error what proves nothing: that DNS could not be asked, or that the name leads to a private address here, which may be another one
// outside. It does nothing with AllowPrivate. ctx bounds it.
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
				return fmt.Errorf("%s is %s here, a private address, which OSS would refuse (400, EC 0007-00000008); if your network only "+
					"sees another one than the internet does, never mind", h.name, addr.Unmap())
			}
		}
	}
	return nil
}
