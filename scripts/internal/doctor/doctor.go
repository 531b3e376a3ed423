// Package doctor acts as OSS towards a live callback endpoint and judges it by the rules that OSS has for one, and by what is
// known to go wrong: how it is reached, what it answers, how fast, and whether it verifies signatures.
//
// It shares no code with the function: requests are written, and replies are read, as bytes on a socket, so that nothing is tidied
// up on the way.
package doctor

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// What Options' zero values stand for.
const (
	DefaultTries   = 3
	DefaultTimeout = 5 * time.Second // what OSS waits, all in all
)

// MaxTries bounds Options.Tries, because endpoints are live.
const MaxTries = 10

// ErrInput is wrapped by every error about what Examine was given.
var ErrInput = errors.New("doctor")

// Options say what to examine and with which means. Only URL is required.
type Options struct {
	URL string // the callbackUrl, with its token if it has one

	// Key is an RSA private key in PEM (PKCS #8 or PKCS #1, 512 bits or more) whose public half the endpoint trusts in place of
	// OSS's: callbacks are signed with it, and must be accepted. They say that Object was uploaded to Bucket, which is required then;
	// Object may be empty.
	Key            []byte
	Bucket, Object string

	// Capture is a genuine callback as it arrived at the endpoint: request line, header, empty line, body. It is sent again as it is,
	// but for Host, Connection and Content-Length. Not together with Key.
	Capture []byte

	// AllowPrivate is for the endpoint of a simulator, which may be on this machine.
	AllowPrivate bool

	Tries   int           // callbacks after the first that are timed; 0 is DefaultTries, at most MaxTries
	Timeout time.Duration // for connecting and the whole answer together; 0 is DefaultTimeout

	// The rest is for tests; zero values are the system's own.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	RootCAs *x509.CertPool
}

// Examine judges an endpoint. It makes at most 13 requests and Options.Tries more, one after the other, and takes no longer than the
// Timeout for each. The report has a finding for every rule, in their order; one that cannot be judged says why. The error is about
// unusable input and wraps ErrInput, or is that of ctx. Examine may be called concurrently.
func Examine(ctx context.Context, o Options) (Report, error) {
	e, err := newExam(o)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	for _, step := range []func(context.Context) bool{e.form, e.reach, e.secure, e.talk} {
		if !step(ctx) {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	return Report{URL: e.target.shown(), Findings: e.all(e.clean)}, nil
}

// exam is one examination. Its steps write their findings on the sheet and return false where going on makes no sense.
type exam struct {
	Options
	sheet
	target  target
	key     *rsa.PrivateKey
	capture *capture
	sender  sender

	addresses []string // ip:port that take connections
	address   string   // the one of them that is talked to

	linger   bool  // exchanges wait for the end of the connection
	sent     int   // requests
	passed   bool  // the first callback got an answer that is no breakdown
	controls int   // requests that only told a limit from a fault
	limit    error // why nothing more is sent
}

func newExam(o Options) (*exam, error) {
	if o.URL == "" {
		return nil, errors.New("the callback URL is missing")
	}
	if o.Tries == 0 {
		o.Tries = DefaultTries
	}
	if o.Tries < 0 || o.Tries > MaxTries {
		return nil, fmt.Errorf("%d tries are not between 1 and %d", o.Tries, MaxTries)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	e := &exam{Options: o, target: parseTarget(o.URL), linger: true}
	return e, e.readMeans()
}

// clean takes out of a detail what the endpoint may have echoed of our secrets, and what would steer a terminal.
func (e *exam) clean(detail string) string {
	detail = e.target.redact(detail)
	if e.capture != nil {
		detail = hide(detail, e.capture.authorization, "(authorization)")
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, detail)
}

// readMeans reads the key or the capture, if there is one.
func (e *exam) readMeans() (err error) {
	switch {
	case e.Key != nil && e.Capture != nil:
		return errors.New("a key and a capture exclude each other: give one")
	case e.Key != nil && e.Bucket == "":
		return errors.New("a key needs a bucket, one that the endpoint accepts")
	case e.Key != nil:
		e.key, err = parseKey(e.Key)
	case e.Capture != nil:
		e.capture, err = parseCapture(e.Capture)
		if err == nil && e.target.url != nil {
			err = e.capture.fits(e.target)
		}
	}
	e.sender = newSender(e.target, e.Bucket, e.Object)
	return err
}
