package main

import (
	"encoding/base64"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
)

// environment sets the required settings and the given ones, and nothing else that the function reads.
func environment(t *testing.T, changes map[string]string) {
	t.Helper()
	params, err := env.GetFieldParams(&config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range params {
		t.Setenv(p.Key, "") // empty counts as unset
	}
	t.Setenv("OSS_ENDPOINT", "https://oss-cn-hangzhou-internal.aliyuncs.com")
	t.Setenv("ALLOWED_BUCKETS", "photos")
	t.Setenv("NSQD_ADDRS", "10.0.0.1:4150")
	for name, value := range changes {
		t.Setenv(name, value)
	}
}

func TestSettingsDefaults(t *testing.T) {
	environment(t, nil)
	s, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	if s.Region != "cn-hangzhou" || s.Topic != "oss_upload" || s.TLS || s.Budget != 3500*time.Millisecond || s.tokenSecrets() != nil ||
		s.PublicKey != nil || s.RequireImage || s.Level != slog.LevelInfo || s.addr() != ":9000" {
		t.Errorf("%+v", s)
	}
}

func TestSettings(t *testing.T) {
	environment(t, map[string]string{
		"ALLOWED_BUCKETS": "photos, more-photos", "NSQD_ADDRS": "a:1, b:2", "FC_REGION": "eu-central-1", "CALLBACK_BUDGET": "2s",
		"CALLBACK_TOKEN_SECRET": "0123456789abcdef-new, 0123456789abcdef-old", "OSS_CALLBACK_PUBLIC_KEY": base64.StdEncoding.EncodeToString([]byte("-----BEGIN X")),
		"REQUIRE_IMAGE": "true", "LOG_LEVEL": "debug", "FC_CUSTOM_LISTEN_PORT": "8080", "LISTEN_HOST": "127.0.0.1",
	})
	s, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Buckets, []string{"photos", "more-photos"}) || !slices.Equal(s.Addrs, []string{"a:1", "b:2"}) ||
		s.Region != "eu-central-1" || s.Budget != 2*time.Second || len(s.tokenSecrets()) != 2 || string(s.tokenSecrets()[1]) != "0123456789abcdef-old" ||
		string(s.PublicKey) != "-----BEGIN X" || !s.RequireImage || s.Level != slog.LevelDebug || s.addr() != "127.0.0.1:8080" {
		t.Errorf("%+v", s)
	}
}

// TestBadSettingsAreNamed: every fault names its variable, all of them at once.
func TestBadSettingsAreNamed(t *testing.T) {
	for variable, value := range map[string]string{
		"OSS_ENDPOINT": "", "ALLOWED_BUCKETS": "", "NSQD_ADDRS": "", "CALLBACK_BUDGET": "5s", "NSQ_TLS": "perhaps", "REQUIRE_IMAGE": "2",
		"LOG_LEVEL": "loud", "CALLBACK_TOKEN_SECRET": ",", "FC_CUSTOM_LISTEN_PORT": "http", "OUTBOX": "perhaps", "OSS_CALLBACK_PUBLIC_KEY": "?", "OSS_REGION": "",
	} {
		environment(t, map[string]string{variable: value})
		if variable == "OSS_REGION" {
			t.Setenv("OSS_ENDPOINT", "http://127.0.0.1:8080")
		}
		if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%s=%q: %v", variable, value, err)
		}
	}
	environment(t, map[string]string{"OSS_ENDPOINT": "", "ALLOWED_BUCKETS": "", "NSQD_ADDRS": "", "CALLBACK_TOKEN_SECRET": "short", "NSQ_TLS": "?"})
	_, err := readConfig()
	for _, variable := range []string{"OSS_ENDPOINT", "ALLOWED_BUCKETS", "NSQD_ADDRS", "CALLBACK_TOKEN_SECRET", "NSQ_TLS"} {
		if err == nil || strings.Count(err.Error(), variable) != 1 {
			t.Errorf("%s is not named once in: %v", variable, err)
		}
	}
	environment(t, map[string]string{"ALLOWED_BUCKETS": "Photos", "NSQD_ADDRS": "nsqd", "CALLBACK_BUDGET": "100ms"})
	_, err = readConfig()
	for _, variable := range []string{"ALLOWED_BUCKETS", "NSQD_ADDRS", "CALLBACK_BUDGET"} {
		if err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%s is not named in: %v", variable, err)
		}
	}
}

// TestBuildNamesTheVariable: what only the parts themselves can judge.
func TestBuildNamesTheVariable(t *testing.T) {
	for variable, value := range map[string]string{"OSS_CALLBACK_PUBLIC_KEY": "-----BEGIN X", "NSQ_TOPIC": "a b", "OUTBOX_PREFIX": "/"} {
		environment(t, map[string]string{variable: value})
		c, err := readConfig()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := build(c, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), variable) {
			t.Errorf("%s=%q: %v", variable, value, err)
		}
	}
}

// TestSettingsAreDocumented ties the code, s.yaml, .env.example and README.md together, both ways.
func TestSettingsAreDocumented(t *testing.T) {
	// Given by Function Compute, or for the web door only.
	elsewhere := []string{"FC_REGION", "FC_CUSTOM_LISTEN_PORT", "LISTEN_HOST", "ALIBABA_CLOUD_ACCESS_KEY_ID",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"}
	params, err := env.GetFieldParams(&config{})
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	readme, yaml, example := read(t, "../README.md"), read(t, "../s.yaml"), read(t, "../.env.example")
	for _, p := range params {
		known = append(known, p.Key)
		if !strings.Contains(readme, "`"+p.Key+"`") {
			t.Errorf("README.md does not explain %s", p.Key)
		}
		if slices.Contains(elsewhere, p.Key) {
			continue
		}
		if !strings.Contains(yaml, "\n        "+p.Key+": ${env('"+p.Key+"'") {
			t.Errorf("s.yaml does not pass %s on", p.Key)
		}
		if !regexp.MustCompile(`(?m)^#?` + p.Key + `=`).MatchString(example) {
			t.Errorf(".env.example does not hold %s", p.Key)
		}
	}
	_, passed, _ := strings.Cut(yaml, "environmentVariables:")
	passed, _, _ = strings.Cut(passed, "triggers:")
	for _, m := range regexp.MustCompile(`(?m)^ {8}([A-Z_]+):`).FindAllStringSubmatch(passed, -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("s.yaml passes %s, which the function does not read", m[1])
		}
	}
	asked := regexp.MustCompile(`env\('([A-Z_]+)'`).FindAllStringSubmatch(yaml, -1)
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(example, -1) {
		if !slices.ContainsFunc(asked, func(a []string) bool { return a[1] == m[1] }) {
			t.Errorf(".env.example holds %s, which s.yaml does not read", m[1])
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
