// Package osssim plays Object Storage Service (OSS) on one loopback port: it checks request signatures, stores objects in memory,
// answers image/info, sends signed upload callbacks and judges the answers with the messages and EC codes of the cloud. It is meant for
// tests and local tools, speaks the real protocol, and is reached by any OSS SDK through its ordinary endpoint setting.
//
// It shares no code with the verifier of the callback endpoint, on purpose: both are tied to genuine signatures of OSS instead of to
// each other.
//
// Where the public documentation is silent or contradicts itself, Behaviour holds a switch, and its zero value the likelier reading.
package osssim

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says what is simulated. AccessKeyID, AccessKeySecret and Buckets are required; everything else has a default.
type Config struct {
	Listen          string // default "127.0.0.1:0"; anything but a loopback IP and a port is refused
	Region          string // default "cn-hangzhou"; V4 signatures must name it
	AccessKeyID     string // the one key that may sign requests
	AccessKeySecret string
	Buckets         []string // at least one

	// PublicHosts are the host:port pairs of callback endpoints that count as public although they are loopback or private. OSS calls
	// back public addresses only; the simulator refuses all others with the same error.
	PublicHosts []string
	// OnCallback is called after each callback with what was sent, what came back and the verdict, before the uploader gets its
	// answer. It may be called concurrently and may be nil.
	OnCallback func(Exchange)
	// Logger gets one debug line per request and one info line per callback, without bodies or credentials; nil discards.
	Logger *slog.Logger
	// Now is the clock that signatures, policies and dates are checked against; nil is time.Now.
	Now func() time.Time
	// CallbackTimeout is the time a callback may take altogether; 0 is OSS's 5 s.
	CallbackTimeout time.Duration
	// MaxCallbacks is how many callbacks may be open at once; more are refused with "Too many callback requests." 0 is no limit. OSS's own
	// is not public.
	MaxCallbacks int
	// MaxObject caps the bytes of one object, however it is uploaded, because everything lives in memory; 0 is 64 MiB. OSS itself takes
	// 5 GB per request.
	MaxObject int64
	// Resolve turns the host name of a callbackUrl into IPv4 addresses; nil asks the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// RootCAs are the authorities that https callback endpoints must chain to; nil is the system's set.
	RootCAs *x509.CertPool
	// Behaviour decides the points that the documentation leaves open.
	Behaviour Behaviour
}

// Server is a running simulation. All methods are safe for concurrent use.
type Server struct {
	cfg      Config
	signer   *Signer
	store    *store
	faults   faults
	settings settings
	places   chan struct{} // for open callbacks; nil: any number
	listener net.Listener
	http     *http.Server

	base   context.Context // ends at Close
	cancel context.CancelFunc
	active sync.WaitGroup

	mu     sync.RWMutex
	closed bool
	public map[string]bool
}

// Start checks cfg, generates the key that signs callbacks and listens. The error names the setting that is wrong. The caller must Close
// the server.
func Start(cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("osssim: %w", err)
	}
	signer, err := NewSigner()
	if err != nil {
		return nil, fmt.Errorf("osssim: %w", err)
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("osssim: Listen: %w", err)
	}
	s := &Server{cfg: cfg, signer: signer, store: newStore(cfg.Buckets), listener: listener, public: map[string]bool{}}
	if cfg.MaxCallbacks > 0 {
		s.places = make(chan struct{}, cfg.MaxCallbacks)
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	for _, hostport := range cfg.PublicHosts {
		s.AllowPublic(hostport)
	}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cfg.Logger.Error("osssim stopped serving", "error", err)
		}
	}()
	return s, nil
}

func (c *Config) complete() error {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	addr, err := netip.ParseAddrPort(c.Listen)
	if err != nil || !addr.Addr().IsLoopback() {
		return fmt.Errorf("Listen: %q is not a loopback IP and a port", c.Listen)
	}
	if c.AccessKeyID == "" || strings.ContainsAny(c.AccessKeyID, ":/") {
		return errors.New("AccessKeyID: must be set and hold neither ':' nor '/'")
	}
	if c.AccessKeySecret == "" {
		return errors.New("AccessKeySecret: must be set")
	}
	if len(c.Buckets) == 0 {
		return errors.New("Buckets: at least one is needed")
	}
	for _, bucket := range c.Buckets {
		if !validBucket(bucket) {
			return fmt.Errorf("Buckets: %q is not a bucket name (3 to 63 of a-z, 0-9 and '-', no '-' at the ends)", bucket)
		}
	}
	for _, hostport := range c.PublicHosts {
		if _, port, err := net.SplitHostPort(hostport); err != nil || !validPort(port) {
			return fmt.Errorf("PublicHosts: %q is not host:port", hostport)
		}
	}
	if c.CallbackTimeout < 0 {
		return fmt.Errorf("CallbackTimeout: %v is negative", c.CallbackTimeout)
	}
	if c.CallbackTimeout == 0 {
		c.CallbackTimeout = 5 * time.Second
	}
	if c.MaxCallbacks < 0 {
		return fmt.Errorf("MaxCallbacks: %d is negative", c.MaxCallbacks)
	}
	if c.MaxObject < 0 {
		return fmt.Errorf("MaxObject: %d is negative", c.MaxObject)
	}
	if c.MaxObject == 0 {
		c.MaxObject = 64 << 20
	}
	if c.Region == "" {
		c.Region = "cn-hangzhou"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		}
	}
	return nil
}

// Endpoint is the address to give to an OSS client, for example "http://127.0.0.1:41234".
func (s *Server) Endpoint() string { return "http://" + s.listener.Addr().String() }

// PublicKeyPEM is the PKIX PEM of the RSA-512 key that signs this server's callbacks. It is generated at Start and never stored.
func (s *Server) PublicKeyPEM() string { return s.signer.PublicKeyPEM() }

// PrivateKeyPEM is the PKCS #8 PEM of the key that belongs to PublicKeyPEM, for tools on this machine that shall sign as this server does.
func (s *Server) PrivateKeyPEM() string { return s.signer.PrivateKeyPEM() }

// AllowPublic lets callbacks go to hostport ("127.0.0.1:8080") as if it were a public address.
func (s *Server) AllowPublic(hostport string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public[strings.ToLower(hostport)] = true
}

func (s *Server) isPublicHost(hostport string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.public[strings.ToLower(hostport)]
}

// Close stops listening, breaks open connections and callbacks, and returns when no request is being served any more. OnCallback is not
// called after it has returned. Do not call it from OnCallback.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	err := s.http.Close()
	s.active.Wait()
	return err
}

// enter registers a request, so that Close can wait for it; false means that the server is closing.
func (s *Server) enter() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.active.Add(1)
	return true
}

func validBucket(name string) bool {
	return len(name) >= 3 && len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" &&
		name[0] != '-' && name[len(name)-1] != '-'
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
