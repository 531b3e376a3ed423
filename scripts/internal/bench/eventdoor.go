package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"oss-callback/scripts/internal/fcsim"
)

// eventDoor measures one callback at a time, as Function Compute runs go1, beside a function that makes the same two trips.
func eventDoor(ctx context.Context, r *rig) (Section, error) {
	nsqd, err := r.startFastNSQD(ctx)
	if err != nil {
		return Section{}, err
	}
	defer nsqd.stop()
	oss, err := startOSS(0)
	if err != nil {
		return Section{}, err
	}
	defer oss.stop()
	ours, err := r.functionCompute(ctx, r.Function, r.functionEnv(oss.url, nsqd.TCPAddr()))
	if err != nil {
		return Section{}, err
	}
	defer ours.Close()
	s := Section{
		How: "Callbacks one at a time behind the runtime API, ours and the floor in turns: the floor asks image info and publishes to the same nsqd, " +
			"and does nothing else. In the last rows it asks through OSS's SDK, as its documentation shows. nsqd keeps its messages in memory, where the " +
			"system has a file system there.",
		Columns: []string{"ours", "floor", "difference", "ratio"},
	}
	for _, floor := range []struct{ program, suffix string }{{"trips", ""}, {"sdktrips", ", floor with the SDK"}} {
		rows, err := r.eventRows(ctx, ours, floor.program, floor.suffix, tripsEnv(oss.url, nsqd.TCPAddr()))
		if err != nil {
			return Section{}, err
		}
		s.Rows = append(s.Rows, rows...)
	}
	above, aboveSDK := s.Rows[0].Values[2], s.Rows[2].Values[2]
	why := fmt.Sprintf("Above a floor that asks through OSS's SDK it is %s. The rest is reading the event, checking the signature, JSON, and the log line that is "+
		"out before the answer.", aboveSDK)
	s.Targets = []Target{atMost("event door p50, above the floor's", above, duration(150*time.Microsecond), why)}
	return s, nil
}

// eventRows are p50 and p99 beside one of the floors.
func (r *rig) eventRows(ctx context.Context, ours *fcsim.Server, program, suffix string, env map[string]string) (rows []Row, err error) {
	warm, n := 200, 3000
	if r.Quick {
		warm, n = 2, 10
	}
	floor, err := r.functionCompute(ctx, r.floor(program), env)
	if err != nil {
		return nil, err
	}
	defer floor.Close()
	p, err := r.oneByOne(ctx, ours, floor, warm, n)
	if err != nil {
		return nil, err
	}
	slices.Sort(p.ours)
	slices.Sort(p.floor)
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		a, b := quantile(p.ours, q.q), quantile(p.floor, q.q)
		rows = append(rows, Row{q.name + suffix, []Value{nanoseconds(a), nanoseconds(b), nanoseconds(a - b), ratio(a / b)}})
	}
	return rows, nil
}

// oneByOne lets both answer one callback each, turn by turn, the first of them unmeasured.
func (r *rig) oneByOne(ctx context.Context, ours, floor *fcsim.Server, warm, n int) (pair, error) {
	var calls [2]func() (float64, error)
	for i, fc := range []*fcsim.Server{ours, floor} {
		c, err := dial(ctx, fc.Addr())
		if err != nil {
			return pair{}, err
		}
		defer c.conn.Close()
		request := r.callback(fc.Addr())
		calls[i] = func() (float64, error) { took, err := c.accepted(request); return float64(took), err }
	}
	if _, err := turns(warm, calls[0], calls[1]); err != nil {
		return pair{}, err
	}
	return turns(n, calls[0], calls[1])
}
