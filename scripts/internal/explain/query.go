package explain

import (
	"cmp"
	"iter"
	"maps"
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
		if !h.pathOnly {
			set.add(h.query, compareQueries(came, h.query, h.from))
		}
	}
	r.rare = reordered(came, &set)
	for _, v := range queryRules(came) {
		set.add(v.text, v.by...)
	}
	r.single = set.list[1:]
	return r
}

// lostQueryReadings are those of a query that is known by its parameters only. That order and spelling are lost is no change.
func lostQueryReadings(params map[string]string, hints []hint) readings {
	names := slices.Sorted(maps.Keys(params))
	r := readings{rare: none, further: func(string) []variant { return nil }}
	var set variants
	for _, text := range rebuilt(names, params) {
		set.add(text)
	}
	r.plain = set.list
	for _, h := range hints {
		if !h.pathOnly {
			set.add(h.query, compareQueries(set.list[0].text, h.query, h.from))
		}
	}
	for _, choice := range choices(len(names)) {
		kept, added := divide(names, choice)
		for _, text := range rebuilt(kept, params) {
			set.add(text, change{QueryAdded, "the parameters " + quotedNames(added)})
		}
	}
	r.single = set.list[len(r.plain):]
	return r
}

func withMark(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

// rebuilt are the queries that may have become these parameters, in every order while they are few.
func rebuilt(names []string, params map[string]string) []string {
	var spellings [][]string
	for _, e := range encoders {
		for _, bare := range []bool{false, true} {
			pairs := make([]string, len(names))
			for i, name := range names {
				pairs[i] = e(name)
				if params[name] != "" || !bare {
					pairs[i] += "=" + e(params[name])
				}
			}
			if !slices.ContainsFunc(spellings, func(s []string) bool { return slices.Equal(s, pairs) }) {
				spellings = append(spellings, pairs)
			}
		}
	}
	var all []string
	for _, pairs := range spellings {
		if len(pairs) > maxPermutations {
			all = append(all, withMark(strings.Join(pairs, "&")))
			continue
		}
		for order := range permutations(pairs) {
			all = append(all, withMark(strings.Join(order, "&")))
		}
	}
	return all
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
		for i, pair := range added {
			added[i], _, _ = strings.Cut(pair, "=")
		}
		set.add(withMark(strings.Join(kept, "&")), change{QueryAdded, "the parameters " + quotedNames(added)})
	}
	return set.list
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
	came, called = strings.TrimPrefix(came, "?"), strings.TrimPrefix(called, "?")
	a, b := strings.Split(came, "&"), strings.Split(called, "&")
	decoded := func(pairs []string) []string {
		var all []string
		for _, p := range pairs {
			all = append(all, unescaped(strings.ReplaceAll(p, "+", " ")))
		}
		return all
	}
	names := func(more, less []string) string {
		var all []string
		for _, p := range more {
			if name, _, _ := strings.Cut(p, "="); !slices.Contains(less, p) {
				all = append(all, name)
			}
		}
		return quotedNames(all)
	}
	switch {
	case called == "" || within(b, a):
		return change{QueryAdded, "the parameters " + names(a, b) + " are not in " + from}
	case came == "" || within(a, b):
		return change{QueryDropped, from + " has the parameters " + names(b, a) + ", too"}
	case slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))):
		return change{QueryReordered, "compared with " + from}
	case slices.Equal(slices.Sorted(slices.Values(decoded(a))), slices.Sorted(slices.Values(decoded(b)))):
		return change{QueryReencoded, "compared with " + from}
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
