package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const (
	root    = "../.." // of the repository
	shipped = ".."    // the files as they are
	nsqPath = "github.com/nsqio/nsq"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// goMod is that of the product, not of these tests.
func goMod(t *testing.T) *modfile.File {
	t.Helper()
	f, err := modfile.Parse("go.mod", []byte(read(t, filepath.Join(root, "go.mod"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// nsqImage is the image of the version that the product is tested with.
func nsqImage(t *testing.T) string {
	t.Helper()
	for _, r := range goMod(t).Require {
		if r.Mod.Path == nsqPath {
			return "nsqio/nsq:" + r.Mod.Version
		}
	}
	t.Fatal("go.mod has no " + nsqPath)
	return ""
}

// goFiles parses the files of a package, tests aside.
func goFiles(t *testing.T, dir string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatal(dir, paths, err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// workerVariables are those that the worker reads, and what Go itself does.
func workerVariables(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"SSL_CERT_FILE": true, "GOMEMLIMIT": true}
	for _, dir := range []string{"queue/worker", "queue/settings"} {
		for _, f := range goFiles(t, dir) {
			ast.Inspect(f, func(n ast.Node) bool {
				if field, ok := n.(*ast.Field); ok && field.Tag != nil {
					tag, _ := strconv.Unquote(field.Tag.Value)
					if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("env"), ","); name != "" {
						names[name] = true
					}
				}
				return true
			})
		}
	}
	for _, name := range []string{"NSQD_ADDRS", "NSQLOOKUPD_ADDRS", "METRICS_ADDR", "OSS_ENDPOINT"} {
		if !names[name] {
			t.Fatalf("no %s in the worker's settings: did they move?", name)
		}
	}
	return names
}

// workerConstant is the text of a constant's value, such as "22 * time.Second".
func workerConstant(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{"main.go", "memory.go"} {
		text := read(t, filepath.Join(root, "queue/worker", path))
		if m := regexp.MustCompile(`(?m)^(?:const|\s)\s*` + name + `\s*= (.+?)(?:\s*//.*)?$`).FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	t.Fatalf("the worker has no constant %s: did it move?", name)
	return ""
}

// workerStop is the seconds that a worker may take from SIGTERM to its end: jobs, and 6 s for the rest.
func workerStop(t *testing.T) int {
	t.Helper()
	seconds, err := strconv.Atoi(strings.TrimSuffix(workerConstant(t, "drainTimeout"), " * time.Second"))
	if err != nil {
		t.Fatal(err)
	}
	return seconds + 6
}

// workerMemory is its bound, in bytes.
func workerMemory(t *testing.T) int64 {
	t.Helper()
	if text := workerConstant(t, "maxMemory"); text != "1 << 30" {
		t.Fatalf("maxMemory is %s: teach this test", text)
	}
	return 1 << 30
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
