package bench

import (
	"math"
	"slices"
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

// ratio is the median of the turns' ratios, ours to the floor's.
func (p pair) ratio() float64 {
	ratios := make([]float64, len(p.ours))
	for i := range ratios {
		ratios[i] = p.ours[i] / p.floor[i]
	}
	return median(ratios)
}
