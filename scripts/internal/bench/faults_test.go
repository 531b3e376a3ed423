//go:build linux

package bench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// What each fault has to be answered: the README's table promises it.
var promised = map[string]string{
	"none":                            "200 queued",
	"the object is gone":              "404 object_gone",
	"OSS refuses connections":         "200 queued, image_info_pending",
	"OSS answers 503":                 "200 queued, image_info_pending",
	"OSS does not answer image/info":  "200 queued, image_info_pending",
	"every nsqd refuses, no outbox":   "503 queue_unavailable",
	"every nsqd refuses, outbox":      "200 queued",
	"one nsqd of two is silent":       "200 queued",
	"every nsqd is silent, no outbox": "503 queue_unavailable",
	"every nsqd is silent, outbox":    "200 queued",
	"OSS and every nsqd refuse":       "503 queue_unavailable",
	"OSS and every nsqd are silent":   "503 queue_unavailable",
}

// Every fault strikes: what is answered tells.
func TestFaultsStrike(t *testing.T) {
	t.Parallel()
	r := newTestRig(t)
	if len(promised) != len(allFaults) {
		t.Errorf("%d answers for %d faults", len(promised), len(allFaults))
	}
	var g errgroup.Group
	g.SetLimit(4)
	for _, f := range allFaults {
		g.Go(func() error {
			o, err := r.measureFault(t.Context(), f, 2, 1)
			if err != nil {
				t.Errorf("%s: %v", f.name, err)
				return nil
			}
			if got := o.answer(); got != promised[f.name] {
				t.Errorf("%s: answered %q, want %q", f.name, got, promised[f.name])
			}
			if len(o.took) != 2 || o.took[0] <= 0 {
				t.Errorf("%s: took %v", f.name, o.took)
			}
			return nil
		})
	}
	_ = g.Wait() // errors are told above
}

func TestFaultsSection(t *testing.T) {
	t.Parallel()
	s, err := faults(t.Context(), newTestRig(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Rows) != len(quickFaults) || len(s.Targets) != 1 {
		t.Errorf("%d rows and %d targets", len(s.Rows), len(s.Targets))
	}
	for i, row := range s.Rows {
		if len(row.Values) != len(s.Columns) || row.Name != quickFaults[i] {
			t.Fatalf("%+v for %q", row, s.Columns)
		}
	}
	slowest := quickFaults[2] // silent ones
	if target := s.Targets[0]; target.Limit.Number != float64(latest) || target.AtLeast || !strings.Contains(target.Name, slowest) || !target.Met {
		t.Errorf("%+v", target)
	}
}

func TestOutcome(t *testing.T) {
	o := outcome{took: []float64{float64(time.Second), float64(2 * time.Second)}, answers: map[string]int{"503 queue_unavailable": 1, "200 queued": 15}}
	var got []string
	for _, v := range o.values() {
		got = append(got, v.String())
	}
	if want := []string{"200 queued (15), 503 queue_unavailable (1)", "2 s", "0.40x", "2 s", "0.40x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
