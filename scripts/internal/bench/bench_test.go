//go:build linux

package bench

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Every section that no other test runs, briefly, with the real binaries.
func TestRun(t *testing.T) {
	t.Parallel()
	o := newTestRig(t).Options
	o.Only = slices.DeleteFunc(Names(), func(name string) bool { return name == "worker" || name == "faults" })
	var told []string
	o.OnSection = func(s Section) { told = append(told, s.Name) }
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, o.Only) {
		t.Errorf("told of %q, want %q", told, o.Only)
	}
	for _, s := range report.Sections {
		if len(s.Rows) == 0 || s.How == "" || (len(s.Targets) == 0) != (s.Name == "growth") {
			t.Errorf("%s: %d rows, %d targets, %q", s.Name, len(s.Rows), len(s.Targets), s.How)
		}
		for _, row := range s.Rows {
			if len(row.Values) != len(s.Columns) {
				t.Errorf("%s, %s: %d values for %d columns", s.Name, row.Name, len(row.Values), len(s.Columns))
			}
		}
		for _, target := range s.Targets {
			if target.Value.Unit == Nothing || target.Limit.Number <= 0 {
				t.Errorf("%s: %+v", s.Name, target)
			}
		}
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
	if svg, err := report.Plot(); err != nil || !strings.Contains(svg, "polyline") {
		t.Errorf("%v %q", err, svg)
	}
}

// A server that refuses must not look fast.
func TestRefusalsAreNoFigures(t *testing.T) {
	t.Parallel()
	r := newTestRig(t)
	nsqd, err := r.startNSQD(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nsqd.stop()
	oss, err := startOSS(0)
	if err != nil {
		t.Fatal(err)
	}
	defer oss.stop()
	env := r.functionEnv(oss.url, nsqd.TCPAddr())
	env["ALLOWED_BUCKETS"] = "another-bucket"
	function, err := r.webFunction(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	defer function.stop()
	request := r.callback(function.addr)
	if _, err := load(t.Context(), function.addr, request, 2, 1); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "bucket_not_allowed") {
		t.Errorf("load: %v", err)
	}
	if _, err := arrivals(t.Context(), function.addr, request, 10, 1); !errors.Is(err, errRefused) {
		t.Errorf("arrivals: %v", err)
	}
}

func TestTurns(t *testing.T) {
	var order []string
	p, err := turns(3,
		func() (float64, error) { order = append(order, "ours"); return float64(2 * len(order)), nil },
		func() (float64, error) { order = append(order, "floor"); return float64(len(order)), nil })
	if want := []string{"ours", "floor", "floor", "ours", "ours", "floor"}; err != nil || !slices.Equal(order, want) {
		t.Errorf("%v %v", order, err)
	}
	if got := p.ratio(); got != 8.0/3 { // of the medians of 2, 8, 10 and of 2, 3, 6
		t.Errorf("ratio %v of %+v", got, p)
	}
	broken := errors.New("broken")
	if _, err := turns(2, func() (float64, error) { return 0, broken }, func() (float64, error) { return 1, nil }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestValuesAreForPeople(t *testing.T) {
	for want, v := range map[string]Value{
		"999 ns": nanoseconds(999), "1 µs": nanoseconds(1000), "12.3 ms": nanoseconds(12_345_678), "-2.50 s": nanoseconds(-2.5e9),
		"64 MB": byteCount(64 << 20), "1.50 KB": byteCount(1536), "0.97x": ratio(0.97), "5796/s": perSecond(5796), "-": ratio(quantile(nil, 1)), "7": count(7),
	} {
		if got := v.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for name, c := range map[string]struct {
		target Target
		met    bool
		why    string
	}{
		"below":             {atMost("t", ratio(1), ratio(2), "why"), true, ""},
		"at the most":       {atMost("t", ratio(2), ratio(2), "why"), true, ""},
		"too much":          {atMost("t", ratio(2.1), ratio(2), "why"), false, "why"},
		"above":             {atLeast("t", ratio(3), ratio(2), "why"), true, ""},
		"at the least":      {atLeast("t", ratio(2), ratio(2), "why"), true, ""},
		"too little":        {atLeast("t", ratio(1.9), ratio(2), "why"), false, "why"},
		"too little, why?":  {atLeast("t", ratio(1.9), ratio(2)), false, ""},
		"too much, why?":    {atMost("t", ratio(2.1), ratio(2)), false, ""},
		"nothing is little": {atLeast("t", Value{Unit: Nothing}, ratio(2)), false, ""},
	} {
		if c.target.Met != c.met || c.target.Why != c.why {
			t.Errorf("%s: %+v", name, c.target)
		}
	}
}

// stub answers 200 after a while, and counts who is connected.
func stub(t *testing.T, delay time.Duration) (addr string, most *atomic.Int64) {
	t.Helper()
	var open, peak atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(delay) }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			for n := open.Add(1); ; {
				if p := peak.Load(); n <= p || peak.CompareAndSwap(p, n) {
					break
				}
			}
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), &peak
}

const get = "GET / HTTP/1.1\r\nHost: stub\r\n\r\n"

func TestLoadIsAsManyAsAskedFor(t *testing.T) {
	addr, most := stub(t, 5*time.Millisecond)
	l, err := load(t.Context(), addr, []byte(get), 7, 50*time.Millisecond)
	if err != nil || most.Load() != 7 || len(l.latencies) < 14 || !slices.IsSorted(l.latencies) {
		t.Errorf("%d connections, %d answers, %v", most.Load(), len(l.latencies), err)
	}
	if l.latencies[0] < float64(5*time.Millisecond) {
		t.Errorf("an answer after %v", time.Duration(l.latencies[0]))
	}
}

// A server that falls behind must not hide it: who waits for a connection waits already.
func TestArrivalsCountFromWhenTheyAreDue(t *testing.T) {
	const delay = 20 * time.Millisecond
	addr, most := stub(t, delay)
	l, err := arrivals(t.Context(), addr, []byte(get), 100*maxOpen, 20*time.Millisecond) // twice as many as may be open
	if err != nil {
		t.Fatal(err)
	}
	if len(l.latencies) != 2*maxOpen || most.Load() > maxOpen {
		t.Errorf("%d answers over %d connections", len(l.latencies), most.Load())
	}
	if slowest := l.latencies[len(l.latencies)-1]; slowest < float64(2*delay)-float64(20*time.Millisecond) || l.latencies[0] < float64(delay) {
		t.Errorf("between %v and %v", time.Duration(l.latencies[0]), time.Duration(slowest))
	}
}

func TestTailsNeedSamples(t *testing.T) {
	samples := make([]float64, 1000)
	for i := range samples {
		samples[i] = float64(i)
	}
	if got := tail(samples, 0.99); got != 990 {
		t.Errorf("p99 %v", got)
	}
	if got := nanoseconds(tail(samples, 0.999)); got.Unit != Nothing {
		t.Errorf("p99.9 of a thousand is %v", got)
	}
	if got := nanoseconds(tail(samples[:19], 0.5)); got.Unit != Nothing {
		t.Errorf("p50 of 19 is %v", got)
	}
}

// What a bench that was killed has left in memory goes with the next one; another's that runs stays.
func TestLeftMessagesAreRemoved(t *testing.T) {
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	left, err := os.MkdirTemp(memory, folderName(ended.Process.Pid)+"*")
	if err != nil {
		t.Skip("no file system in memory: ", err)
	}
	defer os.RemoveAll(left)
	used, err := os.MkdirTemp(memory, folderName(os.Getpid())+"*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(used)
	removeLeft()
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was left: %v", err)
	}
	if _, err := os.Stat(used); err != nil {
		t.Error(err)
	}
}
