package decode

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Sampling draws tokens at random instead of taking the best.
type Sampling struct {
	Temperature float64 // logits are divided by it; 1 is the model's own distribution
	TopK        int     // draw from the K most probable tokens; 0 is all
	TopP        float64 // draw from the most probable tokens that together have probability P; 0 or 1 is all (Holtzman et al. 2020)
	Seed        uint64
	Streams     []uint64 // the number of each sequence's random stream; none: its place in the batch
}

// stream returns the random numbers of a sequence of a batch.
func (s Sampling) stream(sequence int) *rand.Rand {
	n := uint64(sequence)
	if len(s.Streams) > 0 {
		n = s.Streams[sequence]
	}
	return rand.New(rand.NewPCG(s.Seed, n))
}

func (s Sampling) validate() error {
	switch {
	case !(s.Temperature > 0) || math.IsInf(s.Temperature, 1): // or NaN
		return fmt.Errorf("decode: temperature is %v; want more than 0", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("decode: top-k is %d; want at least 0", s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1): // or NaN
		return fmt.Errorf("decode: top-p is %v; want 0 to 1", s.TopP)
	}
	return nil
}

// sample draws one hypothesis for each sequence. Each sequence has a random
// stream of its own, so that a result does not depend on the others.
func sample(s Stepper, limits []int, o Options) ([][]Hypothesis, error) {
	sequences := len(limits)
	out := make([][]Hypothesis, sequences)
	streams := make([]*rand.Rand, sequences)
	tokens, open := make([]int32, sequences), make([]int, sequences)
	for i := range sequences {
		out[i] = []Hypothesis{{}}
		streams[i] = o.Sampling.stream(i)
		tokens[i], open[i] = o.Begin, i
	}
	for length := 1; len(open) > 0; length++ {
		logits := s.Step(tokens)
		if length == 1 {
			if err := o.fits(logits.Cols()); err != nil {
				return nil, err
			}
		}
		tokens = tokens[:0]
		var next, parents []int
		for row, i := range open {
			x := logits.Row(row)
			removed := prepare(x, length, o, nil)
			id, logProb := o.Sampling.draw(x, removed, streams[i])
			if math.IsNaN(logProb) {
				return nil, noNumbers(length)
			}
			h := &out[i][0]
			h.LogProb += logProb
			if id == o.End {
				h.Ended = true
			} else {
				h.Tokens = append(h.Tokens, id)
			}
			if h.Ended || length == limits[i] {
				h.Score = h.LogProb
				continue
			}
			tokens, next, parents = append(tokens, id), append(next, i), append(parents, row)
		}
		open = next
		if len(open) > 0 {
			s.Select(parents)
		}
	}
	return out, nil
}

// sortAll returns all elements of x but those of -Inf, largest first.
func sortAll(x []tensor.Float) []choice {
	all := make([]choice, 0, len(x))
	for i, v := range x {
		if f := float64(v); !math.IsInf(f, -1) {
			all = append(all, choice{int32(i), f})
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int { return cmp.Compare(b.logProb, a.logProb) })
	return all
}

// draw returns a token and its log-probability under the model, whatever the
// temperature and the cut-offs; NaN where the scores of tokens are none.
func (s Sampling) draw(x, removed []tensor.Float, r *rand.Rand) (int32, float64) {
	n := s.TopK
	if n == 0 || n > len(x) {
		n = len(x)
	}
	var best []choice
	if n == len(x) {
		best = sortAll(x)
	} else {
		best = top(nil, x, n)
	}
	if len(best) == 0 {
		return 0, math.NaN()
	}
	shift := best[0].logProb
	logZ := logSumExp(x, removed, shift)
	total := 0.0
	weights := make([]float64, len(best))
	for i, c := range best {
		weights[i] = math.Exp((c.logProb - shift) / s.Temperature)
		total += weights[i]
	}
	if s.TopP > 0 && s.TopP < 1 {
		mass, i := 0.0, 0
		for i < len(best) && mass < s.TopP*total {
			mass += weights[i]
			i++
		}
		best, total = best[:i], mass
	}
	at := r.Float64() * total
	pick := 0
	for pick < len(best)-1 && at >= weights[pick] {
		at -= weights[pick]
		pick++
	}
	return best[pick].token, best[pick].logProb - logZ
}
