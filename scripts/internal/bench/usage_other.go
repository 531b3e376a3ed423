//go:build !linux

package bench

import "time"

// Only Linux tells these of another process without cgo.

func cpuTime(int) (time.Duration, bool) { return 0, false }
func peakMemory(int) Value              { return Value{Unit: Nothing} }
func forgetPeak(int)                    {}
func cpuModel() string                  { return "" }
