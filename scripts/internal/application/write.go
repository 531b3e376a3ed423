package application

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"
)

const publishFile = "publish.yaml"

// writeTemplates writes everything next to src/.
func writeTemplates(o Options, list settings) error {
	tree, err := fs.Sub(templates, "template")
	if err != nil {
		return err
	}
	out, err := os.OpenRoot(o.Out)
	if err != nil {
		return err
	}
	defer out.Close()
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if text, err = fillIn(name, text, o.Version, list); err != nil {
			return err
		}
		if err := out.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return out.WriteFile(name, text, 0o644)
	})
}

// fillIn executes publish.yaml and version.md, whose actions stand between [[ and ]], and leaves the others alone.
func fillIn(name string, text []byte, version string, list settings) ([]byte, error) {
	t, err := template.New(name).Delims("[[", "]]").Funcs(template.FuncMap{"example": list.get}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("application: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, struct{ Version string }{version}); err != nil {
		return nil, fmt.Errorf("application: %w", err)
	}
	if name == publishFile {
		return b.Bytes(), list.check(b.Bytes())
	}
	return b.Bytes(), nil
}
