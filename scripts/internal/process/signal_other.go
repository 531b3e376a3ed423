//go:build !unix

package process

// Freeze returns ErrNoFreeze here.
func (p *Process) Freeze() error { return ErrNoFreeze }

// Thaw returns ErrNoFreeze here.
func (p *Process) Thaw() error { return ErrNoFreeze }

func (p *Process) terminate() { p.kill() } // there is no gentle way
func (p *Process) kill()      { _ = p.cmd.Process.Kill() }

// Alive is always true here: the system does not tell simply.
func Alive(int) bool { return true }
