package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// expirySoon is how long before its end a certificate is warned about.
const expirySoon = 14 * 24 * time.Hour

// errCertificate marks failures of the certificate; everything else broke the handshake itself.
var errCertificate = errors.New("certificate")

// secure judges TLS with the server's name in the handshake, as callbackSNI true makes OSS send it, and without.
func (e *exam) secure(ctx context.Context) bool {
	if e.target.url.Scheme != "https" {
		e.skip(ruleSNI, "plain http")
		e.skip(ruleNoSNI, "plain http")
		return true
	}
	began := time.Now()
	state, err := e.handshake(ctx, true)
	if err != nil {
		e.fail(ruleSNI, plain(err), tlsCure(err))
		return e.stop("there is no secure connection: see " + ruleSNI)
	}
	e.judgeCertificate(state, time.Since(began))
	if _, err := e.handshake(ctx, false); err != nil {
		e.warn(ruleNoSNI, "fails without the server's name: "+plain(err),
			"have \"callbackSNI\": true, a JSON boolean, in the callback parameters, as `go run ./scripts params` makes them")
	} else {
		e.pass(ruleNoSNI, "valid too")
	}
	return true
}

func (e *exam) judgeCertificate(state tls.ConnectionState, took time.Duration) {
	leaf := state.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	detail := fmt.Sprintf("%s in %d ms, certificate by %s for another %d days", tls.VersionName(state.Version), took.Milliseconds(),
		leaf.Issuer.CommonName, int(left.Hours()/24))
	if left < expirySoon {
		e.warn(ruleSNI, detail, "renew it: OSS cannot connect from the day it ends")
		return
	}
	e.pass(ruleSNI, detail)
}

func (e *exam) handshake(ctx context.Context, sni bool) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	conn, err := e.connect(ctx, sni)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState(), nil
}

// connect opens a connection to the endpoint, with TLS for https.
func (e *exam) connect(ctx context.Context, sni bool) (net.Conn, error) {
	conn, err := e.Dial(ctx, "tcp", e.address)
	if err != nil || e.target.url.Scheme != "https" {
		return conn, err
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // because it needs a ServerName; VerifyConnection does the whole check instead
		VerifyConnection:   e.verify,
	}
	if sni {
		config.ServerName = e.target.url.Hostname()
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

func (e *exam) verify(state tls.ConnectionState) error {
	options := x509.VerifyOptions{Roots: e.RootCAs, DNSName: e.target.url.Hostname(), Intermediates: x509.NewCertPool()}
	for _, cert := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	if _, err := state.PeerCertificates[0].Verify(options); err != nil {
		return fmt.Errorf("%w: %w", errCertificate, err)
	}
	return nil
}

func tlsCure(err error) string {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, isHost := errors.AsType[x509.HostnameError](err)
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case isInvalid && invalid.Reason == x509.Expired:
		return "renew the certificate, or set the clock that made it"
	case isHost:
		return "get a certificate for this host name, or use the name that it is for"
	case isUnknown:
		return "have the server send the intermediate certificates too, and use one that public authorities signed; a self-signed one does not do"
	case errors.Is(err, errCertificate):
		return "replace the certificate"
	default:
		return "check that this port speaks TLS 1.2 or 1.3 and knows this host name; for plain HTTP use http://"
	}
}
