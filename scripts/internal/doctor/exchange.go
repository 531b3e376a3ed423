package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// answer is a reply with the time it took, from the first packet to its last byte.
type answer struct {
	reply
	took time.Duration
}

// exchange sends one request over a connection of its own, as OSS does, and reads the answer; redirects are not followed. While
// e.linger is set it also waits to see the connection closed. Errors are errLate and errNoReply, wrapped; nothing is retried.
func (e *exam) exchange(ctx context.Context, request []byte) (answer, error) {
	e.sent++
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	conn, err := e.connect(ctx, e.address, true)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return answer{}, fmt.Errorf("%w: not even a connection", errLate)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%w: %s", errNoReply, plain(err))
	}
	// An endpoint may answer without reading everything. Writing must not keep us from hearing it.
	written := make(chan struct{})
	defer func() {
		conn.Close()
		<-written
	}()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	go func() {
		defer close(written)
		conn.Write(request) // what became of it shows in the answer
	}()
	stamped := &stamper{r: conn, last: began}
	from := newWire(stamped)
	got, err := from.reply()
	took := stamped.last.Sub(began) // OSS does not wait for the end of the connection
	if err == nil && e.linger {
		from.watch(&got)
	}
	return answer{got, took}, err
}

// stamper remembers when bytes last came.
type stamper struct {
	r    io.Reader
	last time.Time
}

func (s *stamper) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 {
		s.last = time.Now()
	}
	return n, err
}
