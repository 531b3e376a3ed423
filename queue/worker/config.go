package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/nsqio/go-nsq"

	"oss-callback/queue"
	"oss-callback/queue/ossclient"
	"oss-callback/queue/settings"
)

// config is all that the environment can say; README.md explains each. An empty variable counts as unset.
type config struct {
	settings.OSS
	settings.NSQ
	settings.Log

	LookupdAddrs []string      `env:"NSQLOOKUPD_ADDRS"`
	Channel      string        `env:"NSQ_CHANNEL" envDefault:"worker"`
	Concurrency  int           `env:"WORKER_CONCURRENCY"` // 0: one per CPU
	MaxAttempts  int           `env:"MAX_ATTEMPTS" envDefault:"5"`
	JobTimeout   time.Duration `env:"JOB_TIMEOUT" envDefault:"60s"`
	MetricsAddr  string        `env:"METRICS_ADDR" envDefault:"127.0.0.1:9100"`

	Outbox        string        `env:"OUTBOX" envDefault:"on-failure"`
	OutboxPrefix  string        `env:"OUTBOX_PREFIX" envDefault:".outbox/"`
	SweepInterval time.Duration `env:"SWEEP_INTERVAL" envDefault:"30s"` // 0: never
}

// outboxModes are those of the function. To the worker all but off are the same.
var outboxModes = []string{"on-failure", "always", "off"}

// maxConcurrency keeps the jobs in hand, up to 400 KB each before they are read, within the memory bound.
const maxConcurrency = 256

// readConfig returns one error per bad variable, naming it and the cure, joined.
func readConfig() (config, error) {
	c, err := settings.Parse[config]()
	if err != nil {
		return c, err
	}
	faults := []error{
		c.OSS.Check(),
		settings.CheckAddrs("NSQD_ADDRS", c.Addrs),
		settings.CheckAddrs("NSQLOOKUPD_ADDRS", c.LookupdAddrs),
		settings.CheckAddrs("METRICS_ADDR", []string{c.MetricsAddr}),
	}
	_, err = queue.NewOutbox(nil, c.OutboxPrefix, c.Topic) // checks it
	faults = append(faults, err)
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if (len(c.LookupdAddrs) == 0) == (len(c.Addrs) == 0) {
		bad("NSQLOOKUPD_ADDRS or NSQD_ADDRS: set one, and not both")
	}
	if !nsq.IsValidTopicName(queue.DeadTopic(c.Topic)) {
		bad("NSQ_TOPIC: %q is not 1 to 59 of the characters . a-z A-Z 0-9 _ -", c.Topic)
	}
	if !nsq.IsValidChannelName(c.Channel) {
		bad("NSQ_CHANNEL: %q is not 1 to 64 of the characters . a-z A-Z 0-9 _ -", c.Channel)
	}
	if c.Concurrency < 0 || c.Concurrency > maxConcurrency {
		bad("WORKER_CONCURRENCY: %d is not within 1 to %d; leave it out for one job per CPU", c.Concurrency, maxConcurrency)
	}
	if c.Concurrency == 0 {
		c.Concurrency = runtime.GOMAXPROCS(0)
	}
	if c.MaxAttempts < 1 {
		bad("MAX_ATTEMPTS: %d is not positive", c.MaxAttempts)
	}
	if c.JobTimeout < time.Second || c.JobTimeout > queue.MaxJobTimeout {
		bad("JOB_TIMEOUT: %v is not within 1s to %v", c.JobTimeout, queue.MaxJobTimeout)
	}
	if !slices.Contains(outboxModes, c.Outbox) {
		bad("OUTBOX: %.32q is not one of %s", c.Outbox, strings.Join(outboxModes, ", "))
	}
	if c.SweepInterval != 0 && (c.SweepInterval < 100*time.Millisecond || c.SweepInterval > maxWait) {
		bad("SWEEP_INTERVAL: %v is neither 0 nor within 100ms to %v", c.SweepInterval, maxWait)
	}
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		bad("ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET: both are required, to read and write objects")
	}
	return c, errors.Join(faults...)
}

func (c config) keys() ossclient.Credentials {
	return ossclient.Credentials{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken}
}

func (c config) conn() queue.Conn { return queue.Conn{TLS: c.TLS, AuthSecret: c.AuthSecret} }
