package application

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// project is a repository with one commit that holds what publish.yaml asks for.
func project(t *testing.T, change func(dir string)) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on the PATH")
	}
	dir := t.TempDir()
	example, err := os.ReadFile("../../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, ".env.example", string(example))
	write(t, dir, "scripts/run.sh", "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(dir, "scripts/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "page.md", "{{ untouched }} <%= too %>\n")
	if change != nil {
		change(dir)
	}
	runGit(t, dir, "init", "-q")
	runGit(t, dir, "add", "-A")
	runGit(t, dir, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "test")
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = dir, withoutGit(os.Environ())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", args, err, out)
	}
}

func TestWrite(t *testing.T) {
	dir := project(t, nil)
	write(t, dir, "page.md", "changed since the commit")
	write(t, dir, ".env", "CALLBACK_TOKEN_SECRET=not-committed")
	out := filepath.Join(t.TempDir(), "a", "dist")
	// From inside the repository, and with the variables that a git hook has.
	t.Setenv("GIT_DIR", "/nowhere")
	r, err := Write(t.Context(), Options{Dir: filepath.Join(dir, "scripts"), Out: out, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Files != 3 || r.Bytes == 0 || len(r.Commit) != 40 || r.Uncommitted != 2 {
		t.Errorf("%+v", r)
	}
	var files []string
	if err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if rel, relErr := filepath.Rel(out, path); !d.IsDir() {
			files, err = append(files, filepath.ToSlash(rel)), errors.Join(err, relErr)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"hook/index.js", "publish.yaml", "readme.md", "src/.env.example", "src/.env.questions", "src/page.md", "src/scripts/run.sh",
		"version.md"}; !slices.Equal(files, want) {
		t.Errorf("%q", files)
	}
	if page := text(t, out, "src/page.md"); page != "{{ untouched }} <%= too %>\n" {
		t.Errorf("not the committed page: %s", page)
	}
	if info, err := os.Stat(filepath.Join(out, "src/scripts/run.sh")); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("%v %v", info, err)
	}
	publish := text(t, out, "publish.yaml")
	for _, want := range []string{"\nVersion: 1.2.3\n", "\n      default: \"cn-hangzhou\"\n", "\n      default: \"\"\n"} {
		if !strings.Contains(publish, want) {
			t.Errorf("publish.yaml lacks %q", want)
		}
	}
	if all := publish + text(t, out, "version.md"); strings.Contains(all, "[[") || strings.Contains(all, "]]") {
		t.Error("something was not filled in")
	}
}

func text(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWriteRefuses(t *testing.T) {
	edit := func(old, new string) func(string) {
		return func(dir string) {
			changed := strings.Replace(text(t, dir, ".env.example"), old, new, 1)
			if changed == text(t, dir, ".env.example") {
				t.Fatalf("no %q", old)
			}
			write(t, dir, ".env.example", changed)
		}
	}
	for name, c := range map[string]struct {
		change    func(dir string)
		before    func(o *Options)
		want      error
		mentioned string
	}{
		"no version":           {nil, func(o *Options) { o.Version = "" }, ErrVersion, ""},
		"a version with a v":   {nil, func(o *Options) { o.Version = "v1.2.3" }, ErrVersion, "v1.2.3"},
		"a version and more":   {nil, func(o *Options) { o.Version = "1.2.3\nName: other" }, ErrVersion, ""},
		"files in the way":     {nil, func(o *Options) { write(t, o.Out, "mine", "") }, ErrNotEmpty, "dist"},
		"no repository":        {nil, func(o *Options) { o.Dir = t.TempDir() }, ErrNoCommit, "git"},
		"no commit":            {nil, func(o *Options) { o.Dir = t.TempDir(); runGit(t, o.Dir, "init", "-q") }, ErrNoCommit, ""},
		"no .env.example":      {func(dir string) { os.Remove(filepath.Join(dir, ".env.example")) }, nil, ErrTree, ".env.example"},
		"a setting less":       {edit("ALLOWED_BUCKETS=", "#"), nil, ErrSettings, "ALLOWED_BUCKETS is in publish.yaml only"},
		"a secret less":        {edit("#CALLBACK_TOKEN_SECRET=", "#"), nil, ErrSettings, "CALLBACK_TOKEN_SECRET is in publish.yaml only"},
		"a setting more":       {edit("REGION=", "COLOUR=red\nREGION="), nil, ErrSettings, "COLOUR is in .env.example only"},
		"a value with a quote": {edit("FUNCTION_NAME=", "FUNCTION_NAME=it's "), nil, ErrSettings, "FUNCTION_NAME"},
		"a symbolic link":      {func(dir string) { t.Log(os.Symlink(".env.example", filepath.Join(dir, "link"))) }, nil, ErrTree, "link"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Dir: project(t, c.change), Out: filepath.Join(t.TempDir(), "dist"), Version: "1.2.3"}
			if c.before != nil {
				c.before(&o)
			}
			if _, err := Write(t.Context(), o); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.mentioned) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestWriteWithoutGit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Write(t.Context(), Options{Dir: t.TempDir(), Out: t.TempDir(), Version: "1.2.3"}); !errors.Is(err, ErrNoGit) {
		t.Error(err)
	}
}

func TestWriteCanBeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := project(t, nil)
	cancel()
	if _, err := Write(ctx, Options{Dir: dir, Out: t.TempDir(), Version: "1.2.3"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCappedOutput(t *testing.T) {
	c := capped{most: 3}
	for _, part := range []string{"ab", "c", "d"} {
		if n, err := c.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%d %v", n, err)
		}
	}
	if c.String() != "abc" || !c.over {
		t.Errorf("%q %v", c.String(), c.over)
	}
}
