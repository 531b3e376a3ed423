//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oss-callback/scripts/internal/application"
)

const (
	// serverlessDevsNeeded is set where Serverless Devs must be installable: then the tests fail without it instead of skipping.
	serverlessDevsNeeded = "NEED_SERVERLESS_DEVS"
	// codeFolder is where Function Compute unpacks what is deployed.
	codeFolder = "/code/"
)

// TestDeployment renders what `s deploy` would send, with the real Serverless Devs and no account, and runs what it would upload.
func TestDeployment(t *testing.T) {
	s := installServerlessDevs(t)
	dir := s.project(t)
	event := s.rendered(t, dir, "s.yaml")
	t.Run("registry", func(t *testing.T) { s.initFromRegistry(t, event) })
	t.Run("s.yaml", func(t *testing.T) {
		if p := event.Props; p.Runtime != "go1" || p.CustomRuntimeConfig != nil || p.InstanceConcurrency > 1 {
			t.Errorf("%+v", p)
		}
		code := packed(t, dir, "s.yaml", event)
		d, _ := openEvent(t, filepath.Join(code, event.Props.Handler), callbackSettings(t, event))
		answersGenuineCallback(t, d)
	})
	t.Run("with what is commented out", func(t *testing.T) { s.rendersCommented(t, dir, event) })
	t.Run("s.web.yaml", func(t *testing.T) {
		const file = "deploy/s.web.yaml"
		web := s.rendered(t, dir, file)
		custom := web.Props.CustomRuntimeConfig
		if p := web.Props; p.Runtime != "custom.debian12" || custom == nil || custom.Port != 9000 || p.InstanceConcurrency < 2 || p.InstanceConcurrency > 200 {
			t.Fatalf("%+v", p)
		}
		binary, inCode := strings.CutPrefix(custom.Command[0], codeFolder)
		if !inCode || len(custom.Command) != 1 {
			t.Fatalf("command %q does not start a file of the package", custom.Command)
		}
		d := openWeb(t, filepath.Join(packed(t, dir, file, web), binary), callbackSettings(t, web))
		answersGenuineCallback(t, d)

		// But for these, it is the same function.
		web.Props.Runtime, web.Props.CustomRuntimeConfig, web.Props.InstanceConcurrency = event.Props.Runtime, nil, 0
		web.Props.Code = strings.TrimPrefix(web.Props.Code, ".")
		web.Actions.PreDeploy[0].Path = event.Actions.PreDeploy[0].Path
		if diff := cmp.Diff(event, web); diff != "" {
			t.Errorf("%s changes more than it says:\n%s", file, diff)
		}
	})
}

// serverlessDevs is the installed CLI.
type serverlessDevs struct{ path string }

func installServerlessDevs(t *testing.T) serverlessDevs {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "serverless-devs"))); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv(serverlessDevsNeeded) != "" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("Serverless Devs needs Node.js and npm's registry: %v\n%s", err, out)
	}
	return serverlessDevs{filepath.Join(dir, "node_modules", ".bin", "s")}
}

// run runs it in dir and returns what it printed, without the developer's variables, which would win over .env, his credentials, and its
// own background processes, which report home and look for updates: NODE_ENV=test stops both.
func (s serverlessDevs) run(t *testing.T, dir string, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rigPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.path, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NODE_ENV=test", "NO_COLOR=1"}
	return cmd.CombinedOutput()
}

// project is a copy of this tree with .env.example for .env, as after a clone.
func (serverlessDevs) project(t *testing.T) string {
	t.Helper()
	dir := copyOfTheTree(t)
	example, err := os.ReadFile(filepath.Join(dir, ".env.example"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, ".env"), example, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyOfTheTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	kept := map[string]bool{"target": true, "dist": true, "node_modules": true, ".git": true, ".s": true, ".env": true}
	if err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		to := filepath.Join(dir, strings.TrimPrefix(path, ".."))
		switch {
		case err != nil:
			return err
		case kept[d.Name()] && d.IsDir():
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case kept[d.Name()] || !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// committedTree is a copy of this tree in a repository of its own, so that what is not committed yet is tested too.
func committedTree(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on the PATH")
	}
	dir := copyOfTheTree(t)
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"},
		{"-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "test"}} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir = dir
		git.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	return dir
}

// rendered is the one function of a file after `s preview`, checked.
func (s serverlessDevs) rendered(t *testing.T, dir, file string) deployed {
	t.Helper()
	out, err := s.run(t, dir, "preview", "-t", file, "-o", "json")
	i := bytes.IndexByte(out, '{')
	if err != nil || i < 0 {
		t.Fatalf("s preview -t %s: %v\n%s", file, err, out)
	}
	f := readDeployment(t, out[i:])
	for _, fault := range f.faults() {
		t.Errorf("%s: %s", file, fault)
	}
	return f
}

// rendersCommented uncomments the keys of s.yaml that are: each ends up where it belongs, and nothing else changes.
func (s serverlessDevs) rendersCommented(t *testing.T, dir string, plain deployed) {
	text, err := os.ReadFile(filepath.Join(dir, "s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const file = "s.all.yaml"
	text = regexp.MustCompile(`(?m)^( {6})# ((?:  )*[a-zA-Z]+:(?: .*)?)$`).ReplaceAll(text, []byte("$1$2"))
	for name, content := range map[string]string{file: string(text), "../callback.crt": "certificate\n", "../callback.key": "key\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := s.rendered(t, dir, file)
	want := plain
	want.Props.ScalingConfig = &deployScaling{MinInstances: 1}
	want.Props.CustomDomain = &deployCustomDomain{"callback.example.com", "HTTP,HTTPS", deployRoute{"/*", []string{"POST"}, "LATEST"},
		deployCert{"callback", "certificate\n", "key\n"}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}

// packed runs the commands of pre-deploy, zips the code folder as `s` does, and returns the folder where the zip was unpacked.
func packed(t *testing.T, dir, file string, f deployed) string {
	t.Helper()
	from := filepath.Join(dir, filepath.Dir(file))
	if len(f.Actions.PreDeploy) == 0 {
		t.Fatal("nothing builds the function")
	}
	for _, action := range f.Actions.PreDeploy {
		build := exec.CommandContext(t.Context(), "sh", "-c", action.Run)
		build.Dir = filepath.Join(from, action.Path)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", action.Run, err, out)
		}
	}
	var pack bytes.Buffer
	w := zip.NewWriter(&pack)
	if err := errors.Join(w.AddFS(os.DirFS(filepath.Join(from, f.Props.Code))), w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(pack.Bytes()), int64(pack.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 1 || r.File[0].Name != f.Props.Handler || r.File[0].Mode().Perm()&0o111 != 0o111 {
		t.Fatalf("the package is not just an executable named %s at its root: %v", f.Props.Handler, slices.Collect(zipNames(r)))
	}
	code := t.TempDir()
	if err := os.CopyFS(code, r); err != nil {
		t.Fatal(err)
	}
	return code
}

func zipNames(r *zip.Reader) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, f := range r.File {
			if !yield(f.Mode().String() + " " + f.Name) {
				return
			}
		}
	}
}

// callbackSettings are the rendered variables, with the addresses of parts that this test starts.
func callbackSettings(t *testing.T, f deployed) map[string]string {
	t.Helper()
	settings := maps.Clone(f.Props.EnvironmentVariables)
	maps.Copy(settings, surroundings(t))
	return settings
}

func answersGenuineCallback(t *testing.T, d door) {
	t.Helper()
	if status, code := d.call(t, jsonVector); status != 200 || code != "not_an_image" {
		t.Errorf("%d %s\n%s", status, code, d.log)
	}
}

// initFromRegistry does what a user of the registry does: s init, some answers, s deploy. example is the function with .env.example.
func (s serverlessDevs) initFromRegistry(t *testing.T, example deployed) {
	out := filepath.Join(t.TempDir(), "dist")
	if _, err := application.Write(t.Context(), application.Options{Dir: committedTree(t), Out: out, Version: "1.2.3"}); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for i, name := range exampleNames(t, "..") {
		answers[name] = "answer-" + string(rune('a'+i))
	}
	t.Run("every answer arrives", func(t *testing.T) {
		text, err := json.Marshal(answers)
		if err != nil {
			t.Fatal(err)
		}
		rendered, err := s.run(t, s.initProject(t, out, "--parameters", string(text)), "preview", "-o", "json")
		for name, value := range answers {
			if !bytes.Contains(rendered, []byte(`"`+value+`"`)) {
				t.Errorf("%s is asked for, but s.yaml does not use it (%v)", name, err)
			}
		}
	})
	t.Run("some answers", func(t *testing.T) {
		f := s.rendered(t, s.initProject(t, out, "--parameters", `{"ALLOWED_BUCKETS":"photos","NSQ_TLS":true,"NSQ_AUTH_SECRET":"5f2d8c01"}`), "s.yaml")
		for name, value := range map[string]string{"ALLOWED_BUCKETS": "photos", "NSQ_TLS": "true", "NSQ_AUTH_SECRET": "5f2d8c01"} {
			if f.Props.EnvironmentVariables[name] != value {
				t.Errorf("%s=%s, want %s", name, f.Props.EnvironmentVariables[name], value)
			}
			f.Props.EnvironmentVariables[name] = example.Props.EnvironmentVariables[name]
		}
		if diff := cmp.Diff(example, f); diff != "" {
			t.Errorf("without an answer, not as .env.example says:\n%s", diff)
		}
	})
	t.Run("no answers", func(t *testing.T) {
		if diff := cmp.Diff(example, s.rendered(t, s.initProject(t, out), "s.yaml")); diff != "" {
			t.Errorf("not as .env.example says:\n%s", diff)
		}
	})
}

// initProject is the folder that s init makes of a packaged application.
func (s serverlessDevs) initProject(t *testing.T, application string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "application.zip")) // s init deletes it
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := zip.NewWriter(file)
	if err := errors.Join(w.AddFS(os.DirFS(application)), w.Close()); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"init", "mine", "--uri", file.Name(), "-y", "-d", "mine"}, more...)
	if out, err := s.run(t, dir, args...); err != nil {
		t.Fatalf("s init: %v\n%s", err, out)
	}
	project := filepath.Join(dir, "mine")
	if diff := cmp.Diff(tracked(t, filepath.Join(application, "src")), tracked(t, project)); diff != "" {
		t.Errorf("s init did not only add .env:\n%s", diff)
	}
	return project
}

// tracked is the content of every file that belongs to the project.
func tracked(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	tree := os.DirFS(dir)
	if err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == ".env" || name == ".env.questions" {
			return err
		}
		file, err := tree.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		text, err := io.ReadAll(file)
		all[name] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}
