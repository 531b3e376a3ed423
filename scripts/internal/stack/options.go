package stack

import (
	"fmt"
	"io"
	"maps"
	"time"

	"oss-callback/scripts/internal/osssim"
)

// What every local run uses. The key opens nothing but the simulated OSS of the same run.
const (
	Region          = "cn-hangzhou"
	Bucket          = "local-bucket"
	AccessKeyID     = "local-only-access-key-id"
	AccessKeySecret = "local-only-access-key-secret"
	Topic           = "oss_upload"
	Channel         = "worker"

	// ScenarioPrefix and the name of an osssim.Scenario and "/" begin the keys of uploads that fail that way.
	ScenarioPrefix = "203/"
)

// Options say what Start runs. Only Binaries is required.
type Options struct {
	Binaries Binaries
	// Web runs the function behind plain HTTP, as custom runtimes and containers do, instead of behind the FC runtime API.
	Web bool
	// Channels get a copy of every job each, next to the worker's own channel.
	Channels []string
	// FunctionEnv and WorkerEnv add to or override the settings that Start makes.
	FunctionEnv, WorkerEnv map[string]string
	// FunctionLog and WorkerLog get what the processes print; nil discards. Writes may come from several goroutines.
	FunctionLog, WorkerLog io.Writer
	// Behaviour decides what OSS's documentation leaves open; MaxCallbacks limits how many callbacks are open at once. See osssim.Config.
	Behaviour    osssim.Behaviour
	MaxCallbacks int
	// OnCallback is told of every callback that OSS made; see osssim.Config.
	OnCallback func(osssim.Exchange)
	// OnStep is told of every part that is up: what it is, where it is, and how long it took. May be nil.
	OnStep func(name, detail string, took time.Duration)
}

func (o Options) step(name, detail string, began time.Time) {
	if o.OnStep != nil {
		o.OnStep(name, detail, time.Since(began))
	}
}

// functionSettings are the variables that both doors of the function read.
func (s *Stack) functionSettings() map[string]string {
	return with(map[string]string{
		"OSS_ENDPOINT":            s.OSS.Endpoint(),
		"OSS_REGION":              Region,
		"ALLOWED_BUCKETS":         Bucket,
		"NSQD_ADDRS":              s.NSQ.TCPAddr(),
		"NSQ_TOPIC":               Topic,
		"OSS_CALLBACK_PUBLIC_KEY": s.OSS.PublicKeyPEM(),
		"LOG_LEVEL":               "info",
	}, s.opts.FunctionEnv)
}

func (s *Stack) workerSettings() map[string]string {
	return with(map[string]string{
		"OSS_ENDPOINT":    s.OSS.Endpoint(),
		"OSS_REGION":      Region,
		"ALLOWED_BUCKETS": Bucket,
		"NSQD_ADDRS":      s.NSQ.TCPAddr(),
		"NSQ_TOPIC":       Topic,
		"NSQ_CHANNEL":     Channel,
		"METRICS_ADDR":    s.metricsAddr,
	}, with(credentials(), s.opts.WorkerEnv))
}

func credentials() map[string]string {
	return map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": AccessKeySecret}
}

func with(settings, more map[string]string) map[string]string {
	maps.Copy(settings, more)
	return settings
}

// environ is a process's whole environment.
func environ(dir string, settings map[string]string) []string {
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir}
	for name, value := range settings {
		env = append(env, fmt.Sprintf("%s=%s", name, value))
	}
	return env
}
