package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ErrNoGrowth says that there is nothing to plot: the report lacks the section, or it was measured too briefly.
var ErrNoGrowth = errors.New("bench: the plot needs the section growth")

// The plot, in pixels: its size, and the frame of the curves within it.
const (
	plotWidth, plotHeight = 720, 420
	left, right           = 70, 600
	top, bottom           = 50, 340
)

// curve is one line of the plot.
type curve struct {
	name, colour, dashes string
	points               [][2]float64 // callbacks per second, ms
}

// last is the time at the highest rate.
func (c curve) last() float64 { return c.points[len(c.points)-1][1] }

// Plot draws how long callbacks take against how many come per second, ours and the floor, as an SVG document. It returns ErrNoGrowth
// for a report without it.
func (r Report) Plot() (string, error) {
	for _, s := range r.Sections {
		if s.Name != "growth" {
			continue
		}
		if list := curves(s); len(list) > 0 {
			return draw(list, r.Machine), nil
		}
	}
	return "", ErrNoGrowth
}

// curves reads the rows of rates: p50 and p99 with their ratios to the floor stand in the columns from the third on.
func curves(s Section) []curve {
	list := []curve{
		{name: "p99", colour: "#0969da", dashes: "6 4"}, {name: "p50", colour: "#0969da"},
		{name: "floor, p99", colour: "#8c959f", dashes: "6 4"}, {name: "floor, p50", colour: "#8c959f"},
	}
	const p50, p99 = 2, 4
	for _, row := range s.Rows {
		var rate float64
		if _, err := fmt.Sscanf(row.Name, "%f a second", &rate); err != nil {
			continue
		}
		for i, at := range []int{p99, p50} {
			if row.Values[at].Unit == Nothing || row.Values[at+1].Unit == Nothing {
				continue
			}
			ms := row.Values[at].Number / 1e6
			list[i].points = append(list[i].points, [2]float64{rate, ms})
			list[i+2].points = append(list[i+2].points, [2]float64{rate, ms / row.Values[at+1].Number})
		}
	}
	return slices.DeleteFunc(list, func(c curve) bool { return len(c.points) == 0 })
}

// draw scales the rate evenly and the time by decades.
func draw(list []curve, m Machine) string {
	most, low, high := 1.0, math.Inf(1), 1.0
	for _, c := range list {
		for _, p := range c.points {
			most, low, high = max(most, p[0]), min(low, p[1]), max(high, p[1])
		}
	}
	low, high = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
	x := func(rate float64) float64 { return left + (right-left)*rate/most }
	y := func(ms float64) float64 { return bottom - (bottom-top)*math.Log10(ms/low)/math.Log10(high/low) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#1f2328">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<text x="%d" y="26" font-size="15">Time to the answer, one instance of the web door, OSS in %d ms</text>`+"\n", left, ossDelay.Milliseconds())
	for ms := low; ms <= high*1.01; ms *= 10 {
		for i := 1.0; i < 10 && ms*i <= high*1.01; i++ {
			weight := "#eaeef2"
			if i == 1 {
				weight = "#d0d7de"
				fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%g ms</text>`+"\n", left-8, y(ms)+4, ms)
			}
			fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="%s"/>`+"\n", left, y(ms*i), right, weight)
		}
	}
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for rate := 0.0; rate <= most; rate += step {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", x(rate), bottom+20, rate)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">callbacks per second</text>`+"\n", (left+right)/2, bottom+42)
	slices.SortFunc(list, func(a, b curve) int { return cmp.Compare(b.last(), a.last()) }) // as they end, from the top
	label := math.Inf(-1)
	for _, c := range list {
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s" points="`, c.colour, c.dashes)
		for _, p := range c.points {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(p[0]), y(p[1]))
		}
		label = max(y(c.last()), label+16) // names never cover one another
		fmt.Fprintf(&b, `"/>`+"\n"+`<text x="%d" y="%.1f" fill="%s">%s</text>`+"\n", right+8, label+4, c.colour, c.name)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="11" fill="#59636e">%s, %d cores shared with the load, %s</text>`+"\n</svg>\n",
		left, plotHeight-6, escape(m.CPU), m.Cores, escape(m.Go))
	return b.String()
}

func escape(s string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s) }
