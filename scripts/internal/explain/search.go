package explain

import (
	"context"
	"crypto/md5"
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"strings"

	"encoding/base64"

	"oss-callback/function/callback"
)

const (
	// maxGuesses bounds the search, and maxHashed the bytes hashed in it: about a second.
	maxGuesses = 20_000
	maxHashed  = 64 << 20
	// maxTarget bounds path and query together, in bytes; Function Compute takes 4 KB.
	maxTarget = 8 << 10
)

// targetSize is how long path and query are, or what is left of the query.
func (c *Capture) targetSize() int {
	n := len(c.Path) + len(c.Query.Raw)
	for name, value := range c.Query.Params {
		n += len(name) + len(value) + 2
	}
	return n
}

// variant is one reading of a part of the request: what it was before the changes.
type variant struct {
	text string
	by   []change
}

// readings are those of one part of the request.
type readings struct {
	plain   []variant                   // without any change; more than one only for a lost query
	single  []variant                   // with one change
	hinted  []variant                   // what each hint says, in the order of hints
	rare    iter.Seq[variant]           // with one change, too, but too many to be combined with others, or to be kept
	further func(text string) []variant // rules to combine with single ones
}

// finding is the guess that fits.
type finding struct {
	target            target
	path, query, body variant
}

func (f finding) changes() []change { return slices.Concat(f.path.by, f.query.by, f.body.by) }

// request is the callback as OSS sent it, as far as it is signed.
func (f finding) request(c Capture) callback.Request {
	h := c.Header.Clone()
	h.Set("Authorization", base64.StdEncoding.EncodeToString(f.target.signature))
	h.Set(keyURLHeader, base64.StdEncoding.EncodeToString([]byte(keyURLV1)))
	h.Del(versionHeader)
	if json.Valid(c.Body) && !json.Valid([]byte(f.body.text)) && slices.ContainsFunc(f.body.by, func(c change) bool { return c.id == BodyReserialized }) {
		h.Set("Content-Type", formType) // it was made JSON, and labelled so
	}
	path, query := f.path.text, strings.TrimPrefix(f.query.text, "?")
	if query == "" {
		path += f.query.text // a "?" alone: the verifier signs none, but the path may hold one
	}
	return callback.Request{Path: (&url.URL{Path: path}).EscapedPath(), Query: callback.Query{Raw: query}, Header: h, Body: []byte(f.body.text)}
}

// search looks for the smallest number of changes, at most two, that make one of the targets fit. It returns nil if there is none. Its
// only error is that of ctx.
func search(ctx context.Context, c Capture, hints []hint, targets []target, report *Report) (*finding, error) {
	paths, queries, bodies := pathReadings(c, hints), queryReadings(c, hints), bodyReadings(c)
	var text []byte
	hashed := 0
	for f := range guesses(paths, queries, bodies) {
		if report.Tried == maxGuesses || hashed > maxHashed {
			report.LimitHit = true
			break
		}
		if report.Tried%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		text = append(append(append(append(text[:0], f.path.text...), f.query.text...), '\n'), f.body.text...)
		report.Tried++
		hashed += len(text)
		digest := md5.Sum(text)
		for _, t := range targets {
			if t.digest == digest {
				f.target = t
				return &f, nil
			}
		}
	}
	return nil, nil
}

// guesses yields combinations of readings, those with fewer changes first.
func guesses(p, q, b readings) iter.Seq[finding] {
	return func(yield func(finding) bool) {
		cross := func(paths, queries, bodies iter.Seq[variant]) bool {
			for path := range paths {
				for query := range queries {
					for body := range bodies {
						if !yield(finding{path: path, query: query, body: body}) {
							return false
						}
					}
				}
			}
			return true
		}
		p0, q0, b0 := slices.Values(p.plain), slices.Values(q.plain), slices.Values(b.plain)
		p1, q1, b1 := slices.Values(p.single), slices.Values(q.single), slices.Values(b.single)
		hinted := func() bool { // path and query of one hint make a single guess
			for i := range p.hinted {
				if !cross(slices.Values(p.hinted[i:i+1]), slices.Values(q.hinted[i:i+1]), b1) {
					return false
				}
			}
			return true
		}
		_ = cross(p0, q0, b0) &&
			cross(p1, q0, b0) && cross(p0, q1, b0) && cross(p0, q0, b1) && cross(p0, q.rare, b0) && cross(p0, q0, b.rare) &&
			cross(p1, q1, b0) && hinted() && cross(p1, q0, b1) && cross(p0, q1, b1) &&
			cross(p.doubles(), q0, b0) && cross(p0, q.doubles(), b0) && cross(p0, q0, b.doubles())
	}
}

// doubles are the readings with two changes of the same part.
func (r readings) doubles() iter.Seq[variant] {
	return func(yield func(variant) bool) {
		for _, v := range r.single {
			for _, w := range r.further(v.text) {
				if w.by[0].id != v.by[0].id && !yield(variant{w.text, slices.Concat(v.by, w.by)}) {
					return
				}
			}
		}
	}
}

// variants collects readings, each text once: the first to come names it. What is longer than any callback is none.
type variants struct {
	list []variant
	seen map[string]bool
}

func (s *variants) add(text string, by ...change) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	if !s.seen[text] && len(text) <= callback.MaxBody {
		s.seen[text] = true
		s.list = append(s.list, variant{text, by})
	}
}

// none is the rare readings of what has none.
func none(func(variant) bool) {}

// permutations yields every order of list.
func permutations(list []string) iter.Seq[[]string] {
	return func(yield func([]string) bool) { permute(slices.Clone(list), 0, yield) }
}

func permute(s []string, i int, yield func([]string) bool) bool {
	if i >= len(s)-1 {
		return yield(s)
	}
	for j := i; j < len(s); j++ {
		s[i], s[j] = s[j], s[i]
		if !permute(s, i+1, yield) {
			return false
		}
		s[i], s[j] = s[j], s[i]
	}
	return true
}
