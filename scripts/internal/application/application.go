// Package application assembles what the Serverless Devs registry takes: a folder with publish.yaml, its two pages, a hook, and the
// project's committed files under src/. In there nothing is changed: s.yaml goes on reading .env, which `s init` writes from the
// user's answers.
package application

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Errors of Write that the user can cure. Others come from git or the operating system.
var (
	ErrVersion  = errors.New("application: the version is not like 1.2.3")
	ErrNotEmpty = errors.New("application: the folder is not empty: remove it, or name another one")
	ErrNoGit    = errors.New("application: the git command is not on the PATH")
	ErrNoCommit = errors.New("application: not in a git repository with a commit: what is committed is what is packaged")
	ErrTree     = errors.New("application: cannot package this tree")
	ErrSettings = errors.New("application: .env.example and publish.yaml disagree")
)

// Options say what Write writes. All are required.
type Options struct {
	Dir     string // inside the project's git repository; its last commit is packaged
	Out     string // the folder to write, which is made; relative to the process's folder
	Version string // of the application, such as 1.2.3
}

// Report is what Write did.
type Report struct {
	Commit      string // that was packaged
	Files       int    // under src/
	Bytes       int64  // of them
	Uncommitted int    // files that differ from the commit, or are new: they are not in it
}

//go:embed all:template
var templates embed.FS

// versionForm is what the registry sorts by.
var versionForm = regexp.MustCompile(`^\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z.-]{1,32})?$`)

// Write assembles the application in o.Out. On an error the folder may hold a part of it.
func Write(ctx context.Context, o Options) (Report, error) {
	if !versionForm.MatchString(o.Version) {
		return Report{}, fmt.Errorf("%w: %.40q", ErrVersion, o.Version)
	}
	repo, err := openRepository(ctx, o.Dir)
	if err != nil {
		return Report{}, err
	}
	if err := makeEmpty(o.Out); err != nil {
		return Report{}, err
	}
	r := Report{Commit: repo.commit, Uncommitted: repo.uncommitted}
	src := filepath.Join(o.Out, "src")
	if r.Files, r.Bytes, err = repo.export(ctx, src); err != nil {
		return Report{}, err
	}
	example, err := os.ReadFile(filepath.Join(src, ".env.example"))
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrTree, err)
	}
	list := parseExample(string(example))
	if err := os.WriteFile(filepath.Join(src, questions), list.questions(), 0o644); err != nil {
		return Report{}, err
	}
	return r, writeTemplates(o, list)
}

func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	return nil
}
