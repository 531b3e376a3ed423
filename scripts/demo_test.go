//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"oss-callback/scripts/internal/stack"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), command, "demo")
	cmd.Dir = "internal" // any folder of the project will do
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=must not be used")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	at := 0
	for _, step := range []string{
		`build +\d`, `nsqd +\d`, `OSS +\d`, `FC +\d`, `worker +\d`, `upload +\d`, `callback +OSS signed it`, `bucket=local-bucket&object=photos%2F`,
		`answer +\d`, `HTTP 200`, `Content-Length: \d+`, `uploader +got HTTP 200 .*"status":"queued"`, `job +\d+ ms .*\n +\{"v":1`,
		`thumbnail +\d.* JPEG of 171 x 256, \d+ bytes`, `saved as .*\.jpg`, `forged .*403 .*bad_signature`, `vanished .*404 .*object_gone`,
		`203 CallbackFailed, EC 0007-00000203`, `All of it worked, in .*go run ./scripts dev`,
	} {
		loc := regexp.MustCompile(step).FindIndex(out[at:])
		if loc == nil {
			t.Fatalf("%q is missing, or in the wrong place, in\n%s", step, out)
		}
		at += loc[1]
	}
	if bytes.Contains(out, []byte("\x1b[")) {
		t.Error("colour without a terminal")
	}
	if left := names(t, dir); len(left) != 1 || !strings.HasPrefix(left[0], "oss-callback-thumbnail-") {
		t.Errorf("left behind: %q, want the thumbnail alone", left)
	}
	if p := processesFrom(t, dir); len(p) > 0 {
		t.Errorf("processes left behind: %v", p)
	}
}

func TestDemoFails(t *testing.T) {
	link := func(target, name string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		build func(context.Context, string) (stack.Binaries, error)
		says  []string
	}{
		"build": {
			func(context.Context, string) (stack.Binaries, error) {
				return stack.Binaries{}, errors.New("syntax error")
			},
			[]string{"build: syntax error"},
		},
		"worker does not start": {
			func(context.Context, string) (stack.Binaries, error) {
				return stack.Binaries{Function: binaries.Function, Worker: link("/bin/false", "worker")}, nil
			},
			[]string{"start worker", "exit status 1", "worker's log is empty"},
		},
		"worker dies": {
			func(context.Context, string) (stack.Binaries, error) {
				return stack.Binaries{Function: binaries.Function, Worker: link(self, dyingWorker)}, nil
			},
			[]string{"process ended by itself", "exit status 3", "Last lines of the worker's log", "about to die"},
		},
		"function exits": {
			func(context.Context, string) (stack.Binaries, error) {
				return stack.Binaries{Function: link("/bin/false", "function"), Worker: binaries.Worker}, nil
			},
			[]string{"the function's answer should say queued", "Process exited unexpectedly"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), []string{"scripts", "demo"}, environment{strings.NewReader(""), &stdout, &stderr, c.build}); code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
			for _, s := range c.says {
				if !strings.Contains(stderr.String(), s) {
					t.Errorf("%q is not in\n%s", s, stderr.String())
				}
			}
			if strings.Contains(stdout.String(), "All of it worked") {
				t.Error("claims success")
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{nil, 0, "upload a picture on this machine", ""},
		{[]string{"--help"}, 0, "upload a picture on this machine", ""},
		{[]string{"dev", "--help"}, 0, "--json", ""},
		{[]string{"nonsense"}, 1, "", `there is no command "nonsense"`},
		{[]string{"dev", "--nonsense"}, 1, "", "nonsense"},
		{[]string{"demo", "extra"}, 1, "", "demo takes no arguments, but got extra"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"scripts"}, c.args...), environment{stdout: &stdout, stderr: &stderr})
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%q: exit status %d\nstdout %s\nstderr %s", c.args, code, stdout.String(), stderr.String())
		}
		if c.code != 0 && (stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1) {
			t.Errorf("%q: an error should be one line:\n%s%s", c.args, stdout.String(), stderr.String())
		}
	}
}
