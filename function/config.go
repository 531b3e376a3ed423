package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"oss-callback/function/callback"
	"oss-callback/function/endpoint"
	"oss-callback/queue/settings"
)

// config is all that the environment can say; README.md explains each. An empty variable counts as unset.
type config struct {
	settings.OSS
	settings.NSQ
	settings.Log

	Budget       time.Duration `env:"CALLBACK_BUDGET" envDefault:"3500ms"`
	TokenSecret  string        `env:"CALLBACK_TOKEN_SECRET"` // the new one and, during rotation, the old one
	PublicKey    pemText       `env:"OSS_CALLBACK_PUBLIC_KEY"`
	RequireImage bool          `env:"REQUIRE_IMAGE" envDefault:"false"`

	Outbox       endpoint.OutboxMode `env:"OUTBOX" envDefault:"on-failure"`
	OutboxPrefix string              `env:"OUTBOX_PREFIX" envDefault:".outbox/"`

	// The web door. Function Compute needs every interface; LISTEN_HOST narrows that behind a proxy on the same machine.
	Host string `env:"LISTEN_HOST"`
	Port string `env:"FC_CUSTOM_LISTEN_PORT" envDefault:"9000"`
}

const (
	minBudget = time.Second
	maxBudget = 4500 * time.Millisecond // OSS hangs up after 5 s

	defaultPort = "9000" // as in the tag above
)

// readConfig names every variable that is missing or wrong. What it returns with an error is good enough to log and to listen.
func readConfig() (config, error) {
	c, err := settings.Parse[config]()
	faults := []error{err, c.OSS.Check(), settings.CheckAddrs("NSQD_ADDRS", c.NSQ.Addrs)}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(c.NSQ.Addrs) == 0 {
		fault("NSQD_ADDRS is missing")
	}
	if err == nil && (c.Budget < minBudget || c.Budget > maxBudget) {
		fault("CALLBACK_BUDGET: %v is not within %v to %v; OSS hangs up after 5s", c.Budget, minBudget, maxBudget)
	}
	secrets := c.tokenSecrets()
	if c.TokenSecret != "" && len(secrets) == 0 || len(secrets) > 2 { // set, but to nothing: certainly not meant to turn tokens off
		fault("CALLBACK_TOKEN_SECRET holds %d secrets: set one, or new,old during rotation", len(secrets))
	}
	for _, secret := range secrets {
		if len(secret) < callback.MinSecret {
			fault("CALLBACK_TOKEN_SECRET: a secret of %d bytes is too short, %d are needed", len(secret), callback.MinSecret)
		}
	}
	if port, err := strconv.ParseUint(c.Port, 10, 16); err != nil || port == 0 {
		fault("FC_CUSTOM_LISTEN_PORT: %.16q is no port", c.Port)
		c.Port = defaultPort
	}
	return c, errors.Join(faults...)
}

func (c config) addr() string { return net.JoinHostPort(c.Host, c.Port) }

func (c config) tokenSecrets() [][]byte {
	var secrets [][]byte
	for part := range strings.SplitSeq(c.TokenSecret, ",") {
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
	s := strings.TrimSpace(string(text))
	if s != "" && !strings.HasPrefix(s, "-----BEGIN") {
		decoded, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return errors.New("neither PEM nor base64 of one")
		}
		s = string(decoded)
	}
	*p = pemText(s)
	return nil
}
