// Package process starts the compiled function and worker as children that never outlive the command which started them.
//
// Each child leads a process group of its own, so that a Ctrl-C in the terminal reaches only us and children end in the order we
// choose. On Linux the kernel kills a child whose parent was killed.
package process

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"time"
)

// ErrNoFreeze comes from Freeze and Thaw on systems without SIGSTOP.
var ErrNoFreeze = errors.New("process: this system cannot stop and continue a process")

// pipeGrace is how long output is still read after the child has gone, in case something else holds its pipes open.
const pipeGrace = 2 * time.Second

// Options describe the child.
type Options struct {
	Path string   // of the executable
	Args []string // without the executable's name
	Dir  string   // working directory; empty means ours
	// Env is the child's whole environment, "NAME=value". Nothing of ours is added: the developer's shell may hold real cloud
	// credentials, which a simulated run must not see.
	Env            []string
	Stdout, Stderr io.Writer // nil discards
}

// Process is a running or ended child. All its methods may be called concurrently.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; read after done
}

// Start starts the child. The caller ends it with Stop or Kill.
func Start(o Options) (*Process, error) {
	cmd := exec.Command(o.Path, o.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.Dir, o.Stdout, o.Stderr
	cmd.Env = append([]string{}, o.Env...) // never nil, which would mean "inherit"
	cmd.WaitDelay = pipeGrace
	cmd.SysProcAttr = attributes()

	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel ties "kill with the parent" to the thread that started the child, so this thread stays until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("process: start %s: %w", o.Path, err)
	}
	return p, nil
}

// PID is the child's process id, which is also its group's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended and its output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the child and says how it ended: nil for exit status 0, else an *exec.ExitError.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Stop asks the child to end (SIGTERM), gives it the grace and then kills its group. It returns when the child has gone.
func (p *Process) Stop(grace time.Duration) error {
	p.terminate()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		p.kill() // what the child may have left in its group
		return p.err
	case <-timer.C:
		return p.Kill()
	}
}

// Kill kills the child and its group at once, frozen or not, and returns when the child has gone.
func (p *Process) Kill() error {
	p.kill()
	return p.Wait()
}
