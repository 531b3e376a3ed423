package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"oss-callback/scripts/internal/nsqdproc"
	"oss-callback/scripts/internal/process"
	"oss-callback/scripts/internal/stack"
)

// Names of what is measured with. They open nothing.
const (
	bucket    = "bench-bucket"
	object    = "photos/bench.jpg"
	topic     = "oss_upload"
	region    = "cn-hangzhou"
	keyID     = "bench-only-key-id"
	keySecret = "bench-only-key-secret"
)

// The floors collect garbage as rarely as ours, which set this in main.
const (
	functionGOGC = "200"
	workerGOGC   = "400"
)

const (
	stopGrace = 10 * time.Second
	logLines  = 15
)

// floorPackages are the programs that ours are measured against.
var floorPackages = []string{"smallest", "trips", "sdktrips", "thumbnail"}

// BuildFloors compiles the programs to measure against into dir, as the function is compiled. Its errors are those of stack.Build.
func BuildFloors(ctx context.Context, dir string) error {
	paths := make([]string, len(floorPackages))
	for i, name := range floorPackages {
		paths[i] = "./scripts/internal/bench/floor/" + name
	}
	return stack.Compile(ctx, dir, paths...)
}

func (r *rig) floor(name string) string { return stack.Executable(r.Floors, name) }

func (r *rig) chosen() []section {
	if len(r.Only) == 0 {
		return sections
	}
	return slices.DeleteFunc(slices.Clone(sections), func(s section) bool { return !slices.Contains(r.Only, s.name) })
}

// startNSQD starts an nsqd that syncs each message to disk before it answers: the part that takes longest, and the same for all.
func (r *rig) startNSQD(ctx context.Context) (*queueNode, error) { return r.startNSQDIn(ctx, r.Dir) }

// memory is a file system in memory on Linux. That of a container may be as small as 64 MB: whoever publishes much empties the topic.
const memory = "/dev/shm"

// startFastNSQD is the same with its messages in memory, where the system has a file system there: a sync costs nothing, and what
// publishers cost shows.
func (r *rig) startFastNSQD(ctx context.Context) (*queueNode, error) {
	if node, err := r.startNSQDIn(ctx, memory); err == nil {
		return node, nil
	}
	return r.startNSQD(ctx)
}

// folderName is that of an nsqd's messages: it names whose they are, so that a later run can remove what one that was killed has left.
func folderName(pid int) string { return fmt.Sprintf("oss-callback-bench-%d-", pid) }

// removeLeft removes messages from memory whose bench has ended.
func removeLeft() {
	folders, _ := filepath.Glob(filepath.Join(memory, "oss-callback-bench-*"))
	for _, folder := range folders {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(folder), "oss-callback-bench-%d-", &pid); err == nil && !process.Alive(pid) {
			_ = os.RemoveAll(folder)
		}
	}
}

// queueNode is an nsqd and its folder.
type queueNode struct{ *nsqdproc.NSQD }

func (r *rig) startNSQDIn(ctx context.Context, parent string) (*queueNode, error) {
	dir, err := os.MkdirTemp(parent, folderName(os.Getpid())+"*")
	if err != nil {
		return nil, err
	}
	nsqd, err := nsqdproc.Start(ctx, nsqdproc.Options{Path: r.NSQD, Args: r.NSQDArgs, Dir: dir})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &queueNode{nsqd}, nil
}

// stop ends nsqd as a crash does and removes its messages: nobody wants them.
func (n *queueNode) stop() {
	n.Kill()
	_ = os.RemoveAll(n.Dir())
}

// program is a process that serves HTTP.
type program struct {
	*process.Process
	addr string // host:port
	log  *stack.Tail
}

// serve starts a program with the environment that makes it listen on a free address, and returns when it answers 200 at the path health.
func (r *rig) serve(ctx context.Context, path, health string, env func(addr string) map[string]string) (*program, error) {
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	log := stack.NewTail(logLines)
	p, err := process.Start(process.Options{Path: path, Dir: r.Dir, Env: environ(env(addr)), Stdout: log, Stderr: log})
	if err != nil {
		return nil, err
	}
	if err := stack.AwaitHealthy(ctx, p, "http://"+addr+health); err != nil {
		_ = p.Kill()
		return nil, fmt.Errorf("%w: %q", err, log.Lines())
	}
	return &program{p, addr, log}, nil
}

func (p *program) stop() { _ = p.Stop(stopGrace) } // how it ends is of no interest

func environ(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// functionEnv are the settings of our function. Credentials come with them where no runtime API hands them over.
func (r *rig) functionEnv(ossURL string, nsqds ...string) map[string]string {
	return map[string]string{
		"OSS_ENDPOINT": ossURL, "OSS_REGION": region, "ALLOWED_BUCKETS": bucket, "NSQ_TOPIC": topic, "NSQD_ADDRS": strings.Join(nsqds, ","),
		"OSS_CALLBACK_PUBLIC_KEY": r.signer.PublicKeyPEM(), "LOG_LEVEL": "info",
	}
}

// webFunction starts our function behind its web door.
func (r *rig) webFunction(ctx context.Context, env map[string]string) (*program, error) {
	return r.serve(ctx, r.Function, "/healthz", func(addr string) map[string]string {
		env["LISTEN_HOST"], env["FC_CUSTOM_LISTEN_PORT"], _ = net.SplitHostPort(addr) // addr is ours
		env["ALIBABA_CLOUD_ACCESS_KEY_ID"], env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = keyID, keySecret
		return env
	})
}
