//go:build linux

package bench

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"strings"
	"testing"
)

// The real worker and the floor, briefly. It fails too if the two do not make the same thumbnail.
func TestThumbnails(t *testing.T) {
	t.Parallel()
	s, err := thumbnails(t.Context(), newTestRig(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(concurrencies()); len(s.Rows) != want || len(s.Targets) != 1 {
		t.Errorf("%d rows and %d targets, want %d and 1", len(s.Rows), len(s.Targets), want)
	}
	for _, row := range s.Rows {
		if len(row.Values) != len(s.Columns) {
			t.Fatalf("%s: %d values for %d columns", row.Name, len(row.Values), len(s.Columns))
		}
		for i, v := range row.Values {
			if v.Number <= 0 || math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
				t.Errorf("%s: %s is %v", row.Name, s.Columns[i], v)
			}
		}
	}
}

// A system that tells nothing of processes leaves gaps, and no target.
func TestUnknownUsageIsAGap(t *testing.T) {
	unknown := Value{Unit: Nothing}
	w := working{rate: pair{[]float64{2}, []float64{4}}, perCore: pair{[]float64{math.NaN()}, []float64{4}}, idle: unknown, peak: unknown}
	var got []string
	for _, v := range w.values(1) {
		got = append(got, v.String())
	}
	if want := "2/s 4/s 0.50x - 4/s - - -"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPhotoIsLikeOne(t *testing.T) {
	const w, h = 700, 500
	file, err := photo(w, h)
	if err != nil {
		t.Fatal(err)
	}
	if bits := float64(8*len(file)) / (w * h); bits < 1.5 || bits > 4 {
		t.Errorf("%.1f bits a pixel", bits)
	}
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := img.(*image.YCbCr); !ok || m.SubsampleRatio != image.YCbCrSubsampleRatio420 || m.Rect.Size() != image.Pt(w, h) {
		t.Errorf("%T of %v", img, img.Bounds())
	}
	if again, _ := photo(w, h); !bytes.Equal(file, again) {
		t.Error("not the same twice")
	}
}
