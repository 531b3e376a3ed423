package main

import (
	"bytes"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/google/go-cmp/cmp"

	"oss-callback/queue/settings"
)

func goodEnv() map[string]string {
	return map[string]string{
		"NSQD_ADDRS": "127.0.0.1:4150", "OSS_ENDPOINT": "https://oss-cn-hangzhou-internal.aliyuncs.com", "ALLOWED_BUCKETS": testBucket,
		"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
	}
}

func setEnv(t *testing.T, vars ...map[string]string) {
	t.Helper()
	for _, v := range append([]map[string]string{goodEnv()}, vars...) {
		for name, value := range v {
			t.Setenv(name, value)
		}
	}
}

func TestReadConfigDefaults(t *testing.T) {
	setEnv(t)
	got, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		OSS: settings.OSS{
			Endpoint: "https://oss-cn-hangzhou-internal.aliyuncs.com", Region: "cn-hangzhou", Buckets: []string{testBucket},
			AccessKeyID: "id", AccessKeySecret: "secret",
		},
		NSQ:     settings.NSQ{Addrs: []string{"127.0.0.1:4150"}, Topic: "oss_upload"},
		Log:     settings.Log{Level: slog.LevelInfo},
		Channel: "worker", Concurrency: runtime.GOMAXPROCS(0), MaxAttempts: 5, JobTimeout: time.Minute, MetricsAddr: "127.0.0.1:9100",
		Outbox: "on-failure", OutboxPrefix: ".outbox/", SweepInterval: 30 * time.Second,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRunNamesBadSettings(t *testing.T) {
	for name, c := range map[string]struct {
		vars map[string]string
		want string
	}{
		"no queue":     {map[string]string{"NSQD_ADDRS": ""}, "NSQLOOKUPD_ADDRS or NSQD_ADDRS: set one"},
		"two queues":   {map[string]string{"NSQLOOKUPD_ADDRS": "127.0.0.1:4161"}, "not both"},
		"no port":      {map[string]string{"NSQD_ADDRS": "a:1, nsqd"}, `NSQD_ADDRS: "nsqd" is not host:port`},
		"lookupd":      {map[string]string{"NSQD_ADDRS": "", "NSQLOOKUPD_ADDRS": "x"}, "NSQLOOKUPD_ADDRS:"},
		"metrics":      {map[string]string{"METRICS_ADDR": "9100"}, "METRICS_ADDR:"},
		"topic":        {map[string]string{"NSQ_TOPIC": "a b"}, "NSQ_TOPIC:"},
		"channel":      {map[string]string{"NSQ_CHANNEL": "a b"}, "NSQ_CHANNEL:"},
		"TLS":          {map[string]string{"NSQ_TLS": "maybe"}, "NSQ_TLS:"},
		"concurrency":  {map[string]string{"WORKER_CONCURRENCY": "-1"}, "WORKER_CONCURRENCY:"},
		"no number":    {map[string]string{"MAX_ATTEMPTS": "five"}, "MAX_ATTEMPTS:"},
		"attempts":     {map[string]string{"MAX_ATTEMPTS": "-5"}, "MAX_ATTEMPTS:"},
		"timeout":      {map[string]string{"JOB_TIMEOUT": "60"}, "JOB_TIMEOUT:"},
		"long timeout": {map[string]string{"JOB_TIMEOUT": "1h"}, "JOB_TIMEOUT:"},
		"no endpoint":  {map[string]string{"OSS_ENDPOINT": ""}, "OSS_ENDPOINT"},
		"endpoint":     {map[string]string{"OSS_ENDPOINT": "ftp://oss-cn-hangzhou.aliyuncs.com"}, "OSS_ENDPOINT:"},
		"region":       {map[string]string{"OSS_ENDPOINT": "http://127.0.0.1:9000"}, "OSS_REGION"},
		"no buckets":   {map[string]string{"ALLOWED_BUCKETS": ""}, "ALLOWED_BUCKETS"},
		"bucket":       {map[string]string{"ALLOWED_BUCKETS": "a/b"}, "ALLOWED_BUCKETS:"},
		"no key":       {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}, "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"no secret":    {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
		"outbox":       {map[string]string{"OUTBOX": "sometimes"}, "OUTBOX:"},
		"prefix":       {map[string]string{"OUTBOX_PREFIX": "outbox"}, "OUTBOX_PREFIX:"},
		"short sweep":  {map[string]string{"SWEEP_INTERVAL": "99ms"}, "SWEEP_INTERVAL:"},
		"long sweep":   {map[string]string{"SWEEP_INTERVAL": "25h"}, "SWEEP_INTERVAL:"},
		"no sweep":     {map[string]string{"SWEEP_INTERVAL": "never"}, "SWEEP_INTERVAL:"},
		"log level":    {map[string]string{"LOG_LEVEL": "loud"}, "LOG_LEVEL:"},
		"two at once":  {map[string]string{"NSQ_TOPIC": "a b", "MAX_ATTEMPTS": "-5"}, "MAX_ATTEMPTS:"},
	} {
		t.Run(name, func(t *testing.T) {
			setEnv(t, c.vars)
			var stderr bytes.Buffer
			if code := run(t.Context(), &stderr); code != 2 || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit %d, said %q; want 2 and %q", code, &stderr, c.want)
			}
		})
	}
}

// TestSettingsAreDocumented ties the worker's table in README.md to config, both ways.
func TestSettingsAreDocumented(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "### Settings of the worker\n")
	table, _, _ = strings.Cut(table, "\n#")
	documented := map[string]bool{}
	for row := range strings.Lines(table) {
		if names := strings.Split(row, "|"); len(names) > 1 {
			for _, m := range regexp.MustCompile("`([A-Z_]+)`").FindAllStringSubmatch(names[1], -1) {
				documented[m[1]] = true
			}
		}
	}
	params, err := env.GetFieldParams(&config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range params {
		if !documented[p.Key] {
			t.Errorf("README.md does not explain %s", p.Key)
		}
		delete(documented, p.Key)
	}
	if len(documented) > 0 {
		t.Errorf("README.md explains %v, which the worker does not read", documented)
	}
}
