package osssim

import (
	"strings"
	"testing"
)

func TestStartNamesTheBadSetting(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
	}{
		{"Listen", func(c *Config) { c.Listen = "0.0.0.0:0" }},
		{"Listen", func(c *Config) { c.Listen = ":0" }},
		{"Listen", func(c *Config) { c.Listen = "localhost:0" }},
		{"AccessKeyID", func(c *Config) { c.AccessKeyID = "" }},
		{"AccessKeyID", func(c *Config) { c.AccessKeyID = "a/b" }},
		{"AccessKeySecret", func(c *Config) { c.AccessKeySecret = "" }},
		{"Buckets", func(c *Config) { c.Buckets = nil }},
		{"Buckets", func(c *Config) { c.Buckets = []string{"Photos"} }},
		{"PublicHosts", func(c *Config) { c.PublicHosts = []string{"127.0.0.1"} }},
		{"MaxObject", func(c *Config) { c.MaxObject = -1 }},
		{"CallbackTimeout", func(c *Config) { c.CallbackTimeout = -1 }},
	}
	for _, tt := range tests {
		cfg := Config{AccessKeyID: testID, AccessKeySecret: testSecret, Buckets: []string{testBucket}}
		tt.change(&cfg)
		s, err := Start(cfg)
		if err == nil {
			s.Close()
			t.Errorf("%s: started", tt.name)
			continue
		}
		if !strings.HasPrefix(err.Error(), "osssim: "+tt.name+":") {
			t.Errorf("%s: error %q does not name it", tt.name, err)
		}
	}
}
