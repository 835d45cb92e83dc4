package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/metrics"
)

// HeadScore tells how well one head, or the mean of some, aligns words: each
// target token is linked to the source token that it attends to most.
type HeadScore struct {
	// Words counts the target tokens with a gold link, and Hits those of them
	// whose strongest attention falls on a source token they are linked to.
	Words, Hits int
	// Alignment scores the links of all target tokens with the gold ones. Those from and
	// to an end symbol do not count.
	metrics.Alignment
}

// HitRate is the share of aligned words that are hit, in [0, 1].
func (s HeadScore) HitRate() float64 { return float64(s.Hits) / float64(s.Words) }

// AlignmentReport compares encoder-decoder attention with gold alignments.
type AlignmentReport struct {
	// Heads are the scores in the order [layer][head].
	Heads [][]HeadScore
	// Mean are the scores of the mean of all heads of each layer.
	Mean []HeadScore
}

// ScoreAttention compares the encoder-decoder attention on sentence pairs with
// their gold links. Row i of the attention must be the position at which the
// decoder puts out target token i. All pairs must come from models with as
// many layers and heads. An error says which pair does not fit.
func ScoreAttention(pairs []Attention, gold [][]metrics.Link) (AlignmentReport, error) {
	if err := checkGold(pairs, gold); err != nil {
		return AlignmentReport{}, err
	}
	var r AlignmentReport
	for l, layer := range pairs[0].Cross {
		heads := make([]HeadScore, len(layer))
		for h := range heads {
			score, err := scoreHead(pairs, gold, func(w Weights) [][]float32 { return w[l][h] })
			if err != nil {
				return AlignmentReport{}, err
			}
			heads[h] = score
		}
		mean, err := scoreHead(pairs, gold, func(w Weights) [][]float32 { return MeanOfHeads(w[l]) })
		if err != nil {
			return AlignmentReport{}, err
		}
		r.Heads, r.Mean = append(r.Heads, heads), append(r.Mean, mean)
	}
	return r, nil
}

func checkGold(pairs []Attention, gold [][]metrics.Link) error {
	if len(pairs) == 0 {
		return fmt.Errorf("inspect: no attention to compare with gold links")
	}
	if len(gold) != len(pairs) {
		return fmt.Errorf("inspect: gold links for %d sentence pairs, want %d as there are attentions",
			len(gold), len(pairs))
	}
	for i, a := range pairs {
		if err := a.check(); err != nil {
			return fmt.Errorf("sentence pair %d: %w", i, err)
		}
		first := pairs[0].Cross
		if len(a.Cross) == 0 || len(a.Cross) != len(first) || len(a.Cross[0]) != len(first[0]) {
			return fmt.Errorf("inspect: sentence pair %d has encoder-decoder attention of another shape than pair 0", i)
		}
		for _, l := range gold[i] {
			if l.Source < 0 || l.Source >= len(a.Source) || l.Target < 0 || l.Target >= len(a.Target) {
				return fmt.Errorf("inspect: sentence pair %d has the gold link %d-%d, want below %d-%d",
					i, l.Source, l.Target, len(a.Source), len(a.Target))
			}
		}
	}
	return nil
}

// scoreHead scores the attention, [query][key], that choose picks.
func scoreHead(
	pairs []Attention, gold [][]metrics.Link, choose func(Weights) [][]float32,
) (HeadScore, error) {
	var s HeadScore
	links := make([][]metrics.Link, len(pairs))
	for i, a := range pairs {
		strongest := Strongest(choose(a.Cross))
		words, hits := countHits(strongest, gold[i])
		s.Words += words
		s.Hits += hits
		links[i] = ofWords(a, strongest)
	}
	var err error
	s.Alignment, err = metrics.ScoreAlignments(links, gold, nil)
	return s, err
}

// ofWords leaves out the links of the end symbols, which no gold alignment has.
func ofWords(a Attention, links []metrics.Link) []metrics.Link {
	if !a.Ended {
		return links
	}
	return slices.DeleteFunc(links, func(l metrics.Link) bool {
		return l.Source == len(a.Source)-1 || l.Target == len(a.Target)-1
	})
}

// countHits returns the number of target tokens with a gold link, and of those
// whose strongest link is one of them.
func countHits(strongest, gold []metrics.Link) (words, hits int) {
	hit := map[int]bool{}
	for _, g := range gold {
		hit[g.Target] = hit[g.Target] || strongest[g.Target] == g
	}
	for _, h := range hit {
		if h {
			hits++
		}
	}
	return len(hit), hits
}

// Strongest links each query of attention weights, [query][key], to the key
// with the largest weight, the first of equal ones.
func Strongest(weights [][]float32) []metrics.Link {
	links := make([]metrics.Link, len(weights))
	for q, row := range weights {
		best := 0
		for k, weight := range row {
			if weight > row[best] {
				best = k
			}
		}
		links[q] = metrics.Link{Source: best, Target: q}
	}
	return links
}

// MeanOfHeads averages weights over heads.
func MeanOfHeads(heads [][][]float32) [][]float32 {
	mean := make([][]float32, len(heads[0]))
	for q := range mean {
		mean[q] = make([]float32, len(heads[0][q]))
		for _, head := range heads {
			for k, weight := range head[q] {
				mean[q][k] += weight / float32(len(heads))
			}
		}
	}
	return mean
}

// String returns a table with a row for each head and for the mean of each
// layer, rates in percent.
func (r AlignmentReport) String() string {
	var b strings.Builder
	b.WriteString("layer  head  hit rate    AER\n")
	for l, heads := range r.Heads {
		for h, s := range heads {
			fmt.Fprintf(&b, "%5d %5d %8.1f%% %5.1f%%\n", l+1, h+1, 100*s.HitRate(), 100*s.AER)
		}
		s := r.Mean[l]
		fmt.Fprintf(&b, "%5d  mean %8.1f%% %5.1f%%\n", l+1, 100*s.HitRate(), 100*s.AER)
	}
	return b.String()
}
