package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// maxAddresses is to how many of a host's addresses a connection is tried.
const maxAddresses = 4

// special are the IPv4 networks that are not the public internet (RFC 6890, and multicast).
var special = []struct {
	network netip.Prefix
	name    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "not an address of a host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by carriers and clouds (CGN)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback: this very machine"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation only"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks only"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation only"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation only"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
}

// reach judges whether the host is found and lets itself be connected to.
func (e *exam) reach(ctx context.Context) bool {
	addrs, ok := e.resolve(ctx)
	if !ok {
		return e.stop("the host has no address to call: see " + ruleDNS)
	}
	e.judgePublic(addrs)
	if !e.dialAll(ctx, addrs) {
		return e.stop("nothing to talk to: see " + ruleConnect)
	}
	return true
}

// resolve returns the host's IPv4 addresses.
func (e *exam) resolve(ctx context.Context) ([]netip.Addr, bool) {
	host := e.target.url.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		e.pass(ruleDNS, "an address already")
		return []netip.Addr{addr}, true
	}
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	found, err := e.Resolve(ctx, host)
	if err != nil {
		cause := "the look-up failed: " + err.Error()
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			cause = host + " is not known to DNS"
		}
		e.fail(ruleDNS, cause, "check the spelling and the domain's A record; a new record can take minutes to spread")
		return nil, false
	}
	var v4, v6 []netip.Addr
	for _, addr := range found {
		if addr = addr.Unmap(); addr.Is4() {
			v4 = append(v4, addr)
		} else {
			v6 = append(v6, addr)
		}
	}
	if len(v4) == 0 {
		e.fail(ruleDNS, fmt.Sprintf("%s has IPv6 addresses only (%s), and OSS calls IPv4 only", host, list(v6)), "add an A record")
		return nil, false
	}
	e.pass(ruleDNS, list(v4))
	return v4, true
}

func (e *exam) judgePublic(addrs []netip.Addr) {
	for _, addr := range addrs {
		for _, s := range special {
			if !s.network.Contains(addr) {
				continue
			}
			if e.AllowPrivate {
				e.skip(rulePublic, fmt.Sprintf("a simulator's endpoint on this machine or network (%s): only OSS itself would refuse it", addr))
				return
			}
			e.fail(rulePublic, fmt.Sprintf("%s is %s; OSS refuses the upload: 400 \"Private address is forbidden to callback.\"", addr, s.name),
				"use the endpoint's public URL, not the one of its VPC or LAN; for a simulator's endpoint give --local")
			return
		}
	}
	e.pass(rulePublic, "yes")
}

// dialAll connects to the addresses and keeps those that answer, the first of them for the rest of the examination.
func (e *exam) dialAll(ctx context.Context, addrs []netip.Addr) bool {
	var took time.Duration
	var dead []string
	var last error
	tried := addrs[:min(len(addrs), maxAddresses)]
	for _, addr := range tried {
		address, began := net.JoinHostPort(addr.String(), e.target.port), time.Now()
		conn, err := e.dial(ctx, address)
		if err != nil {
			dead, last = append(dead, address), err
			continue
		}
		if len(e.addresses) == 0 {
			took = time.Since(began)
		}
		e.addresses = append(e.addresses, address)
		conn.Close()
	}
	if len(e.addresses) > 0 {
		e.address = e.addresses[0]
	}
	switch {
	case e.address == "":
		e.fail(ruleConnect, strings.Join(dead, ", ")+": "+plain(last), cureFor(last))
		return false
	case len(dead) > 0:
		e.warn(ruleConnect, fmt.Sprintf("%d of %d addresses do not answer: %s (%s)", len(dead), len(tried), strings.Join(dead, ", "), plain(last)),
			"take the dead ones out of DNS: OSS may pick any")
	default:
		e.pass(ruleConnect, fmt.Sprintf("%s in %d ms", e.address, took.Milliseconds()))
	}
	return true
}

func (e *exam) dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	return e.Dial(ctx, "tcp", address)
}

// plain says what a failed connection means.
func plain(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused: nothing listens on this port"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no way there from this machine"
	default:
		return err.Error()
	}
}

func cureFor(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start the server, or mend the port; it must listen on all interfaces, not on 127.0.0.1 only"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "run doctor where the internet can be reached"
	default:
		return "open the port in the firewall or security group for every address: OSS's own addresses are not fixed"
	}
}

func list(addrs []netip.Addr) string {
	var texts []string
	for _, addr := range addrs {
		texts = append(texts, addr.String())
	}
	return strings.Join(texts, ", ")
}
