package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
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
	if !e.secureAll(ctx) {
		return e.stop("there is no secure connection: see " + ruleSNI)
	}
	if _, err := e.handshake(ctx, e.address, false); err != nil {
		e.warn(ruleNoSNI, "fails without the server's name: "+plain(err),
			"have \"callbackSNI\": true, a JSON boolean, in the callback parameters, as `go run ./scripts params` makes them")
	} else {
		e.pass(ruleNoSNI, "valid too")
	}
	return true
}

// secureAll shakes hands with every address that takes connections, for OSS may pick any, and keeps the first that can be talked to.
func (e *exam) secureAll(ctx context.Context) bool {
	var good []string
	for _, address := range e.addresses {
		began := time.Now()
		state, err := e.handshake(ctx, address, true)
		if err != nil {
			detail := plain(err)
			if len(e.addresses) > 1 {
				detail = address + ": " + detail
			}
			e.fail(ruleSNI, detail, tlsCure(err))
			continue
		}
		good = append(good, address)
		e.judgeCertificate(state, time.Since(began))
	}
	if len(good) == 0 {
		return false
	}
	e.address = good[0]
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

func (e *exam) handshake(ctx context.Context, address string, sni bool) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	conn, err := e.connect(ctx, address, sni)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState(), nil
}

// connect opens a connection to an address of the endpoint, with TLS for https.
func (e *exam) connect(ctx context.Context, address string, sni bool) (net.Conn, error) {
	conn, err := e.Dial(ctx, "tcp", address)
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

const clientCertificateCure = "do not demand a client certificate on this path: OSS has none"

// remoteAlert is what the other side said when it ended TLS.
func remoteAlert(err error) (*net.OpError, bool) {
	alert, ok := errors.AsType[*net.OpError](err)
	return alert, ok && alert.Op == "remote error"
}

func tlsCure(err error) string {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, isHost := errors.AsType[x509.HostnameError](err)
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	alert, isAlert := remoteAlert(err)
	switch {
	case isInvalid && invalid.Reason == x509.Expired:
		return "renew the certificate, or set the clock that made it"
	case isHost:
		return "get a certificate for this host name, or use the name that it is for"
	case isUnknown:
		return "have the server send the intermediate certificates too, and use one that public authorities signed; a self-signed one does not do"
	case errors.Is(err, errCertificate):
		return "replace the certificate"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "have the handshake done in a fraction of a second: look for a busy server, or a proxy or firewall that holds connections up"
	case isAlert && strings.Contains(alert.Error(), "certificate"):
		return clientCertificateCure
	default:
		return "check that this port speaks TLS 1.2 or 1.3, knows this host name and demands no client certificate; for plain HTTP use http://"
	}
}
