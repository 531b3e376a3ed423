package process

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitStop returns once every thread of a child that got SIGSTOP stands still, or the child has ended: kill(2) only delivers the
// signal, and a thread on another core runs on for a while. The child's exit status is left for Wait.
func (p *Process) awaitStop() error {
	for {
		err := unix.Waitid(unix.P_PID, p.PID(), nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD): // ended, and waited for already
			return nil
		}
		return err
	}
}
