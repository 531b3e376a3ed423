package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

// indent is where the text of a step begins, and everything that belongs to it.
const indent = 24

// printer writes aligned steps. It is safe for concurrent use.
type printer struct {
	mu    sync.Mutex
	w     io.Writer
	color bool
}

// newPrinter uses colour on a terminal only, and never with NO_COLOR (https://no-color.org).
func newPrinter(w io.Writer) *printer {
	f, ok := w.(*os.File)
	return &printer{w: w, color: ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

// step says what happened, how long it took and what came of it. Further lines stand below it.
func (p *printer) step(name string, took time.Duration, text string, more ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%s %s  %s\n", p.paint(green, fmt.Sprintf("%-12s", name)), p.paint(dim, fmt.Sprintf("%9s", short(took))), text)
	p.more(more)
}

// item is a step without a time.
func (p *printer) item(name, text string, more ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%s  %s\n", p.paint(green, fmt.Sprintf("%-*s", indent-2, name)), text)
	p.more(more)
}

func (p *printer) more(texts []string) {
	for _, text := range texts {
		for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
			fmt.Fprintf(p.w, "%*s%s\n", indent, "", p.paint(dim, strings.TrimRight(line, "\r")))
		}
	}
}

// line is free text.
func (p *printer) line(style, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.w, p.paint(style, text))
}

func (p *printer) paint(style, text string) string {
	if !p.color || style == "" || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
