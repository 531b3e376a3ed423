package stack

import (
	"bytes"
	"sync"
)

const tailLine = 2 << 10 // bytes kept of one line

// Tail keeps the last lines written to it, for whoever has to explain a failure. It is safe for concurrent use.
type Tail struct {
	mu      sync.Mutex
	max     int
	lines   []string
	partial []byte
}

// NewTail keeps up to lines lines.
func NewTail(lines int) *Tail { return &Tail{max: lines} }

// Write never fails.
func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := b; len(rest) > 0; {
		line, after, complete := bytes.Cut(rest, []byte("\n"))
		t.partial = append(t.partial, line[:min(len(line), tailLine-len(t.partial))]...)
		if complete {
			t.lines = append(t.lines, string(t.partial))
			t.lines = t.lines[max(0, len(t.lines)-t.max):]
			t.partial = t.partial[:0]
		}
		rest = after
	}
	return len(b), nil
}

// Lines are the last lines, an unfinished one included.
func (t *Tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string{}, t.lines...)
	if len(t.partial) > 0 {
		lines = append(lines, string(t.partial))
	}
	return lines
}
