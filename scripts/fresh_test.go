//go:build linux

package main

import (
	"io/fs"
	"path/filepath"
	"testing"
)

// TestBinariesAreFresh has go test see what TestMain's go build reads: cached results would survive any change of the function.
func TestBinariesAreFresh(t *testing.T) {
	for _, dir := range []string{"../function", "../queue"} {
		if err := filepath.WalkDir(dir, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Error(err)
		}
	}
}
