package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestShippedBinariesHoldNoTestKit keeps simulators, nsqd and everything for tests out of what is deployed.
func TestShippedBinariesHoldNoTestKit(t *testing.T) {
	for _, binary := range []string{"oss-callback/function", "oss-callback/queue/worker"} {
		list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", binary).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.Lines(string(list)) {
			dep = strings.TrimSpace(dep)
			for _, banned := range []string{"testing", "net/http/httptest", "net/http/pprof", "github.com/nsqio/nsq", "github.com/urfave",
				"github.com/google/go-cmp", "oss-callback/queue/nsqtest", "oss-callback/queue/osstest", "oss-callback/scripts"} {
				if dep == banned || strings.HasPrefix(dep, banned+"/") {
					t.Errorf("%s depends on %s", binary, dep)
				}
			}
		}
	}
}

// TestPackageIsSmall builds the function as s.yaml does. A small package is a short cold start.
func TestPackageIsSmall(t *testing.T) {
	const most = 6 << 20
	binary := filepath.Join(t.TempDir(), "main")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var pack bytes.Buffer
	archive := zip.NewWriter(&pack)
	entry, err := archive.Create("main")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(entry, file); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("zipped: %d bytes", pack.Len())
	if pack.Len() > most {
		t.Errorf("the zipped function has %d bytes, more than %d", pack.Len(), most)
	}
}
