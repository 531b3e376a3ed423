package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"oss-callback/scripts/internal/fcsim"
)

// ossDelay is what OSS's image info takes of a photograph, at the least.
const ossDelay = 20 * time.Millisecond

// growth measures what grows with callbacks per second, with nsqd, and with instances.
func growth(ctx context.Context, r *rig) (Section, error) {
	s := Section{
		How: fmt.Sprintf("OSS answers in %d ms. Callbacks arrive at a steady rate at one instance of the web door, floor beside it; or 64 at once with "+
			"one nsqd and more, each syncing every message to this machine's one disk; or one at a time at each of several instances of go1. "+
			"Ratios: to the floor for rates, to the first row for the others.", ossDelay.Milliseconds()),
		Columns: []string{"callbacks", "ratio", "p50", "ratio", "p99", "ratio", "memory", "ratio", "to OSS", "to each nsqd"},
	}
	for _, part := range []func(context.Context, *rig) ([]Row, error){growthOfRate, growthOfNSQD, growthOfInstances} {
		rows, err := part(ctx, r)
		if err != nil {
			return Section{}, err
		}
		s.Rows = append(s.Rows, rows...)
	}
	return s, nil
}

// rates are callbacks per second, and rateSamples how many are measured at least: as many as a p99 needs.
var rates = []int{250, 500, 1000, 2000, 3000, 4000}

const rateSamples = 1100

func growthOfRate(ctx context.Context, r *rig) (rows []Row, err error) {
	chosen, d := rates, 2*time.Second
	if r.Quick {
		chosen, d = rates[:2], 50*time.Millisecond
	}
	nsqd, err := r.startFastNSQD(ctx)
	if err != nil {
		return nil, err
	}
	defer nsqd.stop()
	for i, rate := range chosen {
		d := d
		if !r.Quick {
			d = max(d, rateSamples*time.Second/time.Duration(rate))
		}
		row, err := r.atRate(ctx, nsqd, rate, d, i%2 == 0)
		if err != nil {
			return nil, fmt.Errorf("%d/s: %w", rate, err)
		}
		rows = append(rows, row)
		if err := nsqd.Empty(ctx, topic); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// atRate lets callbacks arrive at ours and at the floor, one after the other.
func (r *rig) atRate(ctx context.Context, nsqd *queueNode, rate int, d time.Duration, oursFirst bool) (Row, error) {
	oss, err := startOSS(ossDelay)
	if err != nil {
		return Row{}, err
	}
	defer oss.stop()
	two, err := r.bothServers(ctx, "trips", oss.url, nsqd.TCPAddr())
	if err != nil {
		return Row{}, err
	}
	defer two.stop()
	order := []*program{two.ours, two.floor}
	if !oursFirst {
		slices.Reverse(order)
	}
	both, toOSS := map[*program]loaded{}, map[*program]int64{}
	for _, p := range order {
		before := oss.open.Load()
		if _, err := arrivals(ctx, p.addr, r.callback(p.addr), rate, d/4); err != nil { // connections are made
			return Row{}, err
		}
		if both[p], err = arrivals(ctx, p.addr, r.callback(p.addr), rate, d); err != nil {
			return Row{}, fmt.Errorf("%w: %q", err, p.log.Lines())
		}
		toOSS[p] = oss.open.Load() - before
	}
	ours, floor := both[two.ours], both[two.floor]
	v := []Value{perSecond(ours.perSecond()), ratio(ours.perSecond() / floor.perSecond())}
	for _, q := range []float64{0.5, 0.99} {
		a, b := tail(ours.latencies, q), tail(floor.latencies, q)
		v = append(v, nanoseconds(a), ratio(a/b))
	}
	memory := peakMemory(two.ours.PID())
	producers, err := producersOf(ctx, nsqd)
	return Row{fmt.Sprintf("%d a second", rate), append(v, memory, over(memory, peakMemory(two.floor.PID())),
		count(int(toOSS[two.ours])), count(producers-1))}, err // one is the floor's
}

func growthOfNSQD(ctx context.Context, r *rig) (rows []Row, err error) {
	chosen, d := []int{1, 2, 3}, 3*time.Second
	if r.Quick {
		chosen, d = []int{1, 2}, 50*time.Millisecond
	}
	oss, err := startOSS(ossDelay)
	if err != nil {
		return nil, err
	}
	defer oss.stop()
	var first relative
	for _, n := range chosen {
		row, err := r.withNSQDs(ctx, oss, n, d, &first)
		if err != nil {
			return nil, fmt.Errorf("%d nsqd: %w", n, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (r *rig) withNSQDs(ctx context.Context, oss *instantOSS, n int, d time.Duration, first *relative) (Row, error) {
	nodes := make([]*queueNode, n)
	addrs := make([]string, n)
	for i := range nodes {
		node, err := r.startNSQD(ctx)
		if err != nil {
			return Row{}, err
		}
		defer node.stop()
		nodes[i], addrs[i] = node, node.TCPAddr()
	}
	before := oss.open.Load()
	function, err := r.webFunction(ctx, r.functionEnv(oss.url, addrs...))
	if err != nil {
		return Row{}, err
	}
	defer function.stop()
	request := r.callback(function.addr)
	if _, err := load(ctx, function.addr, request, 64, d/4); err != nil {
		return Row{}, fmt.Errorf("%w: %q", err, function.log.Lines())
	}
	l, err := load(ctx, function.addr, request, 64, d)
	if err != nil {
		return Row{}, fmt.Errorf("%w: %q", err, function.log.Lines())
	}
	producers, err := producersOf(ctx, nodes[0])
	return Row{fmt.Sprintf("%d nsqd on disk, 64 at once", n),
		first.values(l, peakMemory(function.PID()), int(oss.open.Load()-before), producers)}, err
}

func growthOfInstances(ctx context.Context, r *rig) (rows []Row, err error) {
	chosen, d := []int{1, 2, 4, 8, 16}, 2*time.Second
	if r.Quick {
		chosen, d = []int{1, 2}, 50*time.Millisecond
	}
	nsqd, err := r.startFastNSQD(ctx)
	if err != nil {
		return nil, err
	}
	defer nsqd.stop()
	var first relative
	for _, n := range chosen {
		row, err := r.withInstances(ctx, nsqd, n, d, &first)
		if err != nil {
			return nil, fmt.Errorf("%d instances: %w", n, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (r *rig) withInstances(ctx context.Context, nsqd *queueNode, n int, d time.Duration, first *relative) (Row, error) {
	oss, err := startOSS(ossDelay)
	if err != nil {
		return Row{}, err
	}
	defer oss.stop()
	servers := make([]*fcsim.Server, n) // one instance each: a pool of them would not tell how many it started
	for i := range servers {
		if servers[i], err = r.functionCompute(ctx, r.Function, r.functionEnv(oss.url, nsqd.TCPAddr())); err != nil {
			return Row{}, err
		}
		defer servers[i].Close()
	}
	all := func(d time.Duration) (total loaded, err error) {
		parts := make([]loaded, n)
		var g errgroup.Group
		for i, s := range servers {
			g.Go(func() (err error) {
				parts[i], err = load(ctx, s.Addr(), r.callback(s.Addr()), 1, d)
				return err
			})
		}
		err = g.Wait()
		return merge(parts), err
	}
	if _, err := all(d / 4); err != nil {
		return Row{}, err
	}
	l, err := all(d)
	if err != nil {
		return Row{}, err
	}
	producers, err := producersOf(ctx, nsqd)
	return Row{fmt.Sprintf("%d instances of go1", n), first.values(l, Value{Unit: Nothing}, int(oss.open.Load()), producers)}, err
}

// relative are figures that later ones are compared to: the first.
type relative struct{ perSecond, p50, p99, memory float64 }

func (f *relative) values(l loaded, memory Value, toOSS, toNSQD int) []Value {
	now := relative{l.perSecond(), tail(l.latencies, 0.5), tail(l.latencies, 0.99), memory.Number}
	if *f == (relative{}) {
		*f = now
	}
	memoryRatio := over(memory, byteCount(int64(f.memory)))
	return []Value{
		perSecond(now.perSecond), ratio(now.perSecond / f.perSecond), nanoseconds(now.p50), ratio(now.p50 / f.p50),
		nanoseconds(now.p99), ratio(now.p99 / f.p99), memory, memoryRatio, count(toOSS), count(toNSQD),
	}
}

// producersOf is how many publishers an nsqd has.
func producersOf(ctx context.Context, node *queueNode) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+node.HTTPAddr()+"/stats?format=json&include_mem=false", nil)
	if err != nil {
		return 0, err
	}
	resp, err := (&http.Client{Timeout: exchangeTimeout}).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var stats struct{ Producers []json.RawMessage }
	err = json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 8<<20)).Decode(&stats)
	return len(stats.Producers), err
}
