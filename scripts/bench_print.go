package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"oss-callback/scripts/internal/bench"
)

// benchWidth is how wide prose is printed, in characters.
const benchWidth = 130

// benchMachine says where the figures come from.
func benchMachine(out *printer, m bench.Machine) {
	cpu := m.CPU
	if cpu == "" {
		cpu = "a processor whose name this system does not tell"
	}
	out.line(bold, fmt.Sprintf("%s, %d cores, %s, %s", cpu, m.Cores, m.System, m.Go))
	out.line("", "")
}

// benchSection prints one table and the verdicts on it.
func benchSection(w io.Writer, out *printer, s bench.Section) {
	out.line(bold, fmt.Sprintf("%s  (%s)", s.Name, short(s.Took)))
	for _, line := range wrapped(s.How, benchWidth) {
		out.line(dim, line)
	}
	for _, line := range table(s) {
		fmt.Fprintln(w, line)
	}
	for _, t := range s.Targets {
		benchTarget(out, t)
	}
	out.line("", "")
}

func benchTarget(out *printer, t bench.Target) {
	style, mark, bound := green, "met   ", "at most"
	if !t.Met {
		style, mark = red, "missed"
	}
	if t.AtLeast {
		bound = "at least"
	}
	out.line("", fmt.Sprintf("%s  %s: %s, %s %s", out.paint(style, mark), t.Name, t.Value, bound, t.Limit))
	if t.Why != "" {
		for _, line := range wrapped(t.Why, benchWidth-8) {
			out.line(dim, "        "+line)
		}
	}
}

// benchVerdict is the last line: what came of it, and what to do next.
func benchVerdict(out *printer, r bench.Report) {
	met, all := 0, 0
	for _, s := range r.Sections {
		for _, t := range s.Targets {
			all++
			if t.Met {
				met++
			}
		}
	}
	style := green
	if met < all {
		style = bold
	}
	out.line(style, fmt.Sprintf("%d of %d targets met. Machines differ and ratios less: after a change, run it before and after, with nothing else running.", met, all))
}

// table aligns names to the left and figures to the right.
func table(s bench.Section) []string {
	rows := [][]string{append([]string{""}, s.Columns...)}
	for _, row := range s.Rows {
		cells := []string{row.Name}
		for _, v := range row.Values {
			cells = append(cells, v.String())
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(s.Columns)+1)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		var b strings.Builder
		fmt.Fprintf(&b, "  %-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], cell)
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return lines
}
