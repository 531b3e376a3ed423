package bench

import (
	"context"
	"fmt"
	"time"

	"oss-callback/scripts/internal/fcsim"
)

// coldStart measures from the start of the process, which the first request causes, to its answer.
func coldStart(ctx context.Context, r *rig) (Section, error) {
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
	env := r.functionEnv(oss.url, nsqd.TCPAddr())
	start := func(binary string, env map[string]string) func() (float64, error) {
		return func() (float64, error) {
			fc, err := r.functionCompute(ctx, binary, env)
			if err != nil {
				return 0, err
			}
			defer fc.Close()
			c, err := dial(ctx, fc.Addr())
			if err != nil {
				return 0, err
			}
			defer c.conn.Close()
			took, err := c.accepted(r.callback(fc.Addr()))
			return float64(took), err
		}
	}
	rounds := 31
	if r.Quick {
		rounds = 2
	}
	smallest, err := turns(rounds, start(r.Function, env), start(r.floor("smallest"), nil))
	if err != nil {
		return Section{}, err
	}
	trips, err := turns(rounds, start(r.Function, env), start(r.floor("trips"), tripsEnv(oss.url, nsqd.TCPAddr())))
	if err != nil {
		return Section{}, err
	}
	row := func(name string, p pair) Row {
		return Row{name, []Value{nanoseconds(median(p.ours)), nanoseconds(median(p.floor)), ratio(p.ratio())}}
	}
	why := fmt.Sprintf("The smallest handler makes no trip: one that makes them starts %.2f times as slowly itself. What remains is the larger program, what its "+
		"packages do before main, and the first use of everything.", trips.ratioOfFloors(smallest))
	return Section{
		How: "Start of the process to the answer of its first callback, behind the runtime API (runtime go1), without the platform's own share. " +
			"Ours verifies, connects to OSS and nsqd, asks and publishes; the smallest handler does none of it.",
		Columns: []string{"ours", "floor", "ratio"},
		Rows:    []Row{row("to the smallest handler", smallest), row("to one that makes both trips", trips)},
		Targets: []Target{atMost("cold start, to the smallest handler's", ratio(smallest.ratio()), ratio(1.5), why)},
	}, nil
}

// functionCompute deploys a binary to a simulated Function Compute with one instance, which starts with the first request.
func (r *rig) functionCompute(ctx context.Context, binary string, env map[string]string) (*fcsim.Server, error) {
	return fcsim.Start(ctx, fcsim.Config{
		Binary: binary, Env: env, Region: region, MaxInstances: 1, Timeout: 10 * time.Second,
		Credentials: fcsim.Credentials{AccessKeyID: keyID, AccessKeySecret: keySecret},
	})
}

// tripsEnv are the settings of the floors that make both trips.
func tripsEnv(oss, nsqd string) map[string]string {
	return map[string]string{
		"GOGC": functionGOGC, "INFO_URL": infoURL(oss), "OSS_ENDPOINT": oss, "OSS_BUCKET": bucket, "OSS_OBJECT": object, "NSQD_ADDR": nsqd, "NSQ_TOPIC": topic,
	}
}
