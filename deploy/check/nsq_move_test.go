package check

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// nsq/one and nsq/three are one project for Compose, so that nsqd's volume is the same. The others are projects of their own:
// --remove-orphans in one must not remove another.
func TestComposeProjects(t *testing.T) {
	const one, three = "nsq/one/compose.yaml", "nsq/three/nsqd.yaml"
	named := map[string][]string{}
	for path, variables := range composeFiles {
		p, err := project(t, shipped, path, variables)
		if err != nil {
			t.Fatal(err)
		}
		named[p.Name] = append(named[p.Name], path)
	}
	together := false
	for name, paths := range named {
		slices.Sort(paths)
		if slices.Equal(paths, []string{one, three}) {
			together = true
		} else if len(paths) > 1 {
			t.Errorf("%q are all the project %s", paths, name)
		}
	}
	before, errBefore := project(t, shipped, one, composeFiles[one])
	after, errAfter := project(t, shipped, three, composeFiles[three])
	if errBefore != nil || errAfter != nil {
		t.Fatal(errBefore, errAfter)
	}
	// All of a volume's settings: Compose offers to make one anew, and empty, when they differ from those that it was made with.
	if !together || !reflect.DeepEqual(before.Volumes, after.Volumes) || !reflect.DeepEqual(before.Services["nsqd"].Volumes, after.Services["nsqd"].Volumes) {
		t.Errorf("jobs stay behind in one/:\n%s %+v\n%s %+v", before.Name, before.Volumes, after.Name, after.Volumes)
	}
}

// What nsqd has on its disk as the only one, it has as one of three, and the other way round. TLS and auth stay on.
func TestFromOneToThree(t *testing.T) {
	program := filepath.Join(nsqPrograms(t), "nsqd")
	data := t.TempDir()
	dir, config := certificate(t, privateAddress)
	auth, lines := authServer(t), commandLines(t, secured(t))
	for i, where := range []string{"nsq/one/compose.yaml nsqd", "nsq/three/nsqd.yaml nsqd", "nsq/one/nsqd.service with nsq/one/nsqd.env",
		"nsq/one/nsqd.service with nsq/three/nsqd.env", "nsq/one/compose.yaml nsqd"} {
		n := startNSQD(t, program, append(onLoopback(t, lines[where], dir, auth)[1:], "--data-path="+data))
		if depth := depth(t, n.http); depth != i {
			t.Errorf("%s: %d messages, want %d", where, depth, i)
		}
		n.lets(t, login{config, secret}, "PUB oss_upload", "OK")
		n.lets(t, login{nil, ""}, "PUB oss_upload", "E_INVALID")
		n.lets(t, login{config, ""}, "PUB oss_upload", "E_AUTH_FIRST")
		n.stop(t)
	}
}

// nsqd is one that runs, with the address of its TCP side, and the URL of its HTTP side.
type nsqd struct {
	tcp, http string
	cmd       *exec.Cmd
	ended     <-chan struct{} // its log has
}

// startNSQD starts it on free ports of loopback.
func startNSQD(t *testing.T, program string, args []string) (n nsqd) {
	t.Helper()
	n.cmd = exec.CommandContext(t.Context(), program, append(args, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0")...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	n.cmd.Stderr = write
	err = n.cmd.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	log := bufio.NewScanner(read)
	for (n.tcp == "" || n.http == "") && log.Scan() {
		said.WriteString(log.Text() + "\n")
		if _, address, ok := strings.Cut(log.Text(), " TCP: listening on "); ok {
			n.tcp = address
		}
		if _, address, ok := strings.Cut(log.Text(), " HTTP: listening on "); ok {
			n.http = "http://" + address
		}
	}
	if n.tcp == "" || n.http == "" {
		t.Fatalf("%q: does not listen: %v\n%s", args, n.cmd.Wait(), &said)
	}
	ended := make(chan struct{})
	n.ended = ended
	go func() { // what else it logs would fill the pipe
		defer close(ended)
		defer read.Close()
		for log.Scan() {
			if strings.Contains(log.Text(), " HTTPS: listening on ") {
				t.Errorf("open to all: %s", log.Text())
			}
		}
	}()
	return n
}

func (n nsqd) stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-n.ended
	if err := n.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// depth is how many messages wait in the topic.
func depth(t *testing.T, url string) int {
	t.Helper()
	answer, err := http.Get(url + "/stats?format=json&topic=oss_upload")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var stats struct{ Topics []struct{ Depth int } }
	if err := json.NewDecoder(answer.Body).Decode(&stats); err != nil || len(stats.Topics) > 1 {
		t.Fatal(stats, err)
	}
	if len(stats.Topics) == 0 {
		return 0
	}
	return stats.Topics[0].Depth
}
