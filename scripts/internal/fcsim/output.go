package fcsim

import (
	"io"
	"os"
	"sync"
)

// lockedWriter lets several processes write to one place.
type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// lockedPair guards both writers with one lock, because they may be the same. A file goes to the processes as it is.
func lockedPair(stdout, stderr io.Writer) (io.Writer, io.Writer) {
	var mu sync.Mutex
	wrap := func(w io.Writer) io.Writer {
		switch w.(type) {
		case nil:
			return io.Discard
		case *os.File:
			return w
		}
		return lockedWriter{&mu, w}
	}
	return wrap(stdout), wrap(stderr)
}
