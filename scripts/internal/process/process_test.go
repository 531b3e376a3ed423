//go:build linux

package process

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is its own child: ROLE says what to be.
func TestMain(m *testing.M) {
	switch os.Getenv("ROLE") {
	case "":
		os.Exit(m.Run())
	case "exit3":
		os.Exit(3)
	case "env":
		os.Stdout.WriteString(strings.Join(os.Environ(), "\n"))
	case "wait": // ends on SIGTERM
		os.Stdout.WriteString("up\n")
		<-time.After(time.Hour) // select{} would be a deadlock, which ends the program
	case "busy": // all threads run
		for range 8 {
			go func() {
				for {
				}
			}()
		}
		os.Stdout.WriteString("up\n")
		<-time.After(time.Hour)
	case "parent": // starts a child, tells its id, and hangs
		p, err := Start(Options{Path: os.Args[0], Env: []string{"ROLE=wait"}})
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(strconv.Itoa(p.PID()) + "\n")
		p.Wait()
	}
}

func start(t *testing.T, role string) (*Process, *bufio.Reader) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(Options{Path: os.Args[0], Env: []string{"ROLE=" + role}, Stdout: w})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { p.Kill(); r.Close() })
	return p, bufio.NewReader(r)
}

func TestEndings(t *testing.T) {
	p, _ := start(t, "exit3")
	if exit, ok := errors.AsType[*exec.ExitError](p.Wait()); !ok || exit.ExitCode() != 3 {
		t.Errorf("exit: %v", p.Wait())
	}
	for name, end := range map[string]func(*Process) error{
		"stop": func(p *Process) error { return p.Stop(time.Minute) },
		"stop when frozen": func(p *Process) error {
			if err := p.Freeze(); err != nil {
				return err
			}
			return p.Stop(time.Minute)
		},
		"no grace": func(p *Process) error { return p.Stop(0) },
		"kill":     (*Process).Kill,
	} {
		p, out := start(t, "wait")
		if _, err := out.ReadString('\n'); err != nil {
			t.Fatal(name, err)
		}
		if _, ok := errors.AsType[*exec.ExitError](end(p)); !ok {
			t.Errorf("%s: %v, want death by a signal", name, p.err)
		}
		if err := syscall.Kill(p.PID(), 0); err != syscall.ESRCH {
			t.Errorf("%s: process is still there: %v", name, err)
		}
	}
	if _, err := Start(Options{Path: "/nowhere/at/all"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
}

func TestEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "real")
	var out bytes.Buffer
	p, err := Start(Options{Path: os.Args[0], Env: []string{"ROLE=env"}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if p.Wait() != nil || out.String() != "ROLE=env" {
		t.Errorf("environment %q, end %v", out.String(), p.err)
	}
}

func TestKilledParentTakesChildAlong(t *testing.T) {
	parent, out := start(t, "parent")
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	parent.cmd.Process.Kill() // the one process, not its group: the child has its own anyway
	parent.Wait()
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.Tick(10 * time.Millisecond); running(t, pid); <-tick {
		if time.Now().After(deadline) {
			t.Fatal("the child outlives its parent")
		}
	}
}

// running is false for a zombie too, which only waits for init to take notice.
func running(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return state[0] != 'Z'
}

func TestFrozenStandsStill(t *testing.T) {
	p, out := start(t, "busy")
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := p.Freeze(); err != nil {
			t.Fatal(err)
		}
		tasks, err := filepath.Glob("/proc/" + strconv.Itoa(p.PID()) + "/task/*/stat")
		if err != nil || len(tasks) < 2 {
			t.Fatal(tasks, err)
		}
		for _, task := range tasks {
			stat, err := os.ReadFile(task)
			if _, state, _ := strings.Cut(string(stat), ") "); err != nil || state[0] != 'T' {
				t.Fatalf("a thread of a frozen process is in state %.1s (%v)", state, err)
			}
		}
		if err := p.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	p.Kill()
	if err := p.Freeze(); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("freeze of a dead process: %v", err)
	}
}

func TestAlive(t *testing.T) {
	p, _ := start(t, "wait")
	if !Alive(os.Getpid()) || !Alive(p.PID()) {
		t.Error("processes that run are not alive")
	}
	_ = p.Kill()
	if Alive(p.PID()) {
		t.Error("a killed process is alive")
	}
}
