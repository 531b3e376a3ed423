package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

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

	// The web door. Function Compute needs every interface; LISTEN_HOST narrows that behind a proxy on the same machine.
	Host string `env:"LISTEN_HOST"`
	Port string `env:"FC_CUSTOM_LISTEN_PORT" envDefault:"9000"`
}

const (
	minBudget = time.Second
	maxBudget = 4500 * time.Millisecond // OSS hangs up after 5 s
)

// readConfig names every variable that is missing or wrong. What it returns with an error is good enough to log and to listen.
func readConfig() (config, error) {
	c, err := settings.Parse[config]()
	if err != nil {
		return c, err
	}
	faults := []error{c.OSS.Check(), settings.CheckAddrs("NSQD_ADDRS", c.NSQ.Addrs)}
	if len(c.NSQ.Addrs) == 0 {
		faults = append(faults, errors.New("NSQD_ADDRS is missing"))
	}
	if c.Budget < minBudget || c.Budget > maxBudget {
		faults = append(faults, fmt.Errorf("CALLBACK_BUDGET: %v is not within %v to %v; OSS hangs up after 5s", c.Budget, minBudget, maxBudget))
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
