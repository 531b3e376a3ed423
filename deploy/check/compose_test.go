package check

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// composeFiles are all there are, with the variables that each must insist on.
var composeFiles = map[string][]string{
	"nsq/one/compose.yaml":      {"NSQ_ADDRESS"},
	"nsq/three/nsqd.yaml":       {"NSQ_ADDRESS", "NSQLOOKUPD_1", "NSQLOOKUPD_2"},
	"nsq/three/nsqlookupd.yaml": {"NSQ_ADDRESS"},
	"nsq/three/nsqadmin.yaml":   {"NSQLOOKUPD_1", "NSQLOOKUPD_2"},
	"worker/compose.yaml":       nil,
}

// composePorts are what each program listens on, for somebody outside of its container.
var composePorts = map[string][]string{
	"nsqd": {"4150", "4151"}, "nsqlookupd": {"4160", "4161"}, "nsqadmin": {"4171"}, "worker": {"9100"},
}

const privateAddress = "10.0.0.11"

func project(t *testing.T, dir, path string, variables []string) (*types.Project, error) {
	t.Helper()
	var env []string
	for _, v := range variables {
		env = append(env, v+"="+privateAddress)
	}
	// The worker's own settings lie next to its file, once it is used: never read them here.
	options, err := cli.NewProjectOptions([]string{filepath.Join(dir, path)}, cli.WithEnv(env), cli.WithInterpolation(true),
		cli.WithConsistency(true), cli.WithoutEnvironmentResolution)
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func composeServices(t *testing.T, dir string) map[string]types.ServiceConfig {
	t.Helper()
	all := map[string]types.ServiceConfig{}
	for path, variables := range composeFiles {
		p, err := project(t, dir, path, variables)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for name, s := range p.Services {
			all[path+" "+name] = s
		}
	}
	return all
}

func TestEveryComposeFileIsChecked(t *testing.T) {
	for _, pattern := range []string{"../nsq/one/*.yaml", "../nsq/three/*.yaml", "../worker/compose*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatal(pattern, err)
		}
		for _, path := range paths {
			if _, known := composeFiles[strings.TrimPrefix(path, "../")]; !known {
				t.Errorf("%s: add it to composeFiles", path)
			}
		}
	}
}

// A variable that was forgotten stops everything: with an empty address a port would be open to all.
func TestComposeInsistsOnItsVariables(t *testing.T) {
	for path, variables := range composeFiles {
		for _, missing := range variables {
			others := slices.DeleteFunc(slices.Clone(variables), func(v string) bool { return v == missing })
			if _, err := project(t, shipped, path, others); err == nil || !strings.Contains(err.Error(), missing) {
				t.Errorf("%s without %s: %v", path, missing, err)
			}
		}
	}
}

func TestCompose(t *testing.T) {
	for name, s := range composeServices(t, shipped) {
		var open []string
		for _, p := range s.Ports {
			open = append(open, p.Published)
			if p.Published != fmt.Sprint(p.Target) || p.Protocol != "tcp" {
				t.Errorf("%s: %s leads to %d/%s", name, p.Published, p.Target, p.Protocol)
			}
			if p.HostIP != "127.0.0.1" && p.HostIP != privateAddress {
				t.Errorf("%s: port %d is open on %q", name, p.Target, p.HostIP)
			}
			if strings.HasSuffix(name, " nsqadmin") && p.HostIP != "127.0.0.1" {
				t.Errorf("%s: listens on %s", name, p.HostIP)
			}
		}
		slices.Sort(open)
		if open = slices.Compact(open); !slices.Equal(open, composePorts[s.Name]) {
			t.Errorf("%s: opens %q, want %q", name, open, composePorts[s.Name])
		}
		if s.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: restart is %q", name, s.Restart)
		}
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged {
			t.Errorf("%s: has more rights than it needs", name)
		}
		if s.NetworkMode != "" || s.StopSignal != "" {
			t.Errorf("%s: network %q, stop signal %q", name, s.NetworkMode, s.StopSignal)
		}
		// nsqd is root in the container, whose volume is root's; the worker's Dockerfile names its user.
		if anybody := !strings.HasSuffix(name, " nsqd") && s.Build == nil; anybody != (s.User == "65534:65534") {
			t.Errorf("%s: user %q", name, s.User)
		}
		if strings.HasSuffix(name, " nsqlookupd") && (s.HealthCheck == nil || s.HealthCheck.Test[len(s.HealthCheck.Test)-1] != "http://127.0.0.1:4161/ping") {
			t.Errorf("%s: health check %+v", name, s.HealthCheck)
		}
		if s.MemLimit == 0 || s.Logging == nil || s.Logging.Options["max-size"] == "" {
			t.Errorf("%s: memory or log without a limit", name)
		}
		if s.Build == nil && s.Image != nsqImage(t) {
			t.Errorf("%s: image %s, the tests run %s", name, s.Image, nsqImage(t))
		}
		if strings.HasSuffix(name, " nsqd") {
			checkNSQD(t, name, s)
		}
	}
}

func checkNSQD(t *testing.T, name string, s types.ServiceConfig) {
	t.Helper()
	if len(s.Volumes) != 1 || s.Volumes[0].Type != types.VolumeTypeVolume || !slices.Contains(s.Entrypoint, "--data-path="+s.Volumes[0].Target) {
		t.Errorf("%s: volume %+v, command %q", name, s.Volumes, s.Entrypoint)
	}
	if s.HealthCheck == nil || s.HealthCheck.Test[len(s.HealthCheck.Test)-1] != "http://127.0.0.1:4151/ping" {
		t.Errorf("%s: health check %+v", name, s.HealthCheck)
	}
	if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < time.Minute || s.Ulimits["nofile"] == nil {
		t.Errorf("%s: stop %v, files %v", name, s.StopGracePeriod, s.Ulimits["nofile"])
	}
}

func TestComposeWorker(t *testing.T) {
	s := composeServices(t, shipped)["worker/compose.yaml worker"]
	if grace := time.Duration(*s.StopGracePeriod); grace <= time.Duration(workerStop(t))*time.Second {
		t.Errorf("stop_grace_period %v, the worker takes up to %d s", grace, workerStop(t))
	}
	if int64(s.MemLimit) <= workerMemory(t) {
		t.Errorf("mem_limit %d", s.MemLimit)
	}
	known := workerVariables(t)
	for variable := range s.Environment {
		if !known[variable] {
			t.Errorf("the worker has no setting %s", variable)
		}
	}
	if p, err := project(t, shipped, "worker/compose.yaml", []string{"GOPROXY"}); err != nil || len(p.Services["worker"].Build.Args) != 1 {
		t.Errorf("GOPROXY does not reach the build: %v", err)
	}
	if s.Build.Dockerfile != "deploy/worker/Dockerfile" {
		t.Errorf("dockerfile %s", s.Build.Dockerfile)
	}
	if abs, err := filepath.Abs(root); err != nil || s.Build.Context != abs {
		t.Errorf("context %s", s.Build.Context)
	}
	if len(s.EnvFiles) != 1 || filepath.Base(s.EnvFiles[0].Path) != ".env" || s.EnvFiles[0].Format != "raw" { // the name that .gitignore knows
		t.Errorf("env_file %+v", s.EnvFiles)
	}
}
