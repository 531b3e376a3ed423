package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/nsqio/go-nsq"
)

const (
	// heartbeat is what we ask of nsqd; it hangs up after two missed ones. Publishers and consumers are dropped and connect
	// anew, so a short one costs little and finds dead peers soon.
	heartbeat = 15 * time.Second
	// readTimeout bounds the wait for the answer to IDENTIFY and for the next heartbeat. go-nsq asks that it exceed heartbeat.
	readTimeout = 20 * time.Second
	dialTimeout = time.Second
)

// ErrNoTLS is returned by Consumer.Run, and inside ErrUnavailable by a Publisher, when TLS is asked for and an nsqd does not offer it.
var ErrNoTLS = errors.New("queue: nsqd offers no TLS: start it with --tls-cert and --tls-key, or unset NSQ_TLS")

// Conn says how to talk to nsqd. The zero value is plain TCP without authentication, for a private network.
type Conn struct {
	TLS        bool   // verified against the system's roots; SSL_CERT_FILE names a private CA
	AuthSecret string // sent with AUTH when nsqd asks for it; by a Consumer with LookupdAddrs also before it can see that TLS is refused
}

func (c Conn) config() *nsq.Config {
	conf := nsq.NewConfig()
	conf.UserAgent = "oss-callback go-nsq/" + nsq.VERSION
	conf.HeartbeatInterval = heartbeat
	conf.ReadTimeout = readTimeout
	conf.DialTimeout = dialTimeout
	conf.AuthSecret = c.AuthSecret
	if c.TLS {
		conf.TlsV1 = true
		conf.TlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return conf
}

// checkTLS asks an nsqd for TLS, on a connection of its own. It returns ErrNoTLS, or what kept it from asking.
func (c Conn) checkTLS(ctx context.Context, addr string, log logAdapter) error {
	l := newLink(addr, c, log)
	defer l.fail(ErrClosed)
	select {
	case <-l.ready:
	case <-ctx.Done():
		return fmt.Errorf("connecting: %w", ctx.Err())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// checkAddrs refuses what would only fail at the first dial, hours later.
func checkAddrs(addrs []string) error {
	for _, addr := range addrs {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return fmt.Errorf("queue: %q is no host:port address", addr)
		}
	}
	return nil
}

// logAdapter gives go-nsq's lines to slog, at one level.
type logAdapter struct {
	log   *slog.Logger
	level slog.Level
}

// nsqLogger is for lines that repeat what our own errors say, hence debug.
func nsqLogger(l *slog.Logger) logAdapter {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return logAdapter{l, slog.LevelDebug}
}

// Output implements go-nsq's logger.
func (a logAdapter) Output(_ int, line string) error {
	a.log.LogAttrs(context.Background(), a.level, "go-nsq", slog.String("line", strings.TrimSpace(line)))
	return nil
}
