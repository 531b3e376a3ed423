package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// The loads of the web door.
var (
	atOnce = []int{1, 8, 64, 256}
	delays = []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond}
)

// webDoor measures many callbacks at a time behind plain HTTP, beside a server on net/http that makes the same two trips.
func webDoor(ctx context.Context, r *rig) (Section, error) {
	w := webLoads{rig: r, took: 600 * time.Millisecond, rounds: 5}
	if r.Quick {
		w.took, w.rounds = 30*time.Millisecond, 1
	}
	nsqd, err := r.startFastNSQD(ctx)
	if err != nil {
		return Section{}, err
	}
	defer nsqd.stop()
	w.nsqd = nsqd
	w.section = Section{
		How: "Callbacks at once behind the web door, ours beside a server on net/http that makes the same two trips, with an OSS that answers " +
			"after 0, 5 and 20 ms. In the rows \"with the SDK\" the floor asks through OSS's SDK, as its documentation shows. Floors collect garbage " +
			"as rarely as ours. Load, OSS, nsqd and server share the " +
			"machine; CPU and memory are the server's alone.",
		Columns: []string{"ours", "floor", "ratio", "p50", "ratio", "p99", "ratio", "p99.9", "ratio", "CPU each", "ratio", "memory", "ratio"},
	}
	for _, delay := range delays {
		if err := w.measure(ctx, delay); err != nil {
			return Section{}, fmt.Errorf("OSS in %v: %w", delay, err)
		}
	}
	if w.most.Unit == Bytes {
		w.section.Targets = append(w.section.Targets, atMost("web door peak memory at 256 at once", w.most, byteCount(64<<20)))
	}
	return w.section, nil
}

// webLoads fills in the section.
type webLoads struct {
	rig     *rig
	nsqd    *queueNode
	took    time.Duration // of one turn
	rounds  int
	section Section
	most    Value // memory of ours at 256 at once
}

// measure adds the rows for an OSS that answers after delay.
func (w *webLoads) measure(ctx context.Context, delay time.Duration) error {
	oss, err := startOSS(delay)
	if err != nil {
		return err
	}
	defer oss.stop()
	where := fmt.Sprintf("OSS in %d ms", delay.Milliseconds())
	plain, err := w.beside(ctx, "trips", oss.url, where, atOnce)
	if err != nil {
		return err
	}
	sdk, err := w.beside(ctx, "sdktrips", oss.url, where+", with the SDK", []int{64})
	if err != nil {
		return err
	}
	why := fmt.Sprintf("Both are bound by the processor: a callback takes %s of it in ours, %s in the floor, %s in the floor with the SDK. Ours also checks "+
		"the signature, reads and writes JSON, keeps deadlines, and logs.", plain[64].cpu.ours(), plain[64].cpu.floor(), sdk[64].cpu.floor())
	w.section.Targets = append(w.section.Targets,
		atLeast("web door throughput at 64 at once, "+where, ratio(plain[64].throughput.ratio()), ratio(0.85), why))
	if memory := plain[256].memory[0]; memory.Number >= w.most.Number {
		w.most = memory
	}
	return nil
}

// beside adds the rows beside one of the floors.
func (w *webLoads) beside(ctx context.Context, floor, oss, where string, atOnce []int) (map[int]cell, error) {
	two, err := w.rig.bothServers(ctx, floor, oss, w.nsqd.TCPAddr())
	if err != nil {
		return nil, err
	}
	defer two.stop()
	cells := map[int]cell{}
	for _, clients := range atOnce {
		name := fmt.Sprintf("%d at once, %s", clients, where)
		c, err := two.measure(ctx, w.rig, clients, w.took, w.rounds)
		if err == nil {
			err = w.nsqd.Empty(ctx, topic)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		cells[clients] = c
		w.section.Rows = append(w.section.Rows, Row{name, c.values()})
	}
	return cells, nil
}

// servers are ours and the floor.
type servers struct{ ours, floor *program }

func (r *rig) bothServers(ctx context.Context, floor, oss, nsqd string) (servers, error) {
	ours, err := r.webFunction(ctx, r.functionEnv(oss, nsqd))
	if err != nil {
		return servers{}, err
	}
	beside, err := r.serve(ctx, r.floor(floor), "/", func(addr string) map[string]string {
		env := tripsEnv(oss, nsqd)
		env["LISTEN_ADDR"] = addr
		return env
	})
	if err != nil {
		ours.stop()
		return servers{}, err
	}
	return servers{ours, beside}, nil
}

func (s servers) stop() {
	s.ours.stop()
	_ = s.floor.Kill()
}

// cell is one load on both.
type cell struct {
	throughput       pair
	latencies, floor []float64 // ns, of all turns, sorted
	cpu              cpuEach
	memory           [2]Value
}

// cpuEach is the processor time of one callback. Fewer than cpuTicks tell nothing.
type cpuEach struct {
	used      [2]time.Duration
	callbacks [2]int
}

const cpuTicks = 20

func (c cpuEach) of(i int) Value {
	if c.used[i] < cpuTicks*tick {
		return Value{Unit: Nothing}
	}
	return nanoseconds(float64(c.used[i]) / float64(c.callbacks[i]))
}

func (c cpuEach) ours() Value  { return c.of(0) }
func (c cpuEach) floor() Value { return c.of(1) }

func (s servers) measure(ctx context.Context, r *rig, clients int, d time.Duration, rounds int) (c cell, err error) {
	one := func(i int, p *program, latencies *[]float64) func() (float64, error) {
		request := r.callback(p.addr)
		return func() (float64, error) {
			before, _ := cpuTime(p.PID())
			l, err := load(ctx, p.addr, request, clients, d)
			if err != nil {
				return 0, fmt.Errorf("%w: %q", err, p.log.Lines())
			}
			after, _ := cpuTime(p.PID())
			*latencies = append(*latencies, l.latencies...)
			c.cpu.used[i] += after - before
			c.cpu.callbacks[i] += len(l.latencies)
			return l.perSecond(), nil
		}
	}
	ours, floor := one(0, s.ours, &c.latencies), one(1, s.floor, &c.floor)
	if _, err := turns(1, ours, floor); err != nil { // connections are made
		return c, err
	}
	c = cell{}
	forgetPeak(s.ours.PID())
	forgetPeak(s.floor.PID())
	if c.throughput, err = turns(rounds, ours, floor); err != nil {
		return c, err
	}
	slices.Sort(c.latencies)
	slices.Sort(c.floor)
	c.memory = [2]Value{peakMemory(s.ours.PID()), peakMemory(s.floor.PID())}
	return c, nil
}

func (c cell) values() []Value {
	v := []Value{perSecond(median(c.throughput.ours)), perSecond(median(c.throughput.floor)), ratio(c.throughput.ratio())}
	for _, q := range []float64{0.5, 0.99, 0.999} {
		ours, floor := tail(c.latencies, q), tail(c.floor, q)
		v = append(v, nanoseconds(ours), ratio(ours/floor))
	}
	return append(v, c.cpu.ours(), over(c.cpu.ours(), c.cpu.floor()), c.memory[0], over(c.memory[0], c.memory[1]))
}
