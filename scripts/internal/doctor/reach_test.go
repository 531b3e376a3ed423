package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestURLs(t *testing.T) {
	s := start(t, correct, trustOSS)
	for url, c := range map[string]struct {
		rule string
		want Verdict
		says string
	}{
		"http://" + host + "/a":                                   {ruleForm, Pass, host},
		"http://" + host:                                          {ruleForm, Pass, host + "/"},
		host + "/a":                                               {ruleForm, Fail, "http://"},
		"ftp://" + host + "/a":                                    {ruleForm, Fail, "http://"},
		"http://u:secret@" + host + "/a":                          {ruleForm, Fail, "user name"},
		"http://" + host + "/a#b":                                 {ruleForm, Fail, "fragment"},
		"http://" + host + ":0/a":                                 {ruleForm, Fail, "port"},
		"http://" + host + ":/a":                                  {ruleForm, Fail, "port"},
		"http://" + host + ":http/a":                              {ruleForm, Fail, "port"},
		"http://" + host + "/a b":                                 {ruleForm, Fail, "percent-encode"},
		"http://" + host + "/ä":                                   {ruleForm, Fail, "percent-encode"},
		"http://" + host + "/%zz":                                 {ruleForm, Fail, "escape"},
		"http:///a":                                               {ruleForm, Fail, "no host"},
		"http://" + host + "/a;http://" + host + "/b":             {ruleForm, Fail, "semicolon"},
		"http://" + host + "/a%20b":                               {ruleForm, Warn, "escapes"},
		"http://" + host + "/a+b":                                 {ruleForm, Warn, "+"},
		"http://" + host + "/a?b=1":                               {ruleForm, Warn, "1 query parameter"},
		"http://" + host + "/a?b=1&c=2&d=3&e=4&f=5":               {ruleForm, Warn, "go1"},
		"http://[2001:db8::1]/a":                                  {ruleIPv6, Fail, "IPv6"},
		"http://" + host + "/" + strings.Repeat("a", maxCallback): {ruleURLLength, Fail, "exceed"},
	} {
		o := s.options()
		o.URL, o.Tries = url, 1
		report := examine(t, o)
		f := finding(report, c.rule)
		if f.Verdict != c.want || !strings.Contains(f.Detail+f.Cure, c.says) {
			t.Errorf("%.60s: %+v, want %s with %q", url, f, c.want, c.says)
		}
		if c.want == Fail {
			only(t, report, Fail, c.rule)
		}
		if strings.Contains(text(report), "secret") {
			t.Errorf("%s: a secret is shown%s", url, text(report))
		}
	}
}

func TestReach(t *testing.T) {
	s := start(t, correct, trustOSS)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close() // nobody listens on this port now
	addresses := func(texts ...string) func(context.Context, string) ([]netip.Addr, error) {
		return func(context.Context, string) (list []netip.Addr, _ error) {
			for _, text := range texts {
				list = append(list, netip.MustParseAddr(text))
			}
			return list, nil
		}
	}
	for name, c := range map[string]struct {
		change func(*Options)
		rule   string
		want   Verdict
		says   string
	}{
		"unknown name": {func(o *Options) {
			o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
				return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
			}
		}, ruleDNS, Fail, "not known"},
		"DNS broken": {func(o *Options) {
			o.Resolve = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("server misbehaving") }
		}, ruleDNS, Fail, "misbehaving"},
		"IPv6 only":     {func(o *Options) { o.Resolve = addresses("2400:3200::1") }, ruleDNS, Fail, "IPv6 addresses only"},
		"both":          {func(o *Options) { o.Resolve = addresses("2400:3200::1", "8.8.8.8") }, ruleDNS, Pass, "8.8.8.8"},
		"private":       {func(o *Options) { o.Resolve = addresses("8.8.8.8", "10.1.2.3") }, rulePublic, Fail, "10.1.2.3 is private"},
		"private too":   {func(o *Options) { o.Resolve = addresses("172.31.255.254") }, rulePublic, Fail, "172.31.255.254 is private"},
		"not private":   {func(o *Options) { o.Resolve = addresses("172.32.0.1") }, rulePublic, Pass, "yes"},
		"benchmarks":    {func(o *Options) { o.Resolve = addresses("198.19.0.1") }, rulePublic, Fail, "benchmarks"},
		"shared":        {func(o *Options) { o.Resolve = addresses("100.100.1.2") }, rulePublic, Fail, "CGN"},
		"link-local":    {func(o *Options) { o.Resolve = addresses("169.254.169.254") }, rulePublic, Fail, "link-local"},
		"loopback":      {func(o *Options) { o.URL = "http://127.0.0.1:1/a" }, rulePublic, Fail, "loopback"},
		"mapped":        {func(o *Options) { o.Resolve = addresses("::ffff:192.168.1.1") }, rulePublic, Fail, "private"},
		"local allowed": {func(o *Options) { o.URL, o.AllowPrivate = "http://127.0.0.1:1/a", true }, rulePublic, Skip, "simulator"},
		"refused": {func(o *Options) {
			o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, closed.Addr().String())
			}
		}, ruleConnect, Fail, "nothing listens"},
		"one of two dead": {func(o *Options) {
			o.Resolve = addresses("8.8.4.4", "8.8.8.8")
			o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				to := s.listener.Addr().String()
				if strings.HasPrefix(address, "8.8.4.4") {
					to = closed.Addr().String()
				}
				return new(net.Dialer).DialContext(ctx, network, to)
			}
		}, ruleConnect, Warn, "1 of 2 addresses"},
	} {
		t.Run(name, func(t *testing.T) {
			o := s.options()
			c.change(&o)
			report := examine(t, o)
			if f := finding(report, c.rule); f.Verdict != c.want || !strings.Contains(f.Detail+f.Cure, c.says) {
				t.Errorf("%+v, want %s with %q", f, c.want, c.says)
			}
			if c.want == Fail {
				only(t, report, Fail, c.rule)
			} else {
				only(t, report, Fail)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	soon, later := time.Now().Add(24*time.Hour), time.Now().Add(90*24*time.Hour)
	good, roots := cert(t, host, later)
	expired, expiredRoots := cert(t, host, time.Now().Add(-time.Hour))
	ending, endingRoots := cert(t, host, soon)
	other, otherRoots := cert(t, "other.example", later)
	_, strangers := cert(t, host, later)
	always := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	bySNI := func(fallback *tls.Certificate) *tls.Config {
		return &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			switch {
			case hello.ServerName == host:
				return &good, nil
			case fallback == nil:
				return nil, errors.New("no name, no certificate")
			}
			return fallback, nil
		}}
	}
	for name, c := range map[string]struct {
		config *tls.Config
		plain  bool
		roots  *x509.CertPool
		sni    Verdict
		noSNI  Verdict
		says   string
	}{
		"good":                            {config: always(good), roots: roots, sni: Pass, noSNI: Pass, says: "test authority"},
		"without SNI another certificate": {config: bySNI(&other), roots: roots, sni: Pass, noSNI: Warn, says: "callbackSNI"},
		"without SNI none":                {config: bySNI(nil), roots: roots, sni: Pass, noSNI: Warn, says: "callbackSNI"},
		"expired":                         {config: always(expired), roots: expiredRoots, sni: Fail, noSNI: Skip, says: "renew"},
		"ends soon":                       {config: always(ending), roots: endingRoots, sni: Warn, noSNI: Pass, says: "renew"},
		"another host":                    {config: always(other), roots: otherRoots, sni: Fail, noSNI: Skip, says: "this host name"},
		"unknown authority":               {config: always(good), roots: strangers, sni: Fail, noSNI: Skip, says: "intermediate"},
		"client certificate": {config: &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12},
			roots: roots, sni: Fail, noSNI: Skip, says: "client certificate"},
		"plain HTTP": {plain: true, sni: Fail, noSNI: Skip, says: "use http://"},
		"TLS 1.1": {config: &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
			sni: Fail, noSNI: Skip, says: "TLS 1.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := []func(*endpoint){trustOSS}
			if !c.plain {
				options = append(options, secured(c.config))
			}
			o := start(t, correct, options...).options()
			o.URL = "https://" + host + "/a"
			o.RootCAs = c.roots
			report := examine(t, o)
			sni, noSNI := finding(report, ruleSNI), finding(report, ruleNoSNI)
			if sni.Verdict != c.sni || noSNI.Verdict != c.noSNI {
				t.Errorf("%s, %s, want %s, %s%s", sni.Verdict, noSNI.Verdict, c.sni, c.noSNI, text(report))
			}
			if all := sni.Detail + sni.Cure + noSNI.Cure; !strings.Contains(all, c.says) {
				t.Errorf("%q is not in %q", c.says, all)
			}
			if c.sni == Fail {
				only(t, report, Fail, ruleSNI)
			} else {
				only(t, report, Fail)
			}
		})
	}
}

// TestClientCertificate is demanded in TLS 1.3, which tells only after the handshake.
func TestClientCertificate(t *testing.T) {
	good, roots := cert(t, host, time.Now().Add(90*24*time.Hour))
	o := start(t, correct, secured(&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert})).options()
	o.URL, o.RootCAs = "https://"+host+"/a", roots
	report := examine(t, o)
	only(t, report, Fail, ruleHTTP11)
	if f := finding(report, ruleHTTP11); !strings.Contains(f.Detail, "certificate required") || f.Cure != clientCertificateCure {
		t.Errorf("%+v", f)
	}
}

func TestSlowHandshake(t *testing.T) {
	t.Parallel()
	o := start(t, func(r request) string { <-r.gone; return "" }).options() // waits for a request in vain
	o.URL, o.Timeout = "https://"+host+"/a", time.Second
	o.Dial = hanging(t)
	report := examine(t, o)
	only(t, report, Fail, ruleSNI)
	if f := finding(report, ruleSNI); strings.Contains(f.Cure, "http://") || !strings.Contains(f.Cure, "busy server") {
		t.Errorf("%+v", f)
	}
}

// hanging dials a server that takes connections and says nothing.
func hanging(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
	}
}

// TestEveryAddressHasItsCertificate: OSS may pick any of them.
func TestEveryAddressHasItsCertificate(t *testing.T) {
	good, roots := cert(t, host, time.Now().Add(90*24*time.Hour))
	expired, _ := cert(t, host, time.Now().Add(-time.Hour))
	roots.AddCert(expired.Leaf)
	one := start(t, correct, trustOSS, secured(&tls.Config{Certificates: []tls.Certificate{good}}))
	other := start(t, correct, trustOSS, secured(&tls.Config{Certificates: []tls.Certificate{expired}}))
	for _, bad := range []string{"8.8.8.8:443", "8.8.4.4:443"} {
		o := one.options()
		o.URL, o.RootCAs = "https://"+host+"/a", roots
		o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("8.8.4.4")}, nil
		}
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			to := one
			if address == bad {
				to = other
			}
			return new(net.Dialer).DialContext(ctx, network, to.listener.Addr().String())
		}
		report := examine(t, o)
		only(t, report, Fail, ruleSNI)
		only(t, report, Skip)
		if f := finding(report, ruleSNI); !strings.Contains(f.Detail, bad+": ") || !strings.Contains(f.Cure, "renew") {
			t.Errorf("%+v", f)
		}
	}
}
