package osssim

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Exchange is one callback: what was sent, what came back, and what OSS makes of it.
type Exchange struct {
	RequestID string // id of the upload
	Bucket    string
	Object    string // key
	URL       string // the URL of the list that was called
	Request   []byte // every byte sent, head and body
	Status    int    // 0 if there was no reply
	Header    http.Header
	Body      []byte // at most 1 MiB + 1 byte of it
	Elapsed   time.Duration
	Verdict   Verdict
}

// callBack calls the targets in order until one succeeds and returns the last exchange.
func (s *Server) callBack(c *call, o Object, p *callbackParams) Exchange {
	last := Exchange{RequestID: c.id, Bucket: o.Bucket, Object: o.Key}
	fault, faulty := s.faults.take("Callback", o.Key)
	if fault.Vanish {
		s.store.delete(o.Bucket, o.Key)
	}
	vars, verdict := s.variables(c, o, p)
	if !verdict.OK {
		last.Verdict = verdict
		return last
	}
	body := substitute(p.template, vars, p.bodyType, s.cfg.Behaviour)

	ctx, cancel := context.WithTimeout(s.base, s.cfg.CallbackTimeout)
	defer cancel()
	if !wait(ctx, fault.Delay) {
		last.Verdict = timedOut(s.cfg.Behaviour, p.targets[0].dial, s.cfg.CallbackTimeout, s.cfg.CallbackTimeout)
		return last
	}
	if faulty && !fault.onlyDelays() {
		last.Verdict = overruled(fault)
		return last
	}
	leave, ok := s.enterCallback()
	if !ok {
		last.Verdict = tooManyCallbacks()
		return last
	}
	defer leave()
	for _, t := range p.targets {
		if s.cfg.Behaviour.TimeoutPerURL {
			cancel()
			ctx, cancel = context.WithTimeout(s.base, s.cfg.CallbackTimeout)
			defer cancel()
		}
		last.URL = t.raw
		last.Request = s.render(c, o, p, t, body)
		s.exchange(ctx, t, p.sni, &last)
		s.cfg.Logger.Info("callback", "bucket", o.Bucket, "object", o.Key, "request_id", c.id, "status", last.Status, "ok", last.Verdict.OK,
			"ec", last.Verdict.EC, "ms", last.Elapsed.Milliseconds())
		if s.cfg.OnCallback != nil {
			s.cfg.OnCallback(last)
		}
		if last.Verdict.OK || (spent(ctx) && !s.cfg.Behaviour.TimeoutPerURL) {
			break
		}
	}
	return last
}

// enterCallback takes one of the places for open callbacks; ok is false if there is none.
func (s *Server) enterCallback() (leave func(), ok bool) {
	if s.places == nil {
		return func() {}, true
	}
	select {
	case s.places <- struct{}{}:
		return func() { <-s.places }, true
	default:
		return nil, false
	}
}

// spent tells whether ctx's time is over. A connection's deadline may fire just before the context, which has the same one, notices.
func spent(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || (ok && !time.Now().Before(deadline))
}

// render builds the bytes of one callback request.
func (s *Server) render(c *call, o Object, p *callbackParams, t target, body []byte) []byte {
	path := t.url.EscapedPath()
	if path == "" {
		path = "/"
	}
	requestURI, hasQuery := path, t.url.RawQuery != ""
	if hasQuery {
		requestURI += "?" + t.url.RawQuery
	}
	host := p.host
	if host == "" {
		host = t.url.Host
	}
	proto := "HTTP/1.1"
	if s.cfg.Behaviour.HTTP10 {
		proto = "HTTP/1.0"
	}
	header := s.signer.Headers(path, t.url.RawQuery, hasQuery, body,
		CallbackMeta{Bucket: o.Bucket, RequestID: c.id, ContentType: p.bodyType, Date: c.now})
	for name, value := range p.headers {
		if header.Get(name) == "" && http.CanonicalHeaderKey(name) != "Host" {
			header.Set(name, value)
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "POST %s %s\r\nHost: %s\r\n", requestURI, proto, host)
	_ = header.Write(&out) // a buffer never fails
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}

// exchange sends x.Request to t, reads the reply and judges it. Redirects are judged, not followed.
func (s *Server) exchange(ctx context.Context, t target, sni bool, x *Exchange) {
	x.Status, x.Header, x.Body = 0, nil, nil
	start := time.Now()
	defer func() { x.Elapsed = time.Since(start) }()

	conn, err := s.connect(ctx, t, sni)
	if err != nil {
		x.Verdict = unreachable()
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // AfterFunc stands in should it fail
	}
	// An endpoint may answer without reading everything, so a failed write is not the end.
	_, _ = conn.Write(x.Request)

	reply, err := readReply(conn, s.cfg.Behaviour)
	x.Status, x.Header, x.Body = reply.status, reply.header, reply.body
	switch {
	case err == nil:
		x.Verdict = s.cfg.Behaviour.Judge(reply.status, reply.header, reply.body)
	case reply.refused != nil:
		x.Verdict = *reply.refused
	case errors.Is(err, os.ErrDeadlineExceeded) || spent(ctx):
		x.Verdict = timedOut(s.cfg.Behaviour, t.dial, time.Since(start), s.cfg.CallbackTimeout)
	default:
		x.Verdict = unreachable()
	}
}

// connect dials t, with TLS for https. The server name goes out only if sni says so, as callbackSNI does; the certificate is checked
// against the URL's host either way.
func (s *Server) connect(ctx context.Context, t target, sni bool) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.dial)
	if err != nil || t.url.Scheme != "https" {
		return conn, err
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // because it needs a ServerName; VerifyConnection does the whole check instead
		VerifyConnection: func(state tls.ConnectionState) error {
			options := x509.VerifyOptions{Roots: s.cfg.RootCAs, DNSName: t.url.Hostname(), Intermediates: x509.NewCertPool()}
			for _, cert := range state.PeerCertificates[1:] {
				options.Intermediates.AddCert(cert)
			}
			_, err := state.PeerCertificates[0].Verify(options)
			return err
		},
	}
	if sni {
		config.ServerName = t.url.Hostname()
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}
