package application

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	gitTimeout = time.Minute
	// maxTree in bytes: the registry warns from 10 MB and refuses 20 MB, compressed.
	maxTree = 64 << 20
)

// repository is the project as git knows it.
type repository struct {
	top         string
	commit      string
	uncommitted int
}

func openRepository(ctx context.Context, dir string) (repository, error) {
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return repository{}, err
	}
	r := repository{top: strings.TrimSpace(string(top))}
	commit, err := git(ctx, r.top, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return repository{}, err
	}
	r.commit = strings.TrimSpace(string(commit))
	status, err := git(ctx, r.top, "status", "--porcelain", "--untracked-files=all")
	if err != nil {
		return repository{}, err
	}
	r.uncommitted = bytes.Count(status, []byte("\n"))
	return r, nil
}

// export writes the committed files into dir, which does not exist yet.
func (r repository) export(ctx context.Context, dir string) (files int, size int64, err error) {
	archive, err := git(ctx, r.top, "archive", "--format=tar", r.commit)
	if err != nil {
		return 0, 0, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, 0, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, 0, err
	}
	defer root.Close()
	entries := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return files, size, nil
		}
		if err != nil {
			return 0, 0, fmt.Errorf("%w: git archive: %w", ErrTree, err)
		}
		if err := extract(root, header, entries); err != nil {
			return 0, 0, fmt.Errorf("%w: %s: %w", ErrTree, header.Name, err)
		}
		if header.Typeflag == tar.TypeReg {
			files, size = files+1, size+header.Size
		}
	}
}

var errKind = errors.New("neither a file nor a folder: the registry's archives cannot hold it")

// extract writes one entry. The content is bounded by the archive, which is in memory; root keeps names inside.
func extract(root *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.FromSlash(header.Name)
	switch header.Typeflag {
	case tar.TypeXGlobalHeader: // the commit's id
		return nil
	case tar.TypeDir:
		return root.MkdirAll(filepath.Clean(name), 0o755)
	case tar.TypeReg:
	default:
		return errKind
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if header.FileInfo().Mode()&0o100 != 0 {
		mode = 0o755
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

// git runs one command in dir and returns what it prints, maxTree bytes at most. Variables of a surrounding git, such as those of a
// hook, would lead it elsewhere and are left out.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, withoutGit(os.Environ())
	out, stderr := &capped{most: maxTree}, &capped{most: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, ErrNoGit
	case ctx.Err() != nil:
		return nil, fmt.Errorf("application: git %s: %w", args[0], ctx.Err())
	case out.over:
		return nil, fmt.Errorf("%w: git %s printed more than %d bytes", ErrTree, args[0], maxTree)
	case err != nil && args[0] == "rev-parse":
		return nil, fmt.Errorf("%w: %s", ErrNoCommit, strings.TrimSpace(stderr.String()))
	case err != nil:
		return nil, fmt.Errorf("application: git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out.Bytes(), nil
}

func withoutGit(env []string) (rest []string) {
	for _, v := range env {
		if !strings.HasPrefix(v, "GIT_") {
			rest = append(rest, v)
		}
	}
	return rest
}

// capped keeps the first bytes and takes the rest without keeping it.
type capped struct {
	bytes.Buffer
	most int
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	if c.Len()+len(p) > c.most {
		c.over = true
		return len(p), nil
	}
	return c.Buffer.Write(p)
}
