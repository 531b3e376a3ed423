//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"

	"oss-callback/scripts/internal/stack"
)

// dev is a running dev --json.
type dev struct {
	addresses
	cmd    *exec.Cmd
	tmp    string // its TMPDIR
	stdout *bufio.Reader
	mu     sync.Mutex
	stderr bytes.Buffer
}

func (d *dev) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stderr.Write(b)
}

func (d *dev) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stderr.String()
}

func startDevCommand(t *testing.T, name string, args ...string) *dev {
	t.Helper()
	d := &dev{cmd: exec.CommandContext(t.Context(), name, args...), tmp: t.TempDir()}
	d.cmd.Env = append(os.Environ(), "TMPDIR="+d.tmp)
	d.cmd.Stderr = d
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // a test that fails must not leave it writing into a folder that is being removed
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
	})
	d.stdout = bufio.NewReader(stdout)
	line, err := d.stdout.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &d.addresses)
	}
	if err != nil {
		t.Fatalf("%v: %q\n%s", err, line, d.text())
	}
	return d
}

// end sends the signal and asserts that nothing is left, neither process nor file.
func (d *dev) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(d.stdout)
	err := d.cmd.Wait()
	if err != nil || len(rest) > 0 {
		t.Errorf("end: %v, stdout had %q after the one line\n%s", err, rest, d.text())
	}
	if left := names(t, d.tmp); len(left) > 0 {
		t.Errorf("files left behind: %q", left)
	}
	if p := processesFrom(t, d.tmp); len(p) > 0 {
		t.Errorf("processes left behind: %v", p)
	}
}

func (d *dev) bucket(t *testing.T) *oss.Bucket {
	t.Helper()
	client, err := oss.New(d.OSS, d.AccessKeyID, d.AccessKeySecret, oss.AuthVersion(oss.AuthV4), oss.Region(d.Region))
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := client.Bucket(d.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

func TestDev(t *testing.T) {
	for name, args := range map[string][]string{"fc": {"dev", "--json"}, "web, killed": {"dev", "--web", "--json", "--oss", "length-as-status"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDevCommand(t, command, args...)
			var got []byte
			err := d.bucket(t).PutObject("a.txt", strings.NewReader("text"), oss.Callback(d.Callback), oss.CallbackResult(&got))
			if err != nil || !strings.Contains(string(got), `"status":"queued"`) || !strings.Contains(string(got), `"reason":"not_an_image"`) {
				t.Errorf("upload: %v, %s", err, got)
			}
			d.curl(t)
			if name == "fc" {
				d.misbehave(t)
			} else {
				d.fails(t, "a.txt", d.badURL(t, "empty"), "0203")
			}
			if key, err := os.ReadFile(d.SigningKey); err != nil || !strings.Contains(string(key), "PRIVATE KEY") {
				t.Errorf("signing key: %v", err)
			}
			if resp, err := http.Get(d.Metrics); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("metrics: %v", err)
			} else {
				resp.Body.Close()
			}
			if !regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d  a.txt +200 +\d+ ms  ok$`).MatchString(d.text()) {
				t.Errorf("no line about the callback in\n%s", d.text())
			}
			if name == "fc" {
				d.end(t, syscall.SIGINT)
				return
			}
			if n := len(processesFrom(t, d.tmp)); n != 2 {
				t.Errorf("%d processes run, want function and worker", n)
			}
			_ = d.cmd.Process.Kill() // no chance to clean up
			_ = d.cmd.Wait()
			awaitNoProcess(t, d.tmp)
		})
	}
}

// curl does what the printed curl command does.
func (d *dev) curl(t *testing.T) {
	t.Helper()
	m := regexp.MustCompile(`curl -i -T photo.jpg '(.*)'`).FindStringSubmatch(d.text())
	if m == nil {
		t.Fatalf("no curl command in\n%s", d.text())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, m[1], strings.NewReader("from curl"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"status":"queued"`) {
		t.Errorf("presigned upload: %s\n%s", resp.Status, body)
	}
}

// misbehave uploads with each of the endpoints that answer wrongly.
func (d *dev) misbehave(t *testing.T) {
	t.Helper()
	var uploads sync.WaitGroup
	for path, ec := range map[string]string{
		"slow": "0202", "silent": "0202", "html": "0205", "bom": "0205", "empty": "0204", "no-length": "0204", "chunked": "0204",
		"redirect": "0203", "created": "0203",
	} {
		uploads.Go(func() { d.fails(t, path, d.badURL(t, path), ec) })
	}
	uploads.Wait()
	if !strings.Contains(d.text(), " 203/too-many-callbacks/ ") {
		t.Errorf("no scenarios in\n%s", d.text())
	}
	d.fails(t, "203/too-many-callbacks/a.jpg", d.badURL(t, "html"), "0201")
}

// badURL is the printed URL of an endpoint that answers wrongly.
func (d *dev) badURL(t *testing.T, path string) string {
	t.Helper()
	url := regexp.MustCompile(`http://\S+/` + path + `\b`).FindString(d.text())
	if url == "" {
		t.Errorf("no URL of %s in\n%s", path, d.text())
	}
	return url
}

// fails uploads with a callback that ends in 203.
func (d *dev) fails(t *testing.T, key, url, ec string) {
	t.Helper()
	minted, err := stack.Minted(url, "")
	if err != nil {
		t.Error(err)
	}
	var fault oss.ServiceError
	err = d.bucket(t).PutObject(key, strings.NewReader("x"), oss.Callback(minted.Callback))
	if !errors.As(err, &fault) || fault.StatusCode != 203 || fault.Code != "CallbackFailed" || fault.Ec != "0007-0000"+ec {
		t.Errorf("%s to %s: %v, want 203 CallbackFailed 0007-0000%s", key, url, err, ec)
	}
}

func TestDevEndsWithGoRun(t *testing.T) {
	t.Parallel()
	d := startDevCommand(t, "go", "run", ".", "dev", "--json", "--web")
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil { // reaches the go command only, which dies of it
		t.Fatal(err)
	}
	if _, err := io.ReadAll(d.stdout); err != nil { // open as long as our command lives
		t.Error(err)
	}
	_ = d.cmd.Wait()
	awaitNoProcess(t, d.tmp)
}
