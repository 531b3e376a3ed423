package bench

import (
	"math"
	"slices"
	"time"
)

// quantile is the value below which the share q of the sorted samples lies: the nearest rank.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func median(samples []float64) float64 {
	return quantile(slices.Sorted(slices.Values(samples)), 0.5)
}

// tick is the unit of the processor times that a system tells, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// enough is how many samples must lie beyond a quantile for it to mean anything.
const enough = 10

// tail is a quantile, and NaN if too few samples lie beyond it.
func tail(sorted []float64, q float64) float64 {
	if float64(len(sorted))*(1-q) < enough {
		return math.NaN()
	}
	return quantile(sorted, q)
}

// pair is what was measured of ours and of the floor, turn by turn: whatever else the machine does meets both.
type pair struct{ ours, floor []float64 }

// turns measures both so many times, and lets each be the first in half of them.
func turns(n int, ours, floor func() (float64, error)) (p pair, err error) {
	take := func(samples *[]float64, measure func() (float64, error)) {
		if err != nil {
			return
		}
		var s float64
		if s, err = measure(); err == nil {
			*samples = append(*samples, s)
		}
	}
	for i := range n {
		if i%2 == 0 {
			take(&p.ours, ours)
			take(&p.floor, floor)
		} else {
			take(&p.floor, floor)
			take(&p.ours, ours)
		}
	}
	return p, err
}

// ratioOfFloors compares the floors of two measurements.
func (p pair) ratioOfFloors(to pair) float64 { return median(p.floor) / median(to.floor) }

// ratio is that of the medians, ours to the floor's.
func (p pair) ratio() float64 { return median(p.ours) / median(p.floor) }
