package check

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"golang.org/x/mod/semver"
)

func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	tree, err := parser.Parse(strings.NewReader(read(t, "../worker/Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Warnings) > 0 {
		t.Errorf("warnings: %+v", tree.Warnings)
	}
	all, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func last[T any](s instructions.Stage) (found T) {
	for _, c := range s.Commands {
		if c, ok := c.(T); ok {
			found = c
		}
	}
	return found
}

func TestDockerfile(t *testing.T) {
	all := stages(t)
	if len(all) != 2 || all[1].BaseName != "scratch" {
		t.Fatalf("%d stages", len(all))
	}
	build, final := all[0], all[1]
	_, version, _ := strings.Cut(build.BaseName, ":")
	if have, want := "v"+version, "v"+goMod(t).Go.Version; !semver.IsValid(have) || strings.Count(have, ".") != 2 || semver.Compare(have, want) < 0 {
		t.Errorf("builds with Go %s, go.mod asks for %s", have, want)
	}
	if arg := last[*instructions.ArgCommand](build); arg == nil || len(arg.Args) != 1 || arg.Args[0].Key != "GOPROXY" || arg.Args[0].Value != nil {
		t.Errorf("ARG %+v: where Go's proxy cannot be reached, nothing can be built", arg)
	}
	line := strings.Join(last[*instructions.RunCommand](build).CmdLine, " ")
	for _, want := range []string{"CGO_ENABLED=0", "-mod=readonly", "-trimpath", "./queue/worker"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if user := last[*instructions.UserCommand](final); user == nil || strings.HasPrefix(user.User, "0") || strings.Trim(user.User, "0123456789:") != "" {
		t.Errorf("USER %+v: Kubernetes refuses what it cannot see to be another user than root", user)
	}
	entry := last[*instructions.EntrypointCommand](final)
	if entry.PrependShell || !slices.Equal(entry.CmdLine, []string{"/worker"}) {
		t.Errorf("ENTRYPOINT %q: signals must reach the worker", entry.CmdLine)
	}
	var copied []string
	for _, c := range final.Commands {
		if c, ok := c.(*instructions.CopyCommand); ok && c.From == build.Name {
			copied = append(copied, c.DestPath)
		}
	}
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/worker"}; !slices.Equal(copied, want) {
		t.Errorf("the image holds %q, want %q", copied, want)
	}
	port := last[*instructions.ExposeCommand](final).Ports
	if want := fmt.Sprint(composeServices(t, shipped)["worker/compose.yaml worker"].Ports[0].Target); !slices.Equal(port, []string{want}) {
		t.Errorf("EXPOSE %q, compose.yaml has %s", port, want)
	}
}

// The build gets all that the worker is made of, and nothing secret.
func TestDockerContext(t *testing.T) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(read(t, "../worker/Dockerfile.dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	ignored := func(path string) bool {
		t.Helper()
		yes, err := matcher.MatchesOrParentMatches(path)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	needed := strings.Fields(output(t, root, "go", "list", "-deps", "-f",
		`{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$.Dir}}/{{.}} {{end}}{{end}}{{end}}`, "./queue/worker"))
	if len(needed) < 10 {
		t.Fatalf("the worker is made of %q", needed)
	}
	for _, path := range append(needed, filepath.Join(top, "go.mod"), filepath.Join(top, "go.sum")) {
		if path, err = filepath.Rel(top, path); err != nil || ignored(path) {
			t.Errorf("%s does not reach the build: %v", path, err)
		}
	}
	for _, path := range []string{".env", "deploy/worker/.env", ".git/config", "function/main.go", "queue/worker/main_test.go", "queue/testdata/job.json"} {
		if !ignored(path) {
			t.Errorf("%s reaches the build", path)
		}
	}
}
