package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"oss-callback/queue"
	"oss-callback/queue/nsqtest"
)

const (
	workerChannel = "worker"         // the worker's default
	workerTarget  = 0.9              // of the floor's thumbnails per second and core
	turnTimeout   = 60 * time.Second // only reached by what is broken
)

const whyWorker = "By profile nineteen twentieths of the worker's time are the calls of the floor. They take longer between waits, when caches are cold, than one after " +
	"the other."

// errOtherThumbnail says that the comparison would be unfair.
var errOtherThumbnail = errors.New("worker and floor make different thumbnails of the same photograph: floor/thumbnail must make the worker's calls")

// photos are the sizes that are measured, and how many thumbnails one turn makes with each: so many take about half a second.
var photos = []struct {
	name          string
	width, height int
	times         int
}{
	{"0.3 megapixels", 640, 480, 24},
	{"2 megapixels", 1632, 1224, 10},
	{"12 megapixels", 4000, 3000, 3},
}

// thumbnails measures the worker beside a program that only decodes, scales and encodes.
func thumbnails(ctx context.Context, r *rig) (Section, error) {
	sizes, rounds := photos, 5
	if r.Quick {
		sizes, rounds = photos[:1], 1
	}
	nsqd, err := r.startFastNSQD(ctx)
	if err != nil {
		return Section{}, err
	}
	defer nsqd.stop()
	s := Section{
		How: "JPEG originals to thumbnails of 256 pixels. The worker takes jobs from nsqd, asks OSS three things for each and writes the thumbnail; " +
			"the floor decodes, scales and encodes the same bytes with the same calls, and collects garbage as rarely. CPU and memory are the worker's alone.",
		Columns: []string{"ours", "floor", "ratio", "ours per core", "floor per core", "ratio", "peak memory", "per job at once"},
	}
	for _, size := range sizes {
		times := size.times
		if r.Quick {
			times = 2
		}
		file, err := photo(size.width, size.height)
		if err != nil {
			return Section{}, err
		}
		worst := math.Inf(1)
		for _, atOnce := range concurrencies() {
			c, err := r.measureWorker(ctx, nsqd.Client, file, times*atOnce, atOnce, rounds)
			if err != nil {
				return Section{}, fmt.Errorf("%s, %d at once: %w", size.name, atOnce, err)
			}
			s.Rows = append(s.Rows, Row{fmt.Sprintf("%s, %d at once", size.name, atOnce), c.values(atOnce)})
			worst = min(worst, c.perCore.ratio())
		}
		if !math.IsNaN(worst) {
			s.Targets = append(s.Targets, atLeast("worker per core at "+size.name+", to the floor's", ratio(worst), ratio(workerTarget), whyWorker))
		}
	}
	return s, nil
}

// concurrencies are one job at a time, and one for each core.
func concurrencies() []int { return slices.Compact([]int{1, runtime.GOMAXPROCS(0)}) }

// working is one size of photograph at one concurrency. Where the system does not tell of CPU time perCore holds NaN.
type working struct {
	rate, perCore pair
	idle, peak    Value // memory
}

func (w working) values(atOnce int) []Value {
	values := []Value{perSecond(median(w.rate.ours)), perSecond(median(w.rate.floor)), ratio(w.rate.ratio())}
	if core := w.perCore; math.IsNaN(core.ratio()) {
		values = append(values, Value{Unit: Nothing}, perSecond(median(core.floor)), Value{Unit: Nothing})
	} else {
		values = append(values, perSecond(median(core.ours)), perSecond(median(core.floor)), ratio(core.ratio()))
	}
	if w.peak.Unit == Nothing {
		return append(values, w.peak, w.peak)
	}
	return append(values, w.peak, byteCount(int64(w.peak.Number-w.idle.Number)/int64(atOnce)))
}

// measureWorker makes so many thumbnails in each turn, with a worker of its own.
func (r *rig) measureWorker(ctx context.Context, nsqd nsqtest.Client, photo []byte, times, atOnce, rounds int) (w working, err error) {
	c, err := r.newContest(ctx, nsqd, photo, atOnce)
	if err != nil {
		return w, err
	}
	defer c.stop()
	w.idle = peakMemory(c.worker.PID())
	if _, err := c.ours(ctx, 2*atOnce); err != nil { // connections are made, memory is there
		return w, err
	}
	c.perCore = pair{}
	forgetPeak(c.worker.PID())
	w.rate, err = turns(rounds,
		func() (float64, error) { return c.ours(ctx, times) },
		func() (float64, error) { return c.floor(ctx, times) })
	w.perCore, w.peak = c.perCore, peakMemory(c.worker.PID())
	return w, err
}

// contest is a worker, what it works with, and the floor.
type contest struct {
	rig       *rig
	nsqd      nsqtest.Client
	oss       *originals
	publisher *queue.Publisher
	worker    *program
	file      string // the original, for the floor
	atOnce    int

	uploads int    // so far
	made    string // MD5 of the worker's last thumbnail
	perCore pair   // thumbnails per second of CPU time, of each turn
}

func (r *rig) newContest(ctx context.Context, nsqd nsqtest.Client, photo []byte, atOnce int) (_ *contest, err error) {
	c := &contest{rig: r, nsqd: nsqd, file: filepath.Join(r.Dir, "original.jpg"), atOnce: atOnce}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	if err := os.WriteFile(c.file, photo, 0o600); err != nil {
		return nil, err
	}
	if c.oss, err = startOriginals(photo); err != nil {
		return nil, err
	}
	c.publisher, err = queue.NewPublisher(queue.PublisherConfig{Addrs: []string{nsqd.TCPAddr()}, Topic: topic})
	if err != nil {
		return nil, err
	}
	c.worker, err = r.serve(ctx, r.Worker, "/healthz", func(addr string) map[string]string {
		return map[string]string{
			"OSS_ENDPOINT": c.oss.url, "OSS_REGION": region, "ALLOWED_BUCKETS": bucket, "NSQD_ADDRS": nsqd.TCPAddr(), "NSQ_TOPIC": topic,
			"NSQ_CHANNEL": workerChannel, "WORKER_CONCURRENCY": strconv.Itoa(atOnce), "METRICS_ADDR": addr,
			"ALIBABA_CLOUD_ACCESS_KEY_ID": keyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": keySecret,
		}
	})
	return c, err
}

func (c *contest) stop() {
	if c.worker != nil {
		c.worker.stop()
	}
	if c.publisher != nil {
		c.publisher.Close()
	}
	if c.oss != nil {
		c.oss.stop()
	}
}

// ours has the worker make so many thumbnails and returns how many it made per second.
func (c *contest) ours(ctx context.Context, times int) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	before, known := cpuTime(c.worker.PID())
	began := time.Now()
	for range times {
		c.uploads++
		if _, err := c.publisher.Publish(ctx, c.oss.job(fmt.Sprintf("photos/%06d.jpg", c.uploads))); err != nil {
			return 0, err
		}
	}
	var err error
	if c.made, err = c.oss.await(ctx, times); err != nil {
		return 0, fmt.Errorf("%w: %q", err, c.worker.log.Lines())
	}
	took := time.Since(began)
	if _, err := c.nsqd.Wait(ctx, topic, workerChannel, nsqtest.Stats.Empty); err != nil {
		return 0, err
	}
	after, _ := cpuTime(c.worker.PID())
	core := math.NaN()
	if known && after > before {
		core = float64(times) / (after - before).Seconds()
	}
	c.perCore.ours = append(c.perCore.ours, core)
	return float64(times) / took.Seconds(), nil
}

// floor is the same without a worker.
func (c *contest) floor(ctx context.Context, times int) (float64, error) {
	took, cpu, made, err := c.rig.bareThumbnails(ctx, c.file, times, c.atOnce)
	if err != nil {
		return 0, err
	}
	if made != c.made {
		return 0, errOtherThumbnail
	}
	c.perCore.floor = append(c.perCore.floor, float64(times)/cpu.Seconds())
	return float64(times) / took.Seconds(), nil
}

// bareThumbnails runs the floor.
func (r *rig) bareThumbnails(ctx context.Context, file string, times, atOnce int) (took, cpu time.Duration, md5 string, err error) {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.floor("thumbnail"), file, strconv.Itoa(times), strconv.Itoa(atOnce))
	cmd.Env = []string{"GOGC=" + workerGOGC} // nothing else of ours
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return 0, 0, "", fmt.Errorf("floor: %w", err)
	}
	var answer struct {
		Elapsed time.Duration `json:"elapsed_ns"`
		MD5     string        `json:"md5"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return 0, 0, "", fmt.Errorf("floor: %w", err)
	}
	return answer.Elapsed, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), answer.MD5, nil
}
