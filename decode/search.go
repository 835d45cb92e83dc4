package decode

import (
	"cmp"
	"math"
	"slices"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// live is a hypothesis that has not ended.
type live struct {
	tokens  []int32
	logProb float64
}

// sentence is the search of one sentence.
type sentence struct {
	index int
	limit int // tokens
	beam  []live
	ended []Hypothesis // best first, at most Beam
}

// search is beam search (Graves 2012; Sutskever et al. 2014, section 3.2): it
// keeps the Beam most probable beginnings. A sentence leaves the batch when
// none of its beginnings can become better than the worst of Beam results, as
// judged by the score that the best would have if it ended now.
func search(s Stepper, limits []int, o Options) ([][]Hypothesis, error) {
	sequences := len(limits)
	out := make([][]Hypothesis, sequences)
	open := make([]*sentence, sequences)
	for i := range open {
		open[i] = &sentence{index: i, limit: limits[i], beam: []live{{}}}
	}
	tokens := make([]int32, sequences)
	for i := range tokens {
		tokens[i] = o.Begin
	}
	r := ranking{o: o, keep: 2 * o.Beam, normalise: o.Beam > 1 || o.Scores}
	if o.Beam == 1 {
		r.keep = 1
	}
	for length := 1; len(open) > 0; length++ {
		logits := s.Step(tokens)
		if length == 1 {
			if err := o.fits(logits.Cols()); err != nil {
				return nil, err
			}
		}
		r.rank(logits, length)
		var parents []int
		tokens = tokens[:0]
		row := 0
		var next []*sentence
		for _, q := range open {
			first := row
			row += len(q.beam)
			from := q.advance(r.rows[first:row], length, o)
			if len(q.beam)+len(q.ended) == 0 {
				return nil, noNumbers(length)
			}
			if q.done(length, o) {
				out[q.index] = q.ended[:min(o.NBest, len(q.ended))]
				continue
			}
			next = append(next, q)
			for i, b := range q.beam {
				parents = append(parents, first+from[i])
				tokens = append(tokens, b.tokens[len(b.tokens)-1])
			}
		}
		open = next
		if len(open) > 0 {
			s.Select(parents)
		}
	}
	return out, nil
}

// candidate is a hypothesis of a sentence with one token more.
type candidate struct {
	parent  int
	token   int32
	logProb float64
}

// advance replaces the beam by its best continuations and says which element
// of the old beam each continues.
func (q *sentence) advance(rows [][]choice, length int, o Options) (from []int) {
	var all []candidate
	for i, row := range rows {
		for _, c := range row {
			all = append(all, candidate{i, c.token, q.beam[i].logProb + c.logProb})
		}
	}
	// Equal scores: the earlier hypothesis, then the smaller token.
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.logProb, a.logProb) })
	var beam []live
	for rank, c := range all {
		if len(beam) == o.Beam {
			break
		}
		old := q.beam[c.parent].tokens
		if c.token == o.End {
			if rank < o.Beam {
				q.end(Hypothesis{Tokens: old, LogProb: c.logProb, Score: c.logProb / o.Penalty.Of(length), Ended: true}, o)
			}
			continue
		}
		tokens := append(slices.Clip(old), c.token)
		if length == q.limit {
			q.end(Hypothesis{Tokens: tokens, LogProb: c.logProb, Score: c.logProb / o.Penalty.Of(length)}, o)
		}
		beam = append(beam, live{tokens, c.logProb})
		from = append(from, c.parent)
	}
	q.beam = beam
	return from
}

// end adds a result, keeping the Beam best.
func (q *sentence) end(h Hypothesis, o Options) {
	i := len(q.ended)
	for i > 0 && h.Score > q.ended[i-1].Score {
		i--
	}
	q.ended = slices.Insert(q.ended, i, h)
	q.ended = q.ended[:min(len(q.ended), o.Beam)]
}

// done says whether the search of a sentence is over after length tokens.
func (q *sentence) done(length int, o Options) bool {
	if length == q.limit || len(q.beam) == 0 {
		return true
	}
	if len(q.ended) < o.Beam {
		return false
	}
	return o.Beam == 1 || q.beam[0].logProb/o.Penalty.Of(length) <= q.ended[len(q.ended)-1].Score
}

// choice is a token that may come next.
type choice struct {
	token   int32
	logProb float64
}

// ranking finds the best tokens of each row of logits, all rows in parallel.
type ranking struct {
	o         Options
	keep      int  // tokens of a row
	normalise bool // to log-probabilities; without it only the order is right
	length    int
	logits    *tensor.Tensor
	rows      [][]choice
}

func (r *ranking) rank(logits *tensor.Tensor, length int) {
	r.logits, r.length = logits, length
	for len(r.rows) < logits.Rows() {
		r.rows = append(r.rows, nil)
	}
	par.For(logits.Rows(), r)
}

// Do implements par.Task.
func (r *ranking) Do(i int) {
	x := r.logits.Row(i)
	var buf [4]tensor.Float
	removed := prepare(x, r.length, r.o, buf[:0])
	best := top(r.rows[i][:0], x, r.keep)
	if r.normalise && len(best) > 0 {
		logZ := logSumExp(x, removed, best[0].logProb)
		for j := range best {
			best[j].logProb -= logZ
		}
		if math.IsNaN(logZ) {
			best = best[:0] // of one token's at least
		}
	} else if !r.normalise {
		for j := range best {
			best[j].logProb = math.NaN()
		}
	}
	r.rows[i] = best
}

// prepare takes out the tokens that cannot come at a length, and appends their
// logits to removed: they still count in the model's distribution.
func prepare(x []tensor.Float, length int, o Options, removed []tensor.Float) []tensor.Float {
	never := tensor.Float(math.Inf(-1))
	for _, id := range o.Banned {
		removed = append(removed, x[id])
		x[id] = never
	}
	if length <= o.MinLength && o.End >= 0 {
		removed = append(removed, x[o.End])
		x[o.End] = never
	}
	return removed
}

// logSumExp returns log Σ e^v over x and the removed logits; it overwrites x.
// shift is a large element of x.
func logSumExp(x, removed []tensor.Float, shift float64) float64 {
	sum := float64(kernel.ExpSum(x, x, 1, tensor.Float(shift)))
	for _, v := range removed {
		sum += math.Exp(float64(v) - shift)
	}
	return shift + math.Log(sum)
}

// topSpan is the number of logits whose maximum decides whether they are
// looked at one by one.
const topSpan = 256

// top appends the n largest elements of x, largest first, to dst; of equal
// ones the earlier come first. Elements of -Inf and NaN are left out.
func top(dst []choice, x []tensor.Float, n int) []choice {
	for lo := 0; lo < len(x); lo += topSpan {
		span := x[lo:min(lo+topSpan, len(x))]
		high := float64(kernel.Max(span))
		if math.IsInf(high, -1) || len(dst) == n && high <= dst[n-1].logProb {
			continue
		}
		for i, v := range span {
			f := float64(v)
			if !(f > math.Inf(-1)) || len(dst) == n && f <= dst[n-1].logProb {
				continue
			}
			at := len(dst)
			for at > 0 && f > dst[at-1].logProb {
				at--
			}
			if len(dst) == n {
				dst = dst[:n-1]
			}
			dst = slices.Insert(dst, at, choice{int32(lo + i), f})
		}
	}
	return dst
}
