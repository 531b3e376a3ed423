//go:build linux

package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/shell"
)

// How each command of the READMEs' shell blocks is known to work, by how it begins. What needs an account is said so in the text above it.
var readmeCommands = map[string]string{
	"go run ./scripts demo":                          "TestDemo",
	"go test ./...":                                  "CI",
	"go run ./scripts diagnose ":                     "run here",
	"go run ./scripts doctor https://<":              "TestDoctorOfOurFunction",
	"go run ./scripts params --url https://<":        "run here",
	"go run ./scripts bench --svg scripts/bench.svg": "TestBenchJSON",
	"npm install -g @serverless-devs/s@3":            "account",
	"s config add":                                   "account",
	"cp .env.example .env":                           "TestDeployment",
	"s deploy":                                       "account", // TestDeployment runs what it builds
	"git remote add upstream <this repository>":      "placeholder",
	"git fetch upstream && git merge upstream/main":  "placeholder",
	"go run ./scripts demo && go test ./...":         "CI",
}

// TestReadmeRuns: every command of the READMEs is run by a test, or needs an account or a name of yours.
func TestReadmeRuns(t *testing.T) {
	for _, name := range []string{"../README.md", "../README.zh-CN.md"} {
		readme, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		used := map[string]bool{}
		for _, block := range regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```").FindAllStringSubmatch(string(readme), -1) {
			for line := range strings.Lines(block[1]) {
				line = strings.TrimSpace(line)
				prefix := longestPrefix(line)
				if prefix == "" {
					t.Errorf("%s: nothing is known of %q", name, line)
				}
				used[prefix] = true
				if readmeCommands[prefix] == "run here" {
					runReadmeLine(t, line)
				}
			}
		}
		for prefix, how := range readmeCommands {
			if !used[prefix] {
				t.Errorf("%s no longer has %q", name, prefix)
			}
			if strings.HasPrefix(how, "Test") && !defined(t, ".", how) {
				t.Errorf("%q: there is no %s", prefix, how)
			}
		}
	}
}

func longestPrefix(line string) (longest string) {
	for prefix := range readmeCommands {
		if strings.HasPrefix(line, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return longest
}

// runReadmeLine runs the command with the reader's own names filled in.
func runReadmeLine(t *testing.T, line string) {
	t.Helper()
	words, err := shell.Fields(strings.NewReplacer("<the trigger>", "203.0.113.7", "&lt;", "<").Replace(line), func(string) string { return "" })
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), words[2:], environment{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}); code != 0 || out.Len() == 0 {
		t.Errorf("%s: exit status %d\n%s%s", line, code, &out, &errs)
	}
}
