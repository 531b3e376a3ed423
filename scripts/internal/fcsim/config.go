// Package fcsim plays Function Compute in front of the real, compiled function: an HTTP trigger on one side, the runtime API
// that fc-runtime-go-sdk speaks (runtime go1) on the other.
//
// One instance is one process of the binary and handles one invocation at a time. Instances start on demand, a cold start counts
// against the caller's patience, and idle instances are reused. Where the platform's behaviour is not documented, the worse case for
// an OSS callback is simulated, and the comment says so.
package fcsim

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// ErrConfig is wrapped by every error of Start that a better Config would cure. The message names the field.
var ErrConfig = errors.New("fcsim: bad config")

// Credentials are handed to the function with every invocation, as those of the function's role are.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Config says which function is deployed and how.
type Config struct {
	Binary       string            // path of the compiled function; required
	Env          map[string]string // the function's settings; FC_* is reserved for the platform, as on FC
	Region       string            // default cn-hangzhou
	FunctionName string            // default oss-callback
	Timeout      time.Duration     // of one invocation, and of a start until the first call to the runtime API; default 10 s
	Credentials  Credentials       // handed over per invocation
	MaxInstances int               // default 4
	StartDelay   time.Duration     // before an instance's process starts: the platform's share of a cold start, when it is a slow one
	// Freeze stops an instance's process after each response and continues it for the next invocation, as FC does.
	Freeze  bool
	Methods []string // of the HTTP trigger; default POST alone
	// Stdout and Stderr are the function's output, nil discards; writes never overlap. An *os.File is what the function itself writes
	// to: a pipe that nobody empties makes it wait.
	Stdout, Stderr io.Writer
	Listen         string // of the public URL; default 127.0.0.1:0; loopback only
}

// withDefaults fills in what was left out and refuses what cannot work.
func (c Config) withDefaults() (Config, error) {
	c.Region = cmp.Or(c.Region, "cn-hangzhou")
	c.FunctionName = cmp.Or(c.FunctionName, "oss-callback")
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.MaxInstances = cmp.Or(c.MaxInstances, 4)
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	if c.Methods == nil {
		c.Methods = []string{http.MethodPost}
	}
	out, err := lockedPair(c.Stdout, c.Stderr)
	c.Stdout, c.Stderr = out, err
	return c, c.check()
}

func (c *Config) check() error {
	path, err := filepath.Abs(c.Binary)
	if err != nil {
		return fmt.Errorf("%w: Binary: %w", ErrConfig, err)
	}
	if info, err := os.Stat(path); c.Binary == "" || err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%w: Binary %q is no file", ErrConfig, c.Binary)
	}
	c.Binary = path
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%w: Listen %q is no loopback IP with a port", ErrConfig, c.Listen)
	}
	if c.Timeout < 0 || c.MaxInstances < 0 || c.StartDelay < 0 {
		return fmt.Errorf("%w: Timeout %v, MaxInstances %d and StartDelay %v must not be negative", ErrConfig, c.Timeout, c.MaxInstances, c.StartDelay)
	}
	for name := range c.Env {
		if isReserved(name) {
			return fmt.Errorf("%w: Env %s: FC_* is reserved", ErrConfig, name)
		}
	}
	return nil
}
