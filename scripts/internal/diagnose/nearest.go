package diagnose

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// maxWanted is how much of an unknown input is compared, in runes: what fails is usually said first.
	maxWanted = 400
	// leastLikeness keeps texts out that share but a word such as "error" with the input. Found by trying.
	leastLikeness = 0.3
)

// Nearest returns up to n diagnoses whose words resemble the input, best first; none if nothing does. It is for inputs that Find does not
// know, and takes some milliseconds.
func Nearest(input string, n int) []Diagnosis { return newIndex().nearest(decode(input), n) }

// index compares texts by the groups of three letters in them. It works for Chinese as for misspelt English.
type index struct {
	weight map[string]float64 // rare groups tell more than common ones
	texts  [][]indexed        // of each diagnosis
}

type indexed struct {
	grams  map[string]bool
	weight float64
}

func newIndex() index {
	x := index{weight: map[string]float64{}}
	for _, d := range catalogue {
		var texts []indexed
		seen := map[string]bool{}
		for _, text := range append([]string{d.ID, d.Code, d.Message, d.Text.EN.Title, d.Text.ZH.Title}, d.also...) {
			texts = append(texts, indexed{grams: grams(text)})
			for gram := range texts[len(texts)-1].grams {
				seen[gram] = true
			}
		}
		for gram := range seen {
			x.weight[gram]++
		}
		x.texts = append(x.texts, texts)
	}
	for gram, count := range x.weight {
		x.weight[gram] = 1 / count
	}
	for _, texts := range x.texts {
		for i := range texts {
			texts[i].weight = x.sum(texts[i].grams)
		}
	}
	return x
}

func (x index) nearest(input string, n int) []Diagnosis {
	type scored struct {
		Diagnosis
		score float64
	}
	wanted := indexed{grams: grams(input)}
	wanted.weight = x.sum(wanted.grams)
	var near []scored
	for i, d := range catalogue {
		if score := x.likeness(wanted, x.texts[i]); score >= leastLikeness {
			near = append(near, scored{d, score})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var list []Diagnosis
	for _, s := range near[:max(0, min(n, len(near)))] {
		list = append(list, s.Diagnosis)
	}
	return list
}

// likeness is the part of the shorter text that the longer one has too, at best 1, for the text that fits best.
func (x index) likeness(wanted indexed, texts []indexed) float64 {
	best := 0.0
	for _, text := range texts {
		common := 0.0
		for gram := range text.grams {
			if wanted.grams[gram] {
				common += x.weight[gram]
			}
		}
		if least := min(wanted.weight, text.weight); least > 0 {
			best = max(best, common/least)
		}
	}
	return best
}

// sum weighs a text. A group that the catalogue does not have counts in full.
func (x index) sum(grams map[string]bool) float64 {
	total := 0.0
	for gram := range grams {
		if weight, ok := x.weight[gram]; ok {
			total += weight
		} else {
			total++
		}
	}
	return total
}

func grams(text string) map[string]bool {
	runes := []rune(fold(strings.ToValidUTF8(text[:min(len(text), 4*maxWanted)], "")))
	set := map[string]bool{}
	for i := 0; i+3 <= min(len(runes), maxWanted); i++ {
		set[string(runes[i:i+3])] = true
	}
	return set
}
