package bench

import (
	"strings"
	"time"
)

// Report is everything one run measured.
type Report struct {
	Machine  Machine   `json:"machine"`
	Sections []Section `json:"sections"`
}

// Machine is where it was measured. Figures of two machines, and of two runs on a shared one, do not compare; ratios do better.
type Machine struct {
	CPU    string `json:"cpu"` // model name; empty where the system does not tell
	Cores  int    `json:"cores"`
	System string `json:"system"` // GOOS/GOARCH
	Go     string `json:"go"`
}

// Section is one table: something of ours beside the least that could do it.
type Section struct {
	Name    string        `json:"name"`
	How     string        `json:"how"` // what was measured, in a sentence or two
	Columns []string      `json:"columns"`
	Rows    []Row         `json:"rows"`
	Targets []Target      `json:"targets"`
	Took    time.Duration `json:"took_ns"`
}

// Row is one line of a table: a Value for each of the section's columns.
type Row struct {
	Name   string  `json:"name"`
	Values []Value `json:"values"`
}

// Target is what a figure was meant to be, and whether it is.
type Target struct {
	Name    string `json:"name"`
	Value   Value  `json:"value"`
	Limit   Value  `json:"limit"`
	AtLeast bool   `json:"at_least"` // else at most
	Met     bool   `json:"met"`
	Why     string `json:"why,omitempty"` // it is missed, where that is known
}

func atMost(name string, v, limit Value, why ...string) Target {
	return Target{name, v, limit, false, v.Number <= limit.Number, ""}.because(why)
}

func atLeast(name string, v, limit Value, why ...string) Target {
	return Target{name, v, limit, true, v.Number >= limit.Number, ""}.because(why)
}

// because keeps the reason if there is something to explain.
func (t Target) because(why []string) Target {
	if !t.Met {
		t.Why = strings.Join(why, " ")
	}
	return t
}
