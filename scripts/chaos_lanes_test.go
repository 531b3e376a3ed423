//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"oss-callback/scripts/internal/osssim"
	"oss-callback/scripts/internal/process"
)

// lanes break things, each its own thing, on a schedule of its own made from the seed: calm, a fault, calm, another fault. A lane
// ends with its thing mended.
type lanes struct {
	rig     *rig
	stopped chan struct{}
	stop    func()
	running sync.WaitGroup
	workers [2]*process.Process // each belongs to its lane

	mu   sync.Mutex
	hits map[string]int
}

// fault breaks something for the given time, or until the end.
type fault struct {
	name string
	do   func(l *lanes, hold time.Duration)
}

func newLanes(r *rig, seed uint64) *lanes {
	l := &lanes{rig: r, stopped: make(chan struct{}), hits: map[string]int{}}
	l.stop = sync.OnceFunc(func() { close(l.stopped) })
	r.t.Cleanup(func() { l.stop(); l.wait() })
	for i := range r.nsqds {
		l.lane(seed, 100+i, []fault{{"nsqd killed", killNSQD(i)}, {"nsqd killed", killNSQD(i)}, {"nsqd silent", silenceNSQD(i)}})
		l.lane(seed, 200+i, []fault{{"connections cut", cut(i)}})
	}
	for i := range l.workers {
		l.startWorker(i)
		l.lane(seed, 300+i, []fault{{"worker killed", killWorker(i)}})
		r.t.Cleanup(func() { l.workers[i].Kill() })
	}
	var faults []fault
	for _, operation := range []string{"ImageInfo", "GetObject", "HeadObject", "PutObject", "DeleteObject", "ListObjectsV2"} {
		for name, f := range map[string]osssim.Fault{
			"slow": {Delay: 400 * time.Millisecond}, "hanging": {Hang: true}, "500": {Status: 500}, "503": {Status: 503, Code: "ServiceUnavailable"},
			"dropping": {DropConnection: true},
		} {
			f.Operation = operation
			if operation == "PutObject" {
				f.Prefix = outbox
			}
			faults = append(faults, fault{"OSS " + name, inject(f)})
		}
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return strings.Compare(a.name, b.name) })
	l.lane(seed, 400, faults)
	thumbsFail := osssim.Fault{Operation: "PutObject", Prefix: thumbs, Status: 500}
	l.lane(seed, 401, []fault{{"OSS refuses thumbnails", inject(thumbsFail)}})
	return l
}

// lane runs faults in random order.
func (l *lanes) lane(seed uint64, number int, faults []fault) {
	random := rand.New(rand.NewPCG(seed, uint64(number)))
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(random.Int64N(int64(most-least)))
	}
	l.running.Go(func() {
		for l.pause(between(200*time.Millisecond, 1500*time.Millisecond)) {
			f := faults[random.IntN(len(faults))]
			l.mu.Lock()
			l.hits[f.name]++
			l.mu.Unlock()
			f.do(l, between(50*time.Millisecond, 1200*time.Millisecond))
		}
	})
}

// pause reports whether it lasted its time.
func (l *lanes) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stopped:
		return false
	}
}

// wait returns when everything is mended.
func (l *lanes) wait() { l.running.Wait() }

func (l *lanes) counts() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(l.hits)) {
		fmt.Fprintf(&b, "%s %d, ", name, l.hits[name])
	}
	return strings.TrimSuffix(b.String(), ", ")
}

func killNSQD(i int) func(*lanes, time.Duration) {
	return func(l *lanes, hold time.Duration) {
		nsqd := l.rig.nsqds[i]
		nsqd.Kill()
		l.pause(hold)
		if err := nsqd.Restart(l.rig.ctx); err != nil {
			l.rig.t.Error(err)
		}
	}
}

func silenceNSQD(i int) func(*lanes, time.Duration) {
	return func(l *lanes, hold time.Duration) {
		nsqd := l.rig.nsqds[i]
		if err := nsqd.Freeze(); err != nil {
			l.rig.t.Error(err)
		}
		l.pause(hold)
		if err := nsqd.Thaw(); err != nil {
			l.rig.t.Error(err)
		}
	}
}

func cut(i int) func(*lanes, time.Duration) {
	return func(l *lanes, _ time.Duration) { l.rig.relays[i].cut() }
}

func killWorker(i int) func(*lanes, time.Duration) {
	return func(l *lanes, hold time.Duration) {
		_ = l.workers[i].Kill()
		l.pause(hold)
		l.startWorker(i)
	}
}

// startWorker starts one that sweeps often, and that neither falls far behind the uploads nor lets an OSS that hangs take all its
// hands: what waits for long is published again. MAX_ATTEMPTS stays what it is: a job may die of an OSS that is out of order for
// long, and then has a dead letter.
func (l *lanes) startWorker(i int) {
	settings := l.rig.settings(map[string]string{"OUTBOX": "always", "SWEEP_INTERVAL": "200ms", "METRICS_ADDR": "127.0.0.1:0",
		"WORKER_CONCURRENCY": "8", "JOB_TIMEOUT": "3s"})
	p, err := l.rig.launch(binaries.Worker, settings, l.rig.worker)
	if err != nil {
		l.rig.t.Error(err)
		return
	}
	l.workers[i] = p
}

func inject(f osssim.Fault) func(*lanes, time.Duration) {
	return func(l *lanes, hold time.Duration) {
		defer l.rig.oss.Inject(f)()
		l.pause(hold)
	}
}

// jobs is what the workers' log tells of all deliveries.
type jobs struct{ doneAgain, retried int }

func jobLines(log *logs) (j jobs) {
	done := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(log.String())); lines.Scan(); {
		var line struct{ Msg, Outcome, Job string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "job" { // a killed worker leaves half a line
			continue
		}
		switch line.Outcome {
		case "done":
			if done[line.Job] {
				j.doneAgain++
			}
			done[line.Job] = true
		case "retried":
			j.retried++
		}
	}
	return j
}

// history is all that is known of an upload.
func history(r *rig, u chaosUpload) string {
	x := r.exchange(u.object)
	var b strings.Builder
	fmt.Fprintf(&b, "%s (hostile: %v): status %d %s, %v; callback: %d %s after %v", u.object, u.hostile, u.status, u.ec, u.err, x.Status, x.Body, x.Elapsed)
	var answer struct{ Job string }
	_ = json.Unmarshal(x.Body, &answer)
	for _, log := range []struct {
		name string
		log  *logs
	}{{"function", r.function}, {"worker", r.worker}} {
		for line := range strings.Lines(log.log.String()) {
			if strings.Contains(line, u.object) || answer.Job != "" && strings.Contains(line, answer.Job) {
				fmt.Fprintf(&b, "\n  %s: %s", log.name, strings.TrimSpace(line))
			}
		}
	}
	return b.String()
}

// worst is the longest that OSS waited for an answer, and for which object.
func (r *rig) worst() (worst time.Duration, object string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.exchanges {
		if x.Elapsed > worst {
			worst, object = x.Elapsed, x.Object
		}
	}
	return worst, object
}
