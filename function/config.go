package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"oss-callback/function/imageinfo"
)

// settings is all that the environment can say; README.md explains each. An empty variable counts as unset.
type settings struct {
	OSSEndpoint string        `env:"OSS_ENDPOINT,notEmpty"`
	OSSRegion   string        `env:"OSS_REGION"`
	FCRegion    string        `env:"FC_REGION"`
	Buckets     []string      `env:"ALLOWED_BUCKETS,notEmpty"`
	NSQDAddrs   []string      `env:"NSQD_ADDRS,notEmpty"`
	Topic       string        `env:"NSQ_TOPIC" envDefault:"oss_upload"`
	TLS         bool          `env:"NSQ_TLS" envDefault:"false"`
	AuthSecret  string        `env:"NSQ_AUTH_SECRET"`
	Budget      time.Duration `env:"CALLBACK_BUDGET" envDefault:"3500ms"`
	TokenSecret string        `env:"CALLBACK_TOKEN_SECRET"`
	PublicKey   pemText       `env:"OSS_CALLBACK_PUBLIC_KEY"`

	RequireImage bool       `env:"REQUIRE_IMAGE" envDefault:"false"`
	LogLevel     slog.Level `env:"LOG_LEVEL" envDefault:"info"`

	AccessKeyID     string `env:"ALIBABA_CLOUD_ACCESS_KEY_ID"`
	AccessKeySecret string `env:"ALIBABA_CLOUD_ACCESS_KEY_SECRET"`
	SecurityToken   string `env:"ALIBABA_CLOUD_SECURITY_TOKEN"`

	Host string `env:"LISTEN_HOST"` // the web door's interface; empty for all, as Function Compute needs it
	Port string `env:"FC_CUSTOM_LISTEN_PORT" envDefault:"9000"`
}

const (
	minBudget = time.Second
	maxBudget = 4500 * time.Millisecond // OSS hangs up after 5 s
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// readSettings names every variable that is missing or wrong. The settings it returns with an error are good enough to log and
// to listen with.
func readSettings() (settings, error) {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return s, err
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if s.Budget < minBudget || s.Budget > maxBudget {
		fault("CALLBACK_BUDGET is %v: it must be from %v to %v, OSS hangs up after 5s", s.Budget, minBudget, maxBudget)
	}
	for i, name := range s.Buckets {
		if s.Buckets[i] = strings.TrimSpace(name); !bucketName.MatchString(s.Buckets[i]) {
			fault("ALLOWED_BUCKETS holds %q, which is no bucket name", name)
		}
	}
	for i, addr := range s.NSQDAddrs {
		s.NSQDAddrs[i] = strings.TrimSpace(addr)
		if _, _, err := net.SplitHostPort(s.NSQDAddrs[i]); err != nil {
			fault("NSQD_ADDRS holds %q: it must be host:port, nsqd's TCP port is 4150", addr)
		}
	}
	if s.OSSRegion == "" {
		s.OSSRegion = s.FCRegion
	}
	if s.OSSRegion == "" {
		s.OSSRegion = imageinfo.RegionOf(s.OSSEndpoint)
	}
	if s.OSSRegion = strings.TrimPrefix(s.OSSRegion, "oss-"); s.OSSRegion == "" {
		fault("OSS_REGION is needed: OSS_ENDPOINT %q does not tell it", s.OSSEndpoint)
	}
	return s, errors.Join(faults...)
}

func (s settings) addr() string {
	if s.Port == "" {
		s.Port = "9000"
	}
	return net.JoinHostPort(s.Host, s.Port)
}

// tokenSecrets are the new secret and, during rotation, the old one.
func (s settings) tokenSecrets() [][]byte {
	var secrets [][]byte
	for part := range strings.SplitSeq(s.TokenSecret, ",") {
		if part = strings.TrimSpace(part); part != "" {
			secrets = append(secrets, []byte(part))
		}
	}
	return secrets
}

// pemText is PEM as it is, or in base64 for tools that cannot carry line breaks.
type pemText []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *pemText) UnmarshalText(text []byte) error {
	if len(text) > 0 && !strings.HasPrefix(strings.TrimSpace(string(text)), "-----BEGIN") {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			return errors.New("OSS_CALLBACK_PUBLIC_KEY is neither PEM nor base64 of one")
		}
		text = decoded
	}
	*p = append((*p)[:0:0], text...)
	return nil
}
