package check

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
)

// service is a unit with the settings that it is shipped with.
type service struct{ path, env, program string }

var units = []service{
	{"nsq/one/nsqd.service", "nsq/one/nsqd.env", "nsqd"},
	{"nsq/one/nsqd.service", "nsq/three/nsqd.env", "nsqd"},
	{"nsq/one/nsqadmin.service", "nsq/one/nsqadmin.env", "nsqadmin"},
	{"nsq/one/nsqadmin.service", "nsq/three/nsqadmin.env", "nsqadmin"},
	{"nsq/three/nsqlookupd.service", "nsq/three/nsqlookupd.env", "nsqlookupd"},
	{"worker/worker.service", "worker/worker.env", "worker"},
}

func (s service) options(t *testing.T, dir string) map[string][]string {
	t.Helper()
	parsed, err := unit.DeserializeOptions(strings.NewReader(read(t, filepath.Join(dir, s.path))))
	if err != nil {
		t.Fatalf("%s: %v", s.path, err)
	}
	all := map[string][]string{}
	for _, o := range parsed {
		all[o.Section+"."+o.Name] = append(all[o.Section+"."+o.Name], o.Value)
	}
	return all
}

// environment is what an EnvironmentFile says.
func environment(t *testing.T, dir, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(read(t, filepath.Join(dir, path))) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Errorf("%s: %q is no setting", path, line)
		}
		all[name] = value
	}
	return all
}

var variable = regexp.MustCompile(`\$\{?([A-Z_0-9]+)\}?`)

// command is ExecStart as systemd splits and expands it; there are no quotes in it. A variable without a value is an error, but for
// one that stands alone.
func (s service) command(t *testing.T, dir string) []string {
	t.Helper()
	o := s.options(t, dir)
	env := environment(t, dir, s.env)
	for _, more := range o["Service.EnvironmentFile"][1:] {
		maps.Copy(env, environment(t, dir, filepath.Join(filepath.Dir(s.path), filepath.Base(more))))
	}
	var line []string
	for _, word := range strings.Fields(strings.ReplaceAll(o["Service.ExecStart"][0], "\\\n", " ")) {
		if name, alone := strings.CutPrefix(word, "$"); alone && !strings.HasPrefix(name, "{") {
			line = append(line, strings.Fields(env[name])...)
			continue
		}
		line = append(line, variable.ReplaceAllStringFunc(word, func(v string) string {
			value := env[variable.FindStringSubmatch(v)[1]]
			if value == "" {
				t.Errorf("%s: %s is not set in %s", s.path, v, s.env)
			}
			return value
		}))
	}
	return line
}

func TestUnits(t *testing.T) {
	for _, s := range units {
		o := s.options(t, shipped)
		one := func(name string) string {
			t.Helper()
			if len(o[name]) != 1 {
				t.Fatalf("%s: %s is %q", s.path, name, o[name])
			}
			return o[name][0]
		}
		for name, want := range map[string]string{
			"Service.Restart": "always", "Service.ProtectSystem": "strict", "Service.NoNewPrivileges": "yes",
			"Service.CapabilityBoundingSet": "", "Install.WantedBy": "multi-user.target",
		} {
			if got := one(name); got != want {
				t.Errorf("%s: %s=%s, want %q", s.path, name, got, want)
			}
		}
		files := o["Service.EnvironmentFile"]
		if one("Service.MemoryMax") == "" || len(files) == 0 || filepath.Base(files[0]) != filepath.Base(s.env) {
			t.Errorf("%s: no bound, or no settings", s.path)
		}
		if slices.ContainsFunc(files, func(file string) bool { return strings.HasPrefix(file, "-") }) {
			t.Errorf("%s: starts without %q", s.path, files)
		}
		if mode := o["Service.KillMode"]; len(o["Service.KillSignal"]) > 0 || len(mode) > 0 && !slices.Equal(mode, []string{"mixed"}) {
			t.Errorf("%s: ended by %q, %q", s.path, o["Service.KillSignal"], mode)
		}
		if s.program != "nsqadmin" && one("Unit.StartLimitIntervalSec") != "0" {
			t.Errorf("%s: systemd gives up on it", s.path)
		}
		line := s.command(t, shipped)
		if s.program != "nsqd" {
			if one("Service.DynamicUser") != "yes" || len(o["Service.User"]) > 0 {
				t.Errorf("%s: runs as %q", s.path, o["Service.User"])
			}
		} else {
			if !slices.Contains(line, "--data-path=/var/lib/"+one("Service.StateDirectory")) || one("Service.LimitNOFILE") != "65536" ||
				one("Service.StateDirectoryMode") != "0700" {
				t.Errorf("%s: files %s, folder %s, command %q", s.path, one("Service.LimitNOFILE"), one("Service.StateDirectoryMode"), line)
			}
			if only := "--http-address=127.0.0.1:4151"; s.env == "nsq/one/nsqd.env" && !slices.Contains(line, only) {
				t.Errorf("%s with %s: no %s in %q", s.path, s.env, only, line)
			}
			if stop, err := strconv.Atoi(one("Service.TimeoutStopSec")); err != nil || stop < 60 {
				t.Errorf("%s: TimeoutStopSec=%s: killed before all is on its disk", s.path, one("Service.TimeoutStopSec"))
			}
			if user := one("Service.User"); !strings.Contains(read(t, "../nsq/one/nsqd.sysusers"), "\nu "+user+" - ") || user == "root" {
				t.Errorf("%s: nobody makes the user %q", s.path, user)
			}
		}
		for _, word := range line[1:] {
			_, address, isAddress := strings.Cut(word, "-address=")
			if isAddress && (strings.HasPrefix(address, ":") || strings.Contains(address, "0.0.0.0")) {
				t.Errorf("%s with %s: %s is open to all", s.path, s.env, word)
			}
		}
		// ${X} in an address would open all of them if X were forgotten; ExecStartPre refuses to go on.
		for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)\}`).FindAllStringSubmatch(o["Service.ExecStart"][0], -1) {
			if !strings.Contains(strings.Join(o["Service.ExecStartPre"], ""), "$${"+m[1]+":?") {
				t.Errorf("%s: %s may be forgotten", s.path, m[1])
			}
		}
	}
}

func TestWorkerUnit(t *testing.T) {
	s := units[len(units)-1]
	o := s.options(t, shipped)
	if stop, err := strconv.Atoi(o["Service.TimeoutStopSec"][0]); err != nil || stop <= workerStop(t) {
		t.Errorf("TimeoutStopSec=%d, the worker takes up to %d s: %v", stop, workerStop(t), err)
	}
	if mib, err := strconv.ParseInt(strings.TrimSuffix(o["Service.MemoryMax"][0], "M"), 10, 64); err != nil || mib<<20 <= workerMemory(t) {
		t.Errorf("MemoryMax=%dM: %v", mib, err)
	}
}

// worker.env names only what the worker reads, the lines that are commented out too.
func TestWorkerSettings(t *testing.T) {
	known := workerVariables(t)
	names := regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllStringSubmatch(read(t, "../worker/worker.env"), -1)
	for _, m := range names {
		if !known[m[1]] {
			t.Errorf("the worker has no setting %s", m[1])
		}
	}
	if len(names) < 12 {
		t.Errorf("found %q only", names)
	}
	env := environment(t, shipped, "worker/worker.env")
	for name, value := range env {
		if value == "" != strings.HasPrefix(name, "ALIBABA_CLOUD_") {
			t.Errorf("%s=%q", name, value)
		}
	}
	if env["NSQD_ADDRS"] != environment(t, shipped, "nsq/one/nsqd.env")["NSQ_ADDRESS"]+":4150" {
		t.Errorf("NSQD_ADDRS=%s is not the nsqd of nsq/one", env["NSQD_ADDRS"])
	}
}

// TestSysusers has systemd read what makes nsqd's user.
func TestSysusers(t *testing.T) {
	program := needed(t, "systemd-sysusers")
	file, err := filepath.Abs("../nsq/one/nsqd.sysusers") // it looks for others where systemd's are
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "--dry-run", file).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// needed is the path of a program. CI has it; elsewhere the test is skipped without it.
func needed(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("NEED_SYSTEMD") != "" {
			t.Fatal(err)
		}
		t.Skip("no " + name)
	}
	return program
}

// TestSystemdAnalyze has systemd itself read the units, and judge how confined they are: 0 is best, 10 is worst.
func TestSystemdAnalyze(t *testing.T) {
	program := needed(t, "systemd-analyze")
	for _, s := range units {
		// It wants the programs to be there.
		text := regexp.MustCompile(`(?m)^(ExecStart=)\S+`).ReplaceAllString(read(t, "../"+s.path), "${1}/bin/true")
		path := filepath.Join(t.TempDir(), filepath.Base(s.path))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), program, "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", s.path, err, out)
		}
		if out, err := exec.CommandContext(t.Context(), program, "security", "--no-pager", "--offline=true", "--threshold=20", path).CombinedOutput(); err != nil {
			t.Errorf("%s: more exposed than 2.0: %v\n%s", s.path, err, out)
		}
	}
}
