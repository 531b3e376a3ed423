package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	row := func(name string, p50, p99 float64) Row {
		return Row{name, []Value{perSecond(1), ratio(1), nanoseconds(p50), ratio(2), nanoseconds(p99), ratio(2)}}
	}
	r := Report{Machine: Machine{CPU: "A & B <C>", Cores: 2, Go: "go1"}, Sections: []Section{{Name: "growth", Rows: []Row{
		row("50 a second", math.NaN(), math.NaN()), row("100 a second", 20e6, 40e6), row("200 a second", 20e6, 80e6), row("1 nsqd on disk, 64 at once", 9e9, 9e9), row("2 instances of go1", 1, 1),
	}}}}
	svg, err := r.Plot()
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		element, ok := token.(xml.StartElement)
		if !ok || element.Name.Local != "polyline" {
			continue
		}
		lines++
		for _, a := range element.Attr {
			if points := strings.Fields(a.Value); a.Name.Local == "points" && len(points) != 2 {
				t.Errorf("a curve through %q, want the two rates", points)
			}
		}
	}
	if lines != 4 {
		t.Errorf("%d curves, want p50 and p99 of ours and of the floor", lines)
	}
}

func TestPlotNeedsGrowth(t *testing.T) {
	for _, r := range []Report{{}, {Sections: []Section{{Name: "size"}}}, {Sections: []Section{{Name: "growth"}}}, {Sections: []Section{{Name: "growth", Rows: []Row{{"50 a second", slices.Repeat([]Value{{Unit: Nothing}}, 8)}}}}}} {
		if svg, err := r.Plot(); !errors.Is(err, ErrNoGrowth) {
			t.Errorf("%v %q", err, svg)
		}
	}
}
