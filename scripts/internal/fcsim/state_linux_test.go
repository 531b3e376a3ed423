package fcsim

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// awaitStopped returns when the process is stopped by a signal, which the kernel does soon after it was sent.
func awaitStopped(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	state := ""
	for tick := time.Tick(time.Millisecond); time.Now().Before(deadline); <-tick {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		if state = rest[:1]; state == "T" {
			return
		}
	}
	t.Fatalf("process is in state %q, want T (stopped)", state)
}
