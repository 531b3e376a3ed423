//go:build linux

package bench

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
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
	if got := p.ratio(); got != 10.0/6 { // of 2/2, 8/3 and 10/6
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
