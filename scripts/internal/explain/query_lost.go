package explain

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// lostQueryReadings are those of a query that is known by its parameters only. That order and spelling are lost is no change.
func lostQueryReadings(params map[string]string, hints []hint) readings {
	names := slices.Sorted(maps.Keys(params))
	r := readings{rare: none, further: func(string) []variant { return nil }}
	var set variants
	for _, h := range hints {
		if pairs, ok := decodedPairs(h.query); ok && !h.pathOnly && maps.Equal(paramsOf(pairs), params) {
			set.add(h.query)
		}
	}
	for _, text := range rebuilt(names, params) {
		set.add(text)
	}
	r.plain = set.list
	came := make([]string, len(names))
	for i, name := range names {
		came[i] = name + "=" + params[name]
	}
	for _, h := range hints {
		if h.pathOnly {
			continue
		}
		hinted := variant{text: h.query}
		if !set.seen[h.query] {
			hinted.by = []change{compareLost(came, h.query, h.from)}
			set.add(hinted.text, hinted.by...)
		}
		r.hinted = append(r.hinted, hinted)
	}
	for _, choice := range choices(len(names)) {
		kept, _ := divide(names, choice)
		_, added := divide(came, choice)
		for _, text := range rebuilt(kept, params) {
			set.add(text, change{QueryAdded, "the parameters " + namesOf(added)})
		}
	}
	r.single = set.list[len(r.plain):]
	return r
}

// decodedPairs takes a query, with its "?", apart as Function Compute does.
func decodedPairs(query string) ([]string, bool) {
	var all []string
	for pair := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, false
		}
		all = append(all, name+"="+value)
	}
	return all, true
}

// paramsOf joins repeats with commas, as Function Compute does.
func paramsOf(pairs []string) map[string]string {
	params := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if before, ok := params[name]; ok {
			value = before + "," + value
		}
		params[name] = value
	}
	return params
}

// compareLost names what made the parameters that came of the query that was called. Their order is lost, not changed.
func compareLost(came []string, called, from string) change {
	pairs, ok := decodedPairs(called)
	if !ok {
		return change{QueryRewritten, "compared with " + from}
	}
	slices.Sort(pairs)
	return comparePairs(came, pairs, from)
}

// rebuilt are the queries that may have become these parameters, in every order while they are few.
func rebuilt(names []string, params map[string]string) []string {
	var spellings [][]string
	for _, e := range encoders {
		for _, how := range []struct{ bare, split bool }{{}, {bare: true}, {split: true}} {
			pairs := make([]string, len(names))
			for i, name := range names {
				pairs[i] = e(name)
				switch value := params[name]; {
				case value == "" && how.bare:
				case how.split: // repeats arrive joined with commas
					values := strings.Split(value, ",")
					for j, v := range values {
						values[j] = e(name) + "=" + e(v)
					}
					pairs[i] = strings.Join(values, "&")
				default:
					pairs[i] += "=" + e(value)
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
