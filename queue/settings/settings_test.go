package settings

import (
	"strings"
	"testing"
)

func TestOSSCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		in     OSS
		region string // empty if the settings are bad
		says   string
	}{
		"from the name":         {OSS{Endpoint: "https://oss-cn-hangzhou-internal.aliyuncs.com"}, "cn-hangzhou", ""},
		"from a public name":    {OSS{Endpoint: "http://oss-ap-southeast-1.aliyuncs.com/"}, "ap-southeast-1", ""},
		"without a scheme":      {OSS{Endpoint: "oss-us-west-1.aliyuncs.com"}, "us-west-1", ""},
		"as the console says":   {OSS{Endpoint: "https://images.example.com", Region: "oss-cn-beijing"}, "cn-beijing", ""},
		"from Function Compute": {OSS{Endpoint: "http://127.0.0.1:8080", FCRegion: "eu-central-1"}, "eu-central-1", ""},
		"set beats derived":     {OSS{Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "a-b", FCRegion: "c-d"}, "a-b", ""},
		"not told":              {OSS{Endpoint: "http://127.0.0.1:8080"}, "", "OSS_REGION"},
		"accelerate":            {OSS{Endpoint: "https://oss-accelerate.aliyuncs.com"}, "", "OSS_REGION"},
		"look-alike":            {OSS{Endpoint: "https://oss-cn-hangzhou.aliyuncs.com.example.com"}, "", "OSS_REGION"},
		"a path":                {OSS{Endpoint: "https://oss-cn-hangzhou.aliyuncs.com/bucket"}, "", "OSS_ENDPOINT"},
		"a query":               {OSS{Endpoint: "https://oss-cn-hangzhou.aliyuncs.com?x=1"}, "", "OSS_ENDPOINT"},
		"a password":            {OSS{Endpoint: "https://u:SECRET@oss-cn-hangzhou.aliyuncs.com"}, "", "OSS_ENDPOINT"},
		"region with a space":   {OSS{Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Region: "cn hangzhou"}, "", "OSS_REGION"},
		"another scheme":        {OSS{Endpoint: "ftp://oss-cn-hangzhou.aliyuncs.com"}, "", "OSS_ENDPOINT"},
		"a bucket's name":       {OSS{Endpoint: "https://oss-cn-hangzhou.aliyuncs.com", Buckets: []string{"Photos"}}, "", "ALLOWED_BUCKETS"},
	} {
		err := tc.in.Check()
		if tc.says == "" && (err != nil || tc.in.Region != tc.region) {
			t.Errorf("%s: %q, %v", name, tc.in.Region, err)
		}
		if tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "SECRET")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOSSCheckLengths: just inside and just outside of what a bucket's and a region's name may have.
func TestOSSCheckLengths(t *testing.T) {
	for _, tc := range []struct {
		bucket, region int
		says           string // empty if the settings are good
	}{
		{1, 11, "ALLOWED_BUCKETS"}, {2, 11, "ALLOWED_BUCKETS"}, {3, 11, ""}, {63, 11, ""}, {64, 11, "ALLOWED_BUCKETS"},
		{6, 1, ""}, {6, 64, ""}, {6, 65, "OSS_REGION"},
	} {
		o := OSS{Endpoint: "http://127.0.0.1:8080", Buckets: []string{strings.Repeat("b", tc.bucket)}, Region: strings.Repeat("r", tc.region)}
		err := o.Check()
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.says+": ")) {
			t.Errorf("a bucket of %d and a region of %d characters: %v, want %q", tc.bucket, tc.region, err, tc.says)
		}
	}
}

func TestCheckAddrs(t *testing.T) {
	good := []string{" 10.0.0.1:4150", "nsqd.internal:1 ", "[::1]:65535"}
	if err := CheckAddrs("X", good); err != nil || good[0] != "10.0.0.1:4150" {
		t.Error(good, err)
	}
	for _, addr := range []string{"", "nsqd", ":4150", "nsqd:", "nsqd:65536", "nsqd:http", "a:b:c"} {
		if err := CheckAddrs("NSQD_ADDRS", []string{addr}); err == nil || !strings.Contains(err.Error(), "NSQD_ADDRS") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
