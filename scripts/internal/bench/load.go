package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	exchangeTimeout = 20 * time.Second // of one callback: more than any answer may take
	maxAnswer       = 16 << 10
)

// errRefused says that a server does not do what is to be measured.
var errRefused = errors.New("the callback was refused")

// client is a connection that sends one request after the other. It costs far less than net/http's, which would take the function's cores.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(ctx context.Context, addr string) (*client, error) {
	conn, err := (&net.Dialer{Timeout: exchangeTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReader(conn)}, nil
}

func (c *client) exchange(request []byte) (status int, body []byte, took time.Duration, err error) {
	began := time.Now()
	if err := c.conn.SetDeadline(began.Add(exchangeTimeout)); err != nil {
		return 0, nil, 0, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, 0, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, nil, 0, err
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	resp.Body.Close()
	return resp.StatusCode, body, time.Since(began), err
}

// accepted is an exchange whose answer must be 200: from ours it says that the job is queued.
func (c *client) accepted(request []byte) (time.Duration, error) {
	status, body, took, err := c.exchange(request)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%w: %d %s", errRefused, status, body)
	}
	return took, err
}

// exchange is one request over a connection of its own.
func exchange(ctx context.Context, addr string, request []byte) (status int, body []byte, took time.Duration, err error) {
	began := time.Now()
	c, err := dial(ctx, addr)
	if err != nil {
		return 0, nil, 0, err
	}
	defer c.conn.Close()
	status, body, _, err = c.exchange(request)
	return status, body, time.Since(began), err
}

// loaded is what a load met.
type loaded struct {
	latencies []float64 // ns, sorted
	took      time.Duration
}

func (l loaded) perSecond() float64 { return float64(len(l.latencies)) / l.took.Seconds() }

// load lets so many clients send the request again and again for a while, each as soon as it has an answer, and once at least.
func load(ctx context.Context, addr string, request []byte, clients int, d time.Duration) (loaded, error) {
	conns := make([]*client, clients)
	for i := range conns {
		c, err := dial(ctx, addr)
		if err != nil {
			return loaded{}, err
		}
		defer c.conn.Close()
		conns[i] = c
	}
	latencies := make([][]float64, clients)
	began := time.Now()
	end := began.Add(d)
	var g errgroup.Group
	for i, c := range conns {
		g.Go(func() error {
			for {
				took, err := c.accepted(request)
				if err != nil {
					return err
				}
				latencies[i] = append(latencies[i], float64(took))
				if ctx.Err() != nil || !time.Now().Before(end) {
					return ctx.Err()
				}
			}
		})
	}
	err := g.Wait()
	l := loaded{slices.Concat(latencies...), time.Since(began)}
	slices.Sort(l.latencies)
	return l, err
}

// maxOpen bounds the connections of arrivals.
const maxOpen = 512

// arrivals sends perSecond requests a second for a while, whether answers come or not, as uploads do. Latencies count from when a request
// was due, so that a server which falls behind cannot hide it.
func arrivals(ctx context.Context, addr string, request []byte, perSecond int, d time.Duration) (loaded, error) {
	n := max(1, int(float64(perSecond)*d.Seconds()))
	free := make(chan *client, maxOpen)
	defer func() {
		for range len(free) {
			(<-free).conn.Close()
		}
	}()
	latencies := make([]float64, n)
	var g errgroup.Group
	g.SetLimit(maxOpen)
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(float64(i) / float64(perSecond) * float64(time.Second)))
		time.Sleep(time.Until(due))
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			c, err := reuse(ctx, free, addr)
			if err != nil {
				return err
			}
			_, err = c.accepted(request)
			latencies[i] = float64(time.Since(due))
			free <- c
			return err
		})
	}
	err := g.Wait()
	if err == nil {
		err = ctx.Err()
	}
	l := loaded{latencies, time.Since(began)}
	slices.Sort(l.latencies)
	return l, err
}

// reuse takes a connection that has nothing to do, or makes one.
func reuse(ctx context.Context, free chan *client, addr string) (*client, error) {
	select {
	case c := <-free:
		return c, nil
	default:
		return dial(ctx, addr)
	}
}

// merge is what several loads met at the same time.
func merge(parts []loaded) (all loaded) {
	for _, p := range parts {
		all.latencies = append(all.latencies, p.latencies...)
		all.took = max(all.took, p.took)
	}
	slices.Sort(all.latencies)
	return all
}
