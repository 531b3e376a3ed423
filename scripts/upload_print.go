package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"oss-callback/scripts/internal/diagnose"
	"oss-callback/scripts/internal/uploader"
)

// describeFailure says what one try came to.
func describeFailure(out *printer, f *uploader.Failure, lang diagnose.Lang) {
	if errors.Is(f, context.Canceled) {
		out.item("interrupted", "")
		return
	}
	if !f.Known {
		out.item("failed", printable(f.Error()))
		return
	}
	text := f.Diagnosis.Text.In(lang)
	answer := fmt.Sprintf("HTTP %d %s: %s", f.Evidence.Status, f.Evidence.Code, f.Evidence.Message)
	if f.Evidence.EC != "" {
		answer += " (EC " + f.Evidence.EC + ")"
	}
	if f.Evidence.ArgumentName != "" {
		answer += fmt.Sprintf("; %s: %.300s", f.Evidence.ArgumentName, f.Evidence.ArgumentValue)
	}
	out.item("failed", printable(answer), "request "+f.Evidence.RequestID, text.Cause)
	if f.Cure == diagnose.Stop {
		out.item("now", text.Now)
		out.item("change", text.Change)
	}
}

// progress is a bar on a terminal, and nothing anywhere else. It is safe for concurrent use.
type progress struct {
	mu  sync.Mutex
	w   io.Writer // nil: no terminal
	bar *progressbar.ProgressBar
}

func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{w: w}
}

func (p *progress) set(sent, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.w), progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(40),
			progressbar.OptionSetDescription("upload"))
		_ = p.bar.RenderBlank() // the clock of its speed starts here, with nothing sent
	}
	_ = p.bar.Set64(sent) // a terminal that has gone is no reason to stop
}

// clear takes the bar away, so that lines can be printed; the next try begins a new one.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
