package check

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// nsqPrograms builds the real programs, from the module and with the versions that the product is tested with. They do not build from
// another module (theirs has a replace), hence from their own folder.
func nsqPrograms(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	source := output(t, root, "go", "list", "-m", "-f", "{{.Dir}}", nsqPath)
	if source == "" {
		output(t, root, "go", "mod", "download", nsqPath)
		source = output(t, root, "go", "list", "-m", "-f", "{{.Dir}}", nsqPath)
	}
	output(t, source, "go", "build", "-buildvcs=false", "-o", dir+"/", "./apps/nsqd", "./apps/nsqlookupd", "./apps/nsqadmin")
	return dir
}

// commandLines are all that the files under deploy start, by where they stand.
func commandLines(t *testing.T, dir string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for name, s := range composeServices(t, dir) {
		if s.Build == nil {
			all[name] = slices.Concat(s.Entrypoint, s.Command)
		}
	}
	for name, pod := range templates(t, manifests(t, dir)) {
		if name != "worker" {
			all["kubernetes "+name] = pod.Spec.Containers[0].Command
		}
	}
	for _, u := range units {
		if u.program != "worker" {
			all[u.path+" with "+u.env] = u.command(t, dir)
		}
	}
	return all
}

// Every command line is given to the real program, which parses all of it before it answers --version.
func TestCommandLines(t *testing.T) {
	programs := nsqPrograms(t)
	check := func(where string, line []string) {
		t.Helper()
		program := filepath.Base(line[0])
		out, err := exec.CommandContext(t.Context(), filepath.Join(programs, program), append(slices.Clone(line[1:]), "--version")...).CombinedOutput()
		if version := strings.TrimPrefix(nsqImage(t), "nsqio/nsq:"); err != nil || !strings.HasPrefix(string(out), program+" "+version) {
			t.Errorf("%s: %q: %v\n%.300s", where, line, err, out)
		}
	}
	lines := commandLines(t, shipped)
	for where, line := range lines {
		check(where, line)
	}
	if len(lines) != 5+3+5 {
		t.Errorf("%d command lines", len(lines))
	}
	if err := exec.CommandContext(t.Context(), filepath.Join(programs, "nsqd"), "--sync-evry=1", "--version").Run(); err == nil {
		t.Error("nsqd takes any flag: this test proves nothing")
	}

	// What is commented out, too.
	for where, line := range commandLines(t, secured(t)) {
		check(where, line)
	}
}

// Messages are on disk before nsqd says OK, and nsqd does not listen on all addresses by accident.
func TestNSQDKeepsMessagesOnDisk(t *testing.T) {
	seen := 0
	for where, line := range commandLines(t, shipped) {
		if filepath.Base(line[0]) != "nsqd" {
			continue
		}
		seen++
		for _, want := range []string{"--mem-queue-size=0", "--sync-every=1", "--https-address="} { // the last: or TLS opens 0.0.0.0:4152
			if !slices.Contains(line, want) {
				t.Errorf("%s: no %s in %q", where, want, line)
			}
		}
		cluster := slices.ContainsFunc(line, func(a string) bool { return strings.HasPrefix(a, "--lookupd-tcp-address=") })
		named := slices.ContainsFunc(line, func(a string) bool { return strings.HasPrefix(a, "--broadcast-address=") })
		if cluster != named {
			t.Errorf("%s: with nsqlookupd, workers need --broadcast-address to find nsqd: %q", where, line)
		}
		if named && !strings.HasPrefix(where, "kubernetes ") && !slices.Contains(line, "--broadcast-address="+privateAddress) {
			t.Errorf("%s: workers are sent elsewhere: %q", where, line)
		}
	}
	if seen != 5 {
		t.Errorf("%d nsqd", seen)
	}
	if _, ok := manifests(t, shipped)["StatefulSet/nsqd"].(*appsv1.StatefulSet); !ok {
		t.Error("nsqd without a disk of its own")
	}
}
