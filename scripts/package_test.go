//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackageCommand(t *testing.T) {
	tree := committedTree(t)
	if err := os.WriteFile(filepath.Join(tree, "new"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(tree, "scripts"))
	var stdout, stderr bytes.Buffer
	command := packageCommand(environment{stdout: &stdout, stderr: &stderr})
	if err := command.Run(t.Context(), []string{"package", "--version", "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	if out := stdout.String(); !strings.Contains(out, "packaged") || !strings.Contains(out, "cd dist && s registry publish") {
		t.Errorf("%s", out)
	}
	if warning := stderr.String(); warning != "Warning: the last commit was packaged; 1 of your files have changed since or are new: see git status.\n" {
		t.Errorf("%q", warning)
	}
	for _, name := range []string{"publish.yaml", "readme.md", "version.md", "hook/index.js", "src/s.yaml", "src/function/main.go"} {
		if _, err := os.Stat(filepath.Join("dist", name)); err != nil {
			t.Error(err)
		}
	}
	if err := packageCommand(environment{}).Run(t.Context(), []string{"package", "--version", "1.2.3"}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("again into the same folder: %v", err)
	}
}
