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
		p, err := project(t, path, variables)
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
	before, errBefore := project(t, one, composeFiles[one])
	after, errAfter := project(t, three, composeFiles[three])
	if errBefore != nil || errAfter != nil {
		t.Fatal(errBefore, errAfter)
	}
	// All of a volume's settings: Compose offers to make one anew, and empty, when they differ from those that it was made with.
	if !together || !reflect.DeepEqual(before.Volumes, after.Volumes) || !reflect.DeepEqual(before.Services["nsqd"].Volumes, after.Services["nsqd"].Volumes) {
		t.Errorf("jobs stay behind in one/:\n%s %+v\n%s %+v", before.Name, before.Volumes, after.Name, after.Volumes)
	}
}

// What nsqd has on its disk as the only one, it has as one of three, and the other way round.
func TestFromOneToThree(t *testing.T) {
	program := filepath.Join(nsqPrograms(t), "nsqd")
	data := t.TempDir()
	lines := commandLines(t)
	for i, where := range []string{"nsq/one/compose.yaml nsqd", "nsq/three/nsqd.yaml nsqd", "nsq/one/nsqd.service with nsq/one/nsqd.env",
		"nsq/one/nsqd.service with nsq/three/nsqd.env", "nsq/one/compose.yaml nsqd"} {
		line := slices.Clone(lines[where])
		if len(line) == 0 {
			t.Fatalf("no %s", where)
		}
		for i, word := range line {
			if strings.HasPrefix(word, "--lookupd-tcp-address=") {
				line[i] = "--lookupd-tcp-address=127.0.0.1:1" // refuses at once
			}
		}
		url, stop := startNSQD(t, program, append(line[1:], "--data-path="+data))
		if depth := depth(t, url); depth != i {
			t.Errorf("%s: %d messages, want %d", where, depth, i)
		}
		if answer, err := http.Post(url+"/pub?topic=oss_upload", "", strings.NewReader("job")); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer, err)
		}
		stop()
	}
}

// startNSQD starts it on free ports of loopback, and returns the URL of its HTTP side.
func startNSQD(t *testing.T, program string, args []string) (url string, stop func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append(args, "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0")...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = write
	err = cmd.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(read)
	for url == "" && log.Scan() {
		if _, address, ok := strings.Cut(log.Text(), "HTTP: listening on "); ok {
			url = "http://" + address
		}
	}
	if url == "" {
		t.Fatalf("%q: no HTTP address: %v", args, cmd.Wait())
	}
	ended := make(chan struct{})
	go func() { // what else it logs would fill the pipe
		defer close(ended)
		defer read.Close()
		for log.Scan() {
		}
	}()
	return url, func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
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
