package application

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// callHook is `s init` as far as the hook sees it: fs has the names of fs-extra, and the template is filled in where it stands.
const callHook = `
const fs = require('node:fs')
const [hook, appPath, failure] = process.argv.slice(1)
require(hook).postInit({
  appPath,
  artTemplate: (name) => {
    if (failure) throw new Error(failure)
    fs.writeFileSync(appPath + '/' + name, 'REGION=answered\n')
  },
  fs: { copySync: fs.copyFileSync, chmodSync: fs.chmodSync, removeSync: (path) => fs.rmSync(path, { force: true }) },
})`

// Whatever happens, the hook leaves no answers behind but in .env, and says so if they are not there.
func TestHook(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("NEED_SERVERLESS_DEVS") != "" {
			t.Fatal(err)
		}
		t.Skip("no node")
	}
	hook, err := filepath.Abs("template/hook/index.js")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		failure string
		example bool
		env     string
		says    []string // nothing at all: stderr is empty
	}{
		"answers":                 {"", true, "REGION=answered\n", nil},
		"no answers":              {"REGION is not defined\nin a template", true, "REGION=example\n", []string{"Warning: ", "/.env is a copy of .env.example", "edit it before s deploy", "otherwise: REGION is not defined)"}},
		"no answers, no example":  {"REGION is not defined", false, "", []string{"Error: ", "/.env is missing", "ENOENT", "before s deploy"}},
		"answers need no example": {"", false, "REGION=answered\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, questions, "REGION='<%= REGION %>'\n")
			if c.example {
				write(t, dir, ".env.example", "REGION=example\n")
			}
			cmd := exec.CommandContext(t.Context(), node, "-e", callHook, hook, dir, c.failure)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &stderr)
			}
			if len(c.says) == 0 && stderr.Len() > 0 {
				t.Errorf("stderr: %s", &stderr)
			}
			for _, want := range c.says {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("no %q in %q", want, &stderr)
				}
			}
			if lines := strings.Count(stderr.String(), "\n"); lines > 1 {
				t.Errorf("%d lines: %s", lines, &stderr)
			}
			if _, err := os.Stat(filepath.Join(dir, questions)); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", questions, err)
			}
			if c.env == "" {
				return
			}
			if env := text(t, dir, ".env"); env != c.env {
				t.Errorf(".env is %q", env)
			}
			if info, err := os.Stat(filepath.Join(dir, ".env")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", info.Mode(), err)
			}
		})
	}
}
