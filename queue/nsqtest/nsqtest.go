// Package nsqtest runs a real nsqd inside the process, for tests and local tools. Shipped binaries never import it.
//
// It runs with messages on disk and a sync for each of them, as everything this project starts or ships does
// (--mem-queue-size=0 --sync-every=1), and listens on loopback only.
package nsqtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/nsqio/nsq/nsqd"
)

const (
	anyPort      = "127.0.0.1:0"
	startTimeout = 10 * time.Second
)

// Options configures Start.
type Options struct {
	Dir      string       // where messages live; it must exist. Required
	TCPAddr  string       // host:port on loopback; default 127.0.0.1:0, any free port
	HTTPAddr string       // the same
	Logger   *slog.Logger // nsqd's own lines, at debug; nil discards them

	Configure func(*nsqd.Options) // sets what else there is: TLS, auth, nsqlookupd; may be nil
}

// NSQD is a running nsqd. Its methods are safe for concurrent use, except Stop and Restart.
type NSQD struct {
	Client
	opts   Options // with the ports that were chosen
	daemon *nsqd.NSQD
	done   chan error
}

// Start starts an nsqd that keeps its data in o.Dir and returns when it answers. The caller stops it.
func Start(o Options) (*NSQD, error) {
	if o.Dir == "" {
		return nil, errors.New("nsqtest: Options.Dir is required")
	}
	if o.TCPAddr == "" {
		o.TCPAddr = anyPort
	}
	if o.HTTPAddr == "" {
		o.HTTPAddr = anyPort
	}
	for _, addr := range []string{o.TCPAddr, o.HTTPAddr} {
		host, _, err := net.SplitHostPort(addr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return nil, fmt.Errorf("nsqtest: %q is no loopback ip:port", addr)
		}
	}
	n := &NSQD{opts: o}
	if err := n.start(); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *NSQD) start() error {
	conf := nsqd.NewOptions()
	conf.DataPath = n.opts.Dir
	conf.TCPAddress, conf.HTTPAddress = n.opts.TCPAddr, n.opts.HTTPAddr
	conf.BroadcastAddress, conf.HTTPSAddress = "127.0.0.1", anyPort // HTTPS only if Configure sets a certificate
	conf.MemQueueSize, conf.SyncEvery = 0, 1
	// nsqd looks for channels every 5 s and for due messages every 100 ms: too slow for whoever waits for a short delay.
	conf.QueueScanRefreshInterval = 50 * time.Millisecond
	conf.QueueScanInterval = 10 * time.Millisecond
	conf.Logger = logger{n.opts.Logger}
	if n.opts.Configure != nil {
		n.opts.Configure(conf)
	}

	daemon, err := nsqd.New(conf)
	if err != nil {
		return fmt.Errorf("nsqtest: %w", err)
	}
	n.daemon, n.done = daemon, make(chan error, 1)
	n.opts.TCPAddr, n.opts.HTTPAddr = daemon.RealTCPAddr().String(), daemon.RealHTTPAddr().String()
	n.Client = NewClient(n.opts.TCPAddr, n.opts.HTTPAddr)
	loadErr := errors.Join(daemon.LoadMetadata(), daemon.PersistMetadata())
	go func() { n.done <- daemon.Main() }()

	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	// Even a failed start waits for Main to serve: nsqd's Exit must not overtake it.
	if err := errors.Join(n.Ping(ctx), loadErr); err != nil {
		n.Stop()
		return fmt.Errorf("nsqtest: start: %w", err)
	}
	return nil
}

// Stop ends nsqd as SIGTERM does and returns when all messages are on disk. It may be called again.
func (n *NSQD) Stop() {
	n.daemon.Exit()
	if n.done != nil {
		<-n.done
		n.done = nil
	}
}

// Restart stops nsqd, if it runs, and starts it on the same ports with the same data.
func (n *NSQD) Restart() error {
	n.Stop()
	return n.start()
}

type logger struct{ log *slog.Logger }

func (l logger) Output(_ int, line string) error {
	if l.log != nil {
		l.log.Debug("nsqd", "line", strings.TrimSpace(line))
	}
	return nil
}

// TB is the part of testing.TB that New needs, so that tools may import this package without the flags of package testing.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// New starts an nsqd for one test and stops it at the test's end. Each configure may set options that Start does not.
func New(t TB, configure ...func(*nsqd.Options)) *NSQD {
	t.Helper()
	n, err := Start(Options{Dir: t.TempDir(), Configure: func(o *nsqd.Options) {
		for _, set := range configure {
			set(o)
		}
	}})
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	t.Cleanup(n.Stop)
	return n
}
