//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"oss-callback/scripts/internal/bench"
	"oss-callback/scripts/internal/stack"
)

// builtAlready saves building what TestMain has built.
func builtAlready(context.Context, string) (stack.Binaries, error) { return binaries, nil }

// The command as users run it: it is its own nsqd.
func TestBenchJSON(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), command, "bench", "--json", "--only", "cold start", "--only", "size")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	var report bench.Report
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if report.Machine.Cores == 0 || len(report.Sections) != 2 || report.Sections[0].Name != "size" || report.Sections[1].Name != "cold start" {
		t.Errorf("%+v", report)
	}
	for _, s := range report.Sections {
		if len(s.Targets) != 1 || s.Targets[0].Value.Number <= 0 || len(s.Rows) != 2 {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
}

func TestBenchTable(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	env := environment{stdout: &out, stderr: &errs, build: builtAlready}
	if code := run(t.Context(), []string{"scripts", "bench", "--only", "verification"}, env); code != 0 {
		t.Fatalf("exit status %d\n%s", code, &errs)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	wants := []string{
		`cores, linux/\w+, go1`, `^$`, `^verification  \(`, `^callback\.Verifier beside`, `^reads the body`,
		`^ +ours +bare +ratio$`,
		`^  the signature +[\d.]+ [µm]s +[\d.]+ [µm]s +[\d.]+x$`,
		`^  the whole      +[\d.]+ [µm]s +[\d.]+ [µm]s +[\d.]+x$`,
		`^(met   |missed)  verifying a signature, to bare: [\d.]+x, at most 1\.10x$`, `^$`,
		`^[01] of 1 targets met\. `,
	}
	for i, want := range wants {
		if len(lines) != len(wants) || !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Fatalf("line %d of %q, want %s", i, lines, want)
		}
	}
}

func TestBenchRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown section":     {[]string{"--only", "speed"}, `there is no section "speed", but: verification, size, cold start`},
		"a plot of something": {[]string{"--only", "size", "--svg", filepath.Join(t.TempDir(), "x.svg")}, "add --only growth"},
		"arguments":           {[]string{"fast"}, "takes no arguments"},
		"nowhere to plot":     {[]string{"--only", "growth", "--svg", filepath.Join(t.TempDir(), "no", "x.svg")}, "--svg"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"scripts", "bench"}, c.args...), environment{stdout: &out, stderr: &errs, build: builtAlready})
		if code != 1 || !strings.Contains(errs.String(), c.want) || out.Len() > 0 {
			t.Errorf("%s: exit status %d, %q, %q", name, code, &errs, &out)
		}
	}
}

// The READMEs show one whole run, and its plot.
func TestReadmeBench(t *testing.T) {
	for _, name := range []string{readmeEN, readmeZH} {
		text := document(t, name)
		_, block, _ := strings.Cut(text, "```sh\ngo run ./scripts bench --svg scripts/bench.svg\n```\n\n```text\n")
		block, _, _ = strings.Cut(block, "```")
		if !regexp.MustCompile(`(?s)^\S.* cores, linux/\w+, go1\..*\d+ of \d+ targets met`).MatchString(block) {
			t.Errorf("%s shows no run of bench", name)
		}
		for _, section := range bench.Names() {
			if !strings.Contains(block, "\n"+section+"  (") {
				t.Errorf("%s: the run lacks %s", name, section)
			}
		}
		if !strings.Contains(text, "](scripts/bench.svg)") {
			t.Errorf("%s does not show the plot", name)
		}
	}
	if svg, err := os.ReadFile("bench.svg"); err != nil || !strings.HasPrefix(string(svg), "<svg ") {
		t.Errorf("bench.svg: %v", err)
	}
}
