package bench

import (
	"fmt"
	"math"
	"time"
)

// Unit says what a Value counts.
type Unit string

// The units.
const (
	Nanoseconds Unit = "ns"
	Bytes       Unit = "bytes"
	PerSecond   Unit = "/s"
	Ratio       Unit = "x"
	Count       Unit = ""
	Nothing     Unit = "-" // not measured: the system does not tell
	Text        Unit = "text"
)

// Value is one figure.
type Value struct {
	Number float64 `json:"number"`
	Unit   Unit    `json:"unit"`
	Words  string  `json:"text,omitempty"` // of Text
}

func duration(d time.Duration) Value { return Value{Number: float64(d), Unit: Nanoseconds} }
func nanoseconds(n float64) Value    { return Value{Number: n, Unit: Nanoseconds}.known() }
func byteCount(n int64) Value        { return Value{Number: float64(n), Unit: Bytes} }
func perSecond(n float64) Value      { return Value{Number: n, Unit: PerSecond}.known() }
func ratio(n float64) Value          { return Value{Number: n, Unit: Ratio}.known() }
func count(n int) Value              { return Value{Number: float64(n)} }
func text(s string) Value            { return Value{Unit: Text, Words: s} }

// over is the ratio of two figures that the system may not have told.
func over(a, b Value) Value {
	if a.Unit == Nothing || b.Unit == Nothing {
		return Value{Unit: Nothing}
	}
	return ratio(a.Number / b.Number)
}

// known makes Nothing of what came from figures that the system did not tell.
func (v Value) known() Value {
	if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
		return Value{Unit: Nothing}
	}
	return v
}

// String is for people: three digits, and the unit that fits.
func (v Value) String() string {
	switch v.Unit {
	case Nanoseconds:
		return humanTime(v.Number)
	case Bytes:
		return humanBytes(v.Number)
	case PerSecond:
		return digits(v.Number) + "/s"
	case Ratio:
		return fmt.Sprintf("%.2fx", v.Number)
	case Nothing:
		return "-"
	case Text:
		return v.Words
	default:
		return digits(v.Number)
	}
}

func humanTime(ns float64) string {
	sign := ""
	if ns < 0 {
		sign, ns = "-", -ns
	}
	switch {
	case ns < 1e3:
		return sign + digits(ns) + " ns"
	case ns < 1e6:
		return sign + digits(ns/1e3) + " µs"
	case ns < 1e9:
		return sign + digits(ns/1e6) + " ms"
	default:
		return sign + digits(ns/1e9) + " s"
	}
}

func humanBytes(n float64) string {
	switch {
	case n < 1<<10:
		return digits(n) + " B"
	case n < 1<<20:
		return digits(n/(1<<10)) + " KB"
	default:
		return digits(n/(1<<20)) + " MB"
	}
}

func digits(n float64) string {
	switch {
	case n >= 100 || n == float64(int64(n)):
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	default:
		return fmt.Sprintf("%.2f", n)
	}
}
