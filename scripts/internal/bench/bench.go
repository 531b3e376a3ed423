// Package bench measures the shipped function and worker beside programs that do the least that could be done, in one run and turn by
// turn, and judges the ratios.
//
// Everything runs on this machine: the compiled binaries, a real nsqd that writes each message to disk, and an OSS that answers image info
// from memory, because only our share of the time is of interest. The load comes from the same machine, so that absolute figures are
// those of both together.
package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"oss-callback/scripts/internal/osssim"
)

// Options say what to measure. All fields but Only, Quick and OnSection are required.
type Options struct {
	Function, Worker string // paths of the binaries as they are shipped
	// Floors is the folder of the programs to measure against, see Floors.
	Floors string
	// NSQD is an executable, and NSQDArgs its arguments before those of nsqdproc.Options.
	NSQD     string
	NSQDArgs []string
	Dir      string // for messages and logs of this run; it must exist
	// Quick measures everything so briefly that the figures mean nothing: it is for tests of bench itself.
	Quick bool
	// Only names the sections to measure; empty means all.
	Only []string
	// OnSection is told of each section when it is done. May be nil.
	OnSection func(Section)
}

// rig is what sections have in common.
type rig struct {
	Options
	signer *osssim.Signer
}

type section struct {
	name    string
	measure func(context.Context, *rig) (Section, error)
}

// sections are measured in this order.
var sections = []section{
	{"verification", verification},
	{"size", zipSize},
	{"cold start", coldStart},
	{"event door", eventDoor},
	{"web door", webDoor},
	{"worker", thumbnails},
	{"faults", faults},
	{"growth", growth},
}

// Names are those of all sections.
func Names() []string {
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	return names
}

// ThisMachine is where Run measures.
func ThisMachine() Machine {
	return Machine{CPU: cpuModel(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
}

// Run measures one section after the other, a few minutes for all. An error says what did not work, and comes with
// what was measured before; a target that is missed is none.
func Run(ctx context.Context, o Options) (Report, error) {
	signer, err := osssim.NewSigner()
	if err != nil {
		return Report{}, err
	}
	r := &rig{Options: o, signer: signer}
	removeLeft()
	report := Report{Machine: ThisMachine()}
	for _, s := range r.chosen() {
		began := time.Now()
		section, err := s.measure(ctx, r)
		if ctx.Err() != nil { // whatever broke then
			err = context.Cause(ctx)
		}
		if err != nil {
			return report, fmt.Errorf("bench: %s: %w", s.name, err)
		}
		section.Name, section.Took = s.name, time.Since(began)
		report.Sections = append(report.Sections, section)
		if o.OnSection != nil {
			o.OnSection(section)
		}
	}
	return report, nil
}
