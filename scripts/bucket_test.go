//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/osssim"
)

var updateBucket = flag.Bool("update-bucket", false, "rewrite testdata/bucket")

// bucketOwn is what the bucket's owner has put there before, dangerous in more than one way.
const (
	bucketOwnCORS = "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>"
	bucketOwnLife = "<LifecycleConfiguration><Rule><ID>tidy\u202e</ID><Prefix></Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
)

// bucketCLI runs the command against a simulated OSS.
func bucketCLI(t *testing.T, server *osssim.Server, args ...string) (stdout string, err error) {
	t.Helper()
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "local-id")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "local-secret-of-the-key")
	var out, errs bytes.Buffer
	args = append([]string{"bucket", "--endpoint", server.Endpoint(), "--region", "cn-hangzhou", "--bucket", "photos", "--origin", "https://app.example.com"}, args...)
	err = bucketCommand(environment{stdout: &out, stderr: &errs}).Run(t.Context(), args)
	if strings.Contains(out.String()+errs.String(), "local-secret-of-the-key") || err != nil && strings.Contains(err.Error(), "local-secret-of-the-key") {
		t.Errorf("a secret is printed:\n%s%s%v", &out, &errs, err)
	}
	return out.String(), err
}

func startBucketOSS(t *testing.T) *osssim.Server {
	t.Helper()
	server, err := osssim.Start(osssim.Config{AccessKeyID: "local-id", AccessKeySecret: "local-secret-of-the-key", Buckets: []string{"photos"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

func goldenBucket(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "bucket", name+".golden")
	if *updateBucket {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// TestBucketCommand goes from an empty bucket to a good one. To rewrite: go test ./scripts -run TestBucketCommand -update-bucket
func TestBucketCommand(t *testing.T) {
	server := startBucketOSS(t)
	for _, step := range []struct {
		name string
		args []string
	}{
		{"dry_run", nil},
		{"dry_run", []string{"--dry-run"}}, // the first one has changed nothing
		{"json", []string{"--json"}},
		{"applied", []string{"--apply"}},
		{"nothing", []string{"--apply"}},
		{"json_nothing", []string{"--json"}},
	} {
		out, err := bucketCLI(t, server, step.args...)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		goldenBucket(t, step.name, out)
	}
}

func TestBucketCommandWarns(t *testing.T) {
	server := startBucketOSS(t)
	if server.SetVersioning("photos", "Enabled") != nil || server.SetACL("photos", "public-read-write") != nil {
		t.Fatal("osssim refuses")
	}
	client := bucketClient(t, server)
	if err := client.SetBucketCORSXml("photos", bucketOwnCORS); err != nil {
		t.Fatal(err)
	}
	if err := client.SetBucketLifecycleXml("photos", bucketOwnLife); err != nil {
		t.Fatal(err)
	}
	out, err := bucketCLI(t, server)
	if err != nil {
		t.Fatal(err)
	}
	goldenBucket(t, "warnings", out)
	if out, err = bucketCLI(t, server, "--apply", "--json"); err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Applied   bool
		Documents []struct{ Before, After string }
		Warnings  []struct{ Rule string }
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil || !plan.Applied || len(plan.Documents) != 2 || plan.Documents[0].Before != bucketOwnCORS ||
		plan.Documents[1].Before != bucketOwnLife || len(plan.Warnings) == 0 {
		t.Errorf("%v: %s", err, out)
	}
	if got, err := client.GetBucketLifecycleXml("photos"); err != nil || got != plan.Documents[1].After {
		t.Errorf("%v: %s is not what was shown", err, got)
	}
}

// TestBucketCommandKeepsEdits: what an operator changed in a rule of ours stays, and is told.
func TestBucketCommandKeepsEdits(t *testing.T) {
	server := startBucketOSS(t)
	client := bucketClient(t, server)
	if _, err := bucketCLI(t, server, "--apply"); err != nil {
		t.Fatal(err)
	}
	written, err := client.GetBucketLifecycle("photos")
	if err != nil || len(written.Rules) != 1 {
		t.Fatalf("%v, %+v", err, written.Rules)
	}
	written.Rules[0].AbortMultipartUpload.Days = 20
	written.Rules[0].Expiration = &oss.LifecycleExpiration{Date: "2020-01-01T00:00:00.000Z"}
	if err := client.SetBucketLifecycle("photos", written.Rules); err != nil {
		t.Fatal(err)
	}
	edited, err := client.GetBucketLifecycleXml("photos")
	if err != nil {
		t.Fatal(err)
	}
	out, err := bucketCLI(t, server, "--apply")
	if err != nil {
		t.Fatal(err)
	}
	told := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"Bucket photos: nothing to write, but see the warnings", "lifecycle keep oss-callback-abort-uploads:",
		"AbortMultipartUpload/Days is 20 instead of 3; Expiration/Date is 2020-01-01T00:00:00.000Z instead of none. It is kept as it is",
		"it deletes by date (everything, from 2020-01-01T00:00:00.000Z on), under .outbox/ too"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if got, err := client.GetBucketLifecycleXml("photos"); err != nil || got != edited {
		t.Errorf("%v: %s became %s", err, edited, got)
	}
	if out, err = bucketCLI(t, server, "--json"); err != nil || strings.Count(out, `"edited": true`) != 1 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestBucketHelp: what this command cannot rule out is told where people look.
func TestBucketHelp(t *testing.T) {
	help := strings.Join(strings.Fields(bucketHelp), " ")
	if want := "OSS has no conditional writes for these rules: --apply looks once more right before it writes, and what somebody else writes in between is overwritten."; !strings.Contains(help, want) {
		t.Errorf("%q is not in the help", want)
	}
}

func TestBucketCommandRefuses(t *testing.T) {
	server := startBucketOSS(t)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"both":       {[]string{"--apply", "--dry-run"}, "not both"},
		"any origin": {[]string{"--origin", "*"}, "name each origin"},
		"argument":   {[]string{"photos"}, "takes no arguments"},
		"no bucket":  {[]string{"--bucket", "another"}, "there is no bucket another"},
	} {
		if _, err := bucketCLI(t, server, c.args...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Inject(osssim.Fault{Operation: "PutBucketCors", Status: 403, Code: "AccessDenied"})
	if _, err := bucketCLI(t, server, "--apply"); err == nil || !strings.Contains(err.Error(), "the key needs oss:PutBucketCors on acs:oss:*:*:photos") {
		t.Error(err)
	}
}

func bucketClient(t *testing.T, server *osssim.Server) *oss.Client {
	t.Helper()
	client, err := oss.New(server.Endpoint(), "local-id", "local-secret-of-the-key")
	if err != nil {
		t.Fatal(err)
	}
	return client
}
