package explain

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

const (
	maxSubsets      = 6  // parameters of which every choice is left out: 2^6
	maxCombinable   = 4  // whose every order is combined with other changes: 4!
	maxPermutations = 6  // whose every order is tried at all: 6!
	maxParams       = 64 // bits of a choice
)

// queryReadings are what the signed query may have been, with its "?".
func queryReadings(c Capture, hints []hint) readings {
	if len(c.Query.Params) > 0 {
		return lostQueryReadings(c.Query.Params, hints)
	}
	came := withMark(c.Query.Raw)
	r := readings{plain: []variant{{text: came}}, further: queryRules}
	var set variants
	set.add(came)
	for _, h := range hints {
		if h.pathOnly {
			continue
		}
		hinted := variant{text: h.query}
		if h.query != came {
			hinted.by = []change{compareQueries(came, h.query, h.from)}
			set.add(hinted.text, hinted.by...)
		}
		r.hinted = append(r.hinted, hinted)
	}
	r.rare = reordered(came, &set)
	for _, v := range queryRules(came) {
		set.add(v.text, v.by...)
	}
	r.single = set.list[1:]
	return r
}

func withMark(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

// reordered adds the other orders of a query's parameters to set, or returns them if they are many.
func reordered(query string, set *variants) iter.Seq[variant] {
	pairs := strings.Split(strings.TrimPrefix(query, "?"), "&")
	if len(pairs) < 2 || len(pairs) > maxParams {
		return none
	}
	by := change{QueryReordered, ""}
	if len(pairs) <= maxCombinable {
		for order := range permutations(pairs) {
			set.add("?"+strings.Join(order, "&"), by)
		}
		return none
	}
	set.add("?"+joinedBy(pairs, strings.Compare), by)
	set.add("?"+joinedBy(pairs, func(a, b string) int { return strings.Compare(b, a) }), by)
	return func(yield func(variant) bool) {
		if len(pairs) > maxPermutations {
			return
		}
		for order := range permutations(pairs) {
			if !yield(variant{"?" + strings.Join(order, "&"), []change{by}}) {
				return
			}
		}
	}
}

func joinedBy(pairs []string, less func(a, b string) int) string {
	return strings.Join(slices.SortedStableFunc(slices.Values(pairs), less), "&")
}

// queryRules undo what is done to queries, but for their order.
func queryRules(text string) []variant {
	var set variants
	set.add(text)
	if text == "" || text == "?" {
		set.add("?", change{EmptyQuery, ""})
		return set.list[1:]
	}
	query := text[1:]
	for _, v := range withoutSome(query) {
		set.add(v.text, v.by...)
	}
	for _, other := range respelled(query) {
		set.add(withMark(other), change{QueryReencoded, ""})
	}
	return set.list[1:]
}

// withoutSome leaves parameters out that something may have added.
func withoutSome(query string) []variant {
	pairs := strings.Split(query, "&")
	var set variants
	for _, choice := range choices(len(pairs)) {
		kept, added := divide(pairs, choice)
		detail := "the parameters " + namesOf(added)
		if repeats(added, kept) {
			detail = appendedTwice(added)
		}
		set.add(withMark(strings.Join(kept, "&")), change{QueryAdded, detail})
	}
	return set.list
}

// repeats reports whether all that was added stands in the query already.
func repeats(added, kept []string) bool {
	return !slices.ContainsFunc(added, func(pair string) bool { return !slices.Contains(kept, pair) })
}

func appendedTwice(added []string) string {
	return "the parameters " + namesOf(added) + ", which were appended twice: nginx appends the query to the new address of a rewrite; where that " +
		`holds $args already, end it with "?"`
}

// choices are those of n things to leave out, a bit for each, as few as possible first: any of a few, else a single one or one end.
func choices(n int) []uint64 {
	if n > maxParams {
		return nil
	}
	var left []uint64
	all := ^uint64(0) >> (maxParams - n)
	if n <= maxSubsets {
		for choice := uint64(1); choice <= all; choice++ {
			left = append(left, choice)
		}
		slices.SortStableFunc(left, func(a, b uint64) int { return cmp.Compare(bits.OnesCount64(a), bits.OnesCount64(b)) })
		return left
	}
	for i := range n {
		head := uint64(1)<<i - 1
		left = append(left, uint64(1)<<i, head, all&^head)
	}
	return left
}

func divide(things []string, choice uint64) (kept, left []string) {
	for i, thing := range things {
		if choice>>i&1 == 0 {
			kept = append(kept, thing)
		} else {
			left = append(left, thing)
		}
	}
	return kept, left
}

// compareQueries names what made the query that came of the one that was called. Both have their "?".
func compareQueries(came, called, from string) change {
	split := func(query string) []string {
		if query = strings.TrimPrefix(query, "?"); query == "" {
			return nil
		}
		return strings.Split(query, "&")
	}
	a, b := split(came), split(called)
	decoded := func(pairs []string) []string {
		var all []string
		for _, p := range pairs {
			all = append(all, unplussed(p))
		}
		return slices.Sorted(slices.Values(all))
	}
	switch {
	case within(a, b) || within(b, a):
	case slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))):
		return change{QueryReordered, "compared with " + from}
	case slices.Equal(decoded(a), decoded(b)):
		return change{QueryReencoded, "compared with " + from}
	}
	return comparePairs(a, b, from)
}

// comparePairs names what was added to the parameters that were called, or taken from them.
func comparePairs(came, called []string, from string) change {
	missing := func(more, less []string) []string {
		return slices.DeleteFunc(slices.Clone(more), func(p string) bool { return slices.Contains(less, p) })
	}
	switch added := missing(came, called); {
	case within(called, came) && len(added) == 0:
		return change{QueryAdded, appendedTwice(slices.Compact(slices.Sorted(slices.Values(came))))}
	case within(called, came):
		return change{QueryAdded, "the parameters " + namesOf(added) + " are not in " + from}
	case within(came, called):
		return change{QueryDropped, from + " has the parameters " + namesOf(missing(called, came)) + ", too"}
	}
	return change{QueryRewritten, "compared with " + from}
}

// within reports whether more holds all of less, in the same order, and something else.
func within(less, more []string) bool {
	i := 0
	for _, p := range more {
		if i < len(less) && less[i] == p {
			i++
		}
	}
	return i == len(less) && len(more) > len(less)
}
