// Package logsink keeps a log collector that hangs from making answers late. What a process prints goes through a pipe, and a write
// to a pipe that nobody empties blocks for ever: ours, and those of the runtime SDK, which prints around every invocation.
package logsink

import (
	"bytes"
	"io"
	"log"
	"os"
	"time"
)

const (
	// patience is how long a writer waits for its line to be out: an instance may be frozen as soon as it has answered.
	patience = 20 * time.Millisecond
	// backlog is how many lines wait for a slow collector before lines are dropped.
	backlog = 1024
	// maxLine is the longest chunk taken at once of what others print, in bytes. Function Compute cuts lines at 32 KB.
	maxLine = 32 << 10
)

// Sink is an io.Writer in front of a slow one. It is safe for concurrent use; each Write stays whole.
type Sink struct{ lines chan line }

type line struct {
	text    []byte
	written chan<- struct{}
}

// New starts writing to w in the background, for as long as the process lives.
func New(w io.Writer) *Sink {
	s := &Sink{lines: make(chan line, backlog)}
	go func() {
		for l := range s.lines {
			w.Write(l.text) // where would one complain?
			close(l.written)
		}
	}()
	return s
}

// Write returns when p is out, and after patience at the latest. It drops p if too much is waiting already, and never fails.
func (s *Sink) Write(p []byte) (int, error) {
	written := make(chan struct{})
	select {
	case s.lines <- line{bytes.Clone(p), written}:
	default:
		return len(p), nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
	}
	return len(p), nil
}

// Take puts sinks in front of the process's standard output and error, for everyone who prints to os.Stdout or through package
// log, and returns the one for errors. Call it once, first of all.
func Take() *Sink {
	out, err := New(os.Stdout), New(os.Stderr)
	log.SetOutput(err)
	r, w, pipeErr := os.Pipe()
	if pipeErr != nil {
		return err // os.Stdout stays as it is
	}
	os.Stdout = w
	go func() {
		buf := make([]byte, maxLine)
		for {
			n, readErr := r.Read(buf)
			if n > 0 {
				out.Write(buf[:n])
			}
			if readErr != nil {
				return
			}
		}
	}()
	return err
}
