package bench

import (
	"context"
	"fmt"
	"time"
)

// The loads of the web door.
var (
	atOnce = []int{1, 8, 64, 256}
	delays = []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond}
)

const whyThroughput = "Where OSS answers at once both are bound by the processor, and ours does what the floor leaves out: the signature of OSS's SDK, " +
	"the check of OSS's, JSON, deadlines, the log. Of these the SDK is the largest: see its row."

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
	w.nsqd = nsqd.TCPAddr()
	w.section = Section{
		How: "Callbacks at once behind the web door, ours beside a server on net/http that makes the same two trips, with an OSS that answers " +
			"after 0, 5 and 20 ms. In the rows \"with the SDK\" the floor asks through OSS's SDK, as ours must. Load, OSS, nsqd and server share the " +
			"machine; CPU and memory are the server's alone.",
		Columns: []string{"ours", "floor", "ratio", "p50", "ratio", "p99", "ratio", "p99.9", "CPU each", "ratio", "memory", "ratio"},
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
	nsqd    string
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
	for _, floor := range []struct {
		program, suffix string
		atOnce          []int
	}{{"trips", "", atOnce}, {"sdktrips", ", with the SDK", []int{64}}} {
		two, err := w.rig.bothServers(ctx, floor.program, oss.url, w.nsqd)
		if err != nil {
			return err
		}
		defer two.stop()
		for _, clients := range floor.atOnce {
			name := fmt.Sprintf("%d at once, OSS in %d ms%s", clients, delay.Milliseconds(), floor.suffix)
			c, err := two.measure(ctx, w.rig, clients, w.took, w.rounds)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			w.section.Rows = append(w.section.Rows, Row{name, c.values()})
			if floor.program != "trips" {
				continue
			}
			switch clients {
			case 64:
				w.section.Targets = append(w.section.Targets, atLeast("web door throughput at "+name, ratio(c.throughput.ratio()), ratio(0.85), whyThroughput))
			case 256:
				if c.memory[0].Number >= w.most.Number {
					w.most = c.memory[0]
				}
			}
		}
	}
	return nil
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
	throughput, p50, p99, p999, cpu pair
	memory                          [2]Value
}

func (s servers) measure(ctx context.Context, r *rig, clients int, d time.Duration, rounds int) (c cell, err error) {
	one := func(p *program, loads *[]loaded, cpu *[]float64) func() (float64, error) {
		request := r.callback(p.addr)
		return func() (float64, error) {
			before, _ := cpuTime(p.PID())
			l, err := load(ctx, p.addr, request, clients, d)
			if err != nil {
				return 0, fmt.Errorf("%w: %q", err, p.log.Lines())
			}
			after, _ := cpuTime(p.PID())
			*loads = append(*loads, l)
			*cpu = append(*cpu, float64(after-before)/float64(len(l.latencies)))
			return l.perSecond(), nil
		}
	}
	var ours, floor []loaded
	if _, err := turns(1, one(s.ours, &ours, &c.cpu.ours), one(s.floor, &floor, &c.cpu.floor)); err != nil { // connections are made
		return c, err
	}
	ours, floor, c.cpu = nil, nil, pair{}
	forgetPeak(s.ours.PID())
	forgetPeak(s.floor.PID())
	c.throughput, err = turns(rounds, one(s.ours, &ours, &c.cpu.ours), one(s.floor, &floor, &c.cpu.floor))
	if err != nil {
		return c, err
	}
	for i := range ours {
		for q, p := range map[float64]*pair{0.5: &c.p50, 0.99: &c.p99, 0.999: &c.p999} {
			p.ours = append(p.ours, quantile(ours[i].latencies, q))
			p.floor = append(p.floor, quantile(floor[i].latencies, q))
		}
	}
	c.memory = [2]Value{peakMemory(s.ours.PID()), peakMemory(s.floor.PID())}
	return c, nil
}

func (c cell) values() []Value {
	v := []Value{perSecond(median(c.throughput.ours)), perSecond(median(c.throughput.floor)), ratio(c.throughput.ratio())}
	for _, p := range []pair{c.p50, c.p99} {
		v = append(v, nanoseconds(median(p.ours)), ratio(p.ratio()))
	}
	cpu := nanoseconds(median(c.cpu.ours))
	if cpu.Number == 0 { // not told
		cpu = Value{Unit: Nothing}
	}
	v = append(v, nanoseconds(median(c.p999.ours)), cpu, ratio(c.cpu.ratio()), c.memory[0])
	return append(v, ratio(c.memory[0].Number/c.memory[1].Number))
}
