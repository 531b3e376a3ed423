//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	ossv1 "github.com/aliyun/aliyun-oss-go-sdk/oss"
)

// The endpoints that official clients have to report each in their own words, with OSS's EC.
var provoked = map[string]string{
	"html": "0007-00000205", "empty": "0007-00000204", "chunked": "0007-00000204", "redirect": "0007-00000203", "hang-up": "0007-00000203",
}

// aliOSSNeeded is set where ali-oss must be installable: then the test fails without it instead of skipping.
const aliOSSNeeded = "NEED_ALI_OSS"

// TestOfficialClients uploads to dev with clients that nobody here wrote. Whatever works with them works with OSS, and their users see
// our answer on success and their client's own error on each 203.
func TestOfficialClients(t *testing.T) {
	d := startDevCommand(t, command, "dev", "--json")
	t.Run("all", func(t *testing.T) {
		t.Run("Go SDK v1", func(t *testing.T) { t.Parallel(); d.clientV1(t) })
		t.Run("Go SDK v2", func(t *testing.T) { t.Parallel(); d.clientV2(t) })
		t.Run("ali-oss", func(t *testing.T) { t.Parallel(); d.clientAliOSS(t) })
	})
	d.end(t, syscall.SIGINT)
}

func wantQueued(t *testing.T, way string, answer []byte, err error) {
	t.Helper()
	var said struct{ Status, Job, Reason string }
	if err != nil || json.Unmarshal(answer, &said) != nil || said.Status != "queued" || len(said.Job) != 32 || said.Reason != "not_an_image" {
		t.Errorf("%s: %v, %s", way, err, answer)
	}
}

func (d *dev) clientV1(t *testing.T) {
	bucket := d.bucket(t)
	vars := ossv1.CallbackVar(base64.StdEncoding.EncodeToString([]byte(`{"x:user":"v1"}`)))
	var answer []byte
	err := bucket.PutObject("v1.txt", strings.NewReader("v1"), ossv1.Callback(d.Callback), vars, ossv1.CallbackResult(&answer))
	wantQueued(t, "PutObject", answer, err)

	complete := func(callback string) ([]byte, error) {
		begun, err := bucket.InitiateMultipartUpload("v1.bin")
		if err != nil {
			t.Fatal(err)
		}
		part, err := bucket.UploadPart(begun, strings.NewReader("v1"), 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		var answer []byte
		_, err = bucket.CompleteMultipartUpload(begun, []ossv1.UploadPart{part}, ossv1.Callback(callback), vars, ossv1.CallbackResult(&answer))
		return answer, err
	}
	answer, err = complete(d.Callback)
	wantQueued(t, "CompleteMultipartUpload", answer, err)

	for path, ec := range provoked {
		callback := d.callbackTo(t, path)
		_, completeErr := complete(callback)
		for way, err := range map[string]error{
			"PutObject":               bucket.PutObject("v1.txt", strings.NewReader("v1"), ossv1.Callback(callback)),
			"CompleteMultipartUpload": completeErr,
		} {
			var fault ossv1.ServiceError
			if !errors.As(err, &fault) || fault.StatusCode != 203 || fault.Code != "CallbackFailed" || fault.Ec != ec {
				t.Errorf("%s, %s: %v, want %s", way, path, err, ec)
			}
		}
	}
}

func (d *dev) clientV2(t *testing.T) {
	ctx := t.Context()
	client := oss.NewClient(oss.LoadDefaultConfig().WithCredentialsProvider(credentials.NewStaticCredentialsProvider(d.AccessKeyID, d.AccessKeySecret)).
		WithRegion(d.Region).WithEndpoint(d.OSS).WithUsePathStyle(true))
	put := func(callback string) ([]byte, error) {
		result, err := client.PutObject(ctx, &oss.PutObjectRequest{Bucket: &d.Bucket, Key: oss.Ptr("v2.txt"), Body: strings.NewReader("v2"), Callback: &callback})
		if err != nil {
			return nil, err
		}
		return json.Marshal(result.CallbackResult)
	}
	complete := func(callback string) ([]byte, error) {
		begun, err := client.InitiateMultipartUpload(ctx, &oss.InitiateMultipartUploadRequest{Bucket: &d.Bucket, Key: oss.Ptr("v2.bin")})
		if err != nil {
			t.Fatal(err)
		}
		part, err := client.UploadPart(ctx, &oss.UploadPartRequest{Bucket: &d.Bucket, Key: oss.Ptr("v2.bin"), UploadId: begun.UploadId, PartNumber: 1,
			Body: strings.NewReader("v2")})
		if err != nil {
			t.Fatal(err)
		}
		result, err := client.CompleteMultipartUpload(ctx, &oss.CompleteMultipartUploadRequest{Bucket: &d.Bucket, Key: oss.Ptr("v2.bin"), UploadId: begun.UploadId,
			CompleteMultipartUpload: &oss.CompleteMultipartUpload{Parts: []oss.UploadPart{{PartNumber: 1, ETag: part.ETag}}}, Callback: &callback})
		if err != nil {
			return nil, err
		}
		return json.Marshal(result.CallbackResult)
	}
	ways := map[string]func(string) ([]byte, error){"PutObject": put, "CompleteMultipartUpload": complete}
	for way, upload := range ways {
		answer, err := upload(d.Callback)
		wantQueued(t, way, answer, err)
		for path, ec := range provoked {
			_, err := upload(d.callbackTo(t, path))
			var fault *oss.ServiceError
			if !errors.As(err, &fault) || fault.StatusCode != 203 || fault.Code != "CallbackFailed" || fault.EC != ec {
				t.Errorf("%s, %s: %v, want %s", way, path, err, ec)
			}
		}
	}
}

// callbackTo is d.Callback with one of dev's wrong endpoints in it.
func (d *dev) callbackTo(t *testing.T, path string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(d.Callback)
	var fields map[string]any
	if err != nil || json.Unmarshal(text, &fields) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	fields["callbackUrl"] = d.badURL(t, path)
	if text, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(text)
}

func (d *dev) clientAliOSS(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "ali-oss"))); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv(aliOSSNeeded) != "" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("ali-oss needs Node.js and npm's registry: %v\n%s", err, out)
	}
	line, err := json.Marshal(d.addresses)
	if err != nil {
		t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(d.Callback)
	var callback struct{ CallbackURL string }
	if err != nil || json.Unmarshal(text, &callback) != nil {
		t.Fatalf("%v: %s", err, text)
	}
	args := []string{"client.mjs", string(line), "good=" + callback.CallbackURL}
	for path := range provoked {
		args = append(args, path+"="+d.badURL(t, path))
	}
	client := exec.CommandContext(t.Context(), "node", args...)
	client.Dir = dir
	var stderr bytes.Buffer
	client.Stderr = &stderr
	out, err := client.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &stderr)
	}
	type report struct {
		Name, Error, Code, Message, EC string
		Status                         int
		Data                           json.RawMessage
	}
	reports := map[string]report{}
	for line := range strings.Lines(string(out)) {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		reports[r.Name] = r
	}
	for _, way := range []string{"put", "multipart", "post"} {
		r := reports[way]
		var err error
		if r.Status != 200 {
			err = fmt.Errorf("%+v", r)
		}
		wantQueued(t, way, r.Data, err)
	}
	for path, ec := range provoked {
		for _, way := range []string{"put ", "multipart "} {
			if r := reports[way+path]; r.Error != "CallbackFailedError" || r.Status != 203 || r.EC != ec || r.Message == "" {
				t.Errorf("%s: %+v, want %s", way+path, r, ec)
			}
		}
	}
}
