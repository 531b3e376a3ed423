//go:build linux

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeNamesRealTests: every row of "What happens when…" is backed by a test of that name, in the folder it names.
func TestReadmeNamesRealTests(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(readme), "## What happens when")
	table, _, ended := strings.Cut(table, "\n## ")
	rows := regexp.MustCompile("(?m)^\\|.*\\| `(Test\\w+)`(?: in `\\./([\\w/]+)`)? \\|$").FindAllStringSubmatch(table, -1)
	if lines := strings.Count(table, "\n|"); !found || !ended || len(rows) != lines-2 || len(rows) < 10 {
		t.Fatalf("%d rows with a test, of %d lines", len(rows), lines)
	}
	for _, row := range rows {
		folder := row[2]
		if folder == "" {
			folder = "scripts"
		}
		if !defined(t, filepath.Join("..", filepath.FromSlash(folder)), row[1]) {
			t.Errorf("there is no %s in ./%s", row[1], folder)
		}
	}
}

func defined(t *testing.T, folder, test string) (found bool) {
	t.Helper()
	files, err := fs.Glob(os.DirFS(folder), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.Contains(string(text), "\nfunc "+test+"(t *testing.T)")
	}
	return found
}
