//go:build unix

package process

import (
	"errors"
	"syscall"
)

// Freeze stops every thread of the child where it is, as Function Compute does between two invocations. On Linux they all stand still
// when it returns.
func (p *Process) Freeze() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return p.awaitStop()
}

// Thaw continues a frozen child.
func (p *Process) Thaw() error { return p.signal(syscall.SIGCONT) }

func (p *Process) terminate() {
	_ = p.signal(syscall.SIGTERM)
	_ = p.signal(syscall.SIGCONT) // a frozen process would not see it
}

func (p *Process) kill() { _ = p.signal(syscall.SIGKILL) }

// signal reaches the whole group. After the child has gone that is whatever it left behind, and usually nobody (ESRCH).
func (p *Process) signal(s syscall.Signal) error { return syscall.Kill(-p.PID(), s) }

// Alive says whether there is a process with that id, whoever's it is.
func Alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
