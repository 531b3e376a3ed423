package check

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

var (
	documents = []string{"nsq/README.md", "worker/README.md"}
	block     = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")
	link      = regexp.MustCompile(`\]\(([^)#:]+)\)`)
	metric    = regexp.MustCompile(`osscallback_worker_([a-z_]+)`)
	path      = regexp.MustCompile(`deploy/[a-z]+(?:/[a-z.-]+)*`)
)

// The commands are ones that a shell takes, and the files they name are there.
func TestDocuments(t *testing.T) {
	for _, document := range documents {
		text := read(t, "../"+document)
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			if _, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(dedent(m[1])), document); err != nil {
				t.Errorf("%v in:\n%s", err, m[1])
			}
			if dir := regexp.MustCompile(`(?m)^cd (\S+)$`).FindStringSubmatch(m[1]); dir != nil {
				for _, file := range regexp.MustCompile(`\b[a-z-]+\.(?:yaml|service|env|sysusers)\b`).FindAllString(m[1], -1) {
					exists(t, document, filepath.Join(root, dir[1], file))
				}
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			exists(t, document, filepath.Join("..", filepath.Dir(document), m[1]))
		}
		for _, p := range path.FindAllString(text, -1) {
			exists(t, document, filepath.Join(root, p))
		}
	}
}

// dedent takes away what a list indents its blocks by.
func dedent(s string) string {
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	return strings.ReplaceAll("\n"+s, "\n"+indent, "\n")
}

func exists(t *testing.T, document, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("%s: %v", document, err)
	}
}

// Alerts on a metric that does not exist never fire.
func TestMetricsExist(t *testing.T) {
	source := read(t, filepath.Join(root, "queue/worker/metrics.go"))
	names := metric.FindAllStringSubmatch(read(t, "../nsq/README.md"), -1)
	if len(names) < 5 {
		t.Errorf("found %q only", names)
	}
	for _, m := range names {
		if !strings.Contains(source, `"`+m[1]+`"`) {
			t.Errorf("the worker has no metric %s", m[0])
		}
	}
	outcomes := read(t, filepath.Join(root, "queue/outcome.go"))
	for _, m := range regexp.MustCompile(`outcome="([a-z]+)"`).FindAllStringSubmatch(read(t, "../nsq/README.md"), -1) {
		if !strings.Contains(outcomes, `"`+m[1]+`"`) {
			t.Errorf("no outcome %s", m[1])
		}
	}
}
