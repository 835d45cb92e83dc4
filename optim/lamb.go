package optim

import (
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// LAMB is the optimiser for large batches of You et al. (2020, algorithm 2, with φ the
// identity). With Adam's moments m and v, r = m/(√v+ε), and a weight decay of λ, a matrix
// x moves by
//
//	x -= rate · ‖x‖/‖r+λx‖ · (r+λx)
//
// The trust ratio, that of the norms, is 1 where one of them is 0. Gains, shifts and biases,
// which do not decay, move by rate·r as with Adam: so it is in the authors' code,
// lamb_optimizer.py of ALBERT. A tensor that stacks several published ones has a ratio for
// each of them.
//
// That code leaves the moments uncorrected, and so does LAMB unless Uncorrected is made
// false: algorithm 2 as printed corrects them.
type LAMB struct {
	*Adam

	parts  []part
	layers []layer
	ratios lambRatios
	moves  lambMoves
}

// layer is a published matrix x with its u = r+λx.
type layer struct{ xx, uu float64 } // ‖x‖² and ‖u‖²

// ratio returns the trust ratio.
func (y layer) ratio() float64 {
	if y.xx == 0 || y.uu == 0 {
		return 1
	}
	return math.Sqrt(y.xx) / math.Sqrt(y.uu)
}

// part is the part of a layer, or of a parameter without a ratio, that one task works on.
type part struct {
	block
	layer  int            // -1 for none
	norms  layer          // of the part alone
	update []tensor.Float // memory for a chunk of u
}

// lambChunk is the number of elements of u that are in memory at a time.
const lambChunk = 1 << 10

// NewLAMB returns an optimiser of params with moments zero, which are not corrected.
func NewLAMB(params []nn.Param, beta1, beta2, epsilon, weightDecay float64) *LAMB {
	l := &LAMB{Adam: NewAdam(params, beta1, beta2, epsilon, weightDecay)}
	l.Uncorrected = true
	for i, p := range params {
		n := len(p.Tensor.Data)
		if !decays(p) {
			l.split(i, 0, n, -1)
			continue
		}
		size := n / max(len(p.Names), 1)
		for lo := 0; lo < n; lo += size {
			l.split(i, lo, lo+size, len(l.layers))
			l.layers = append(l.layers, layer{})
		}
	}
	l.ratios.l, l.moves.l = l, l
	return l
}

// split makes parts of elements lo to hi of a parameter.
func (l *LAMB) split(param, lo, hi, layer int) {
	for ; lo < hi; lo += blockSize {
		p := part{block: block{param, lo, min(lo+blockSize, hi)}, layer: layer}
		if layer >= 0 {
			p.update = kernel.Alloc(min(p.hi-p.lo, lambChunk))
		}
		l.parts = append(l.parts, p)
	}
}

// Step moves the parameters by the gradients times scale, at the given rate.
func (l *LAMB) Step(rate, scale float64) {
	step := l.next(1, scale)
	l.ratios.step = step
	l.ratios.step.Rate, l.ratios.step.Decay = -step.Rate, tensor.Float(l.WeightDecay) // x becomes λx+r
	par.For(len(l.parts), &l.ratios)
	clear(l.layers)
	for _, p := range l.parts {
		if p.layer >= 0 {
			y := &l.layers[p.layer]
			y.xx, y.uu = y.xx+p.norms.xx, y.uu+p.norms.uu
		}
	}
	l.moves.step, l.moves.rate = step, rate
	par.For(len(l.parts), &l.moves)
}

// lambRatios moves the moments of matrices and computes the norms, part by part.
type lambRatios struct {
	l    *LAMB
	step kernel.AdamStep
}

// Do implements par.Task.
func (r *lambRatios) Do(i int) {
	p := &r.l.parts[i]
	if p.layer < 0 {
		return
	}
	t, m, v := r.l.params[p.param].Tensor, r.l.M[p.param], r.l.V[p.param]
	p.norms = layer{}
	for lo := p.lo; lo < p.hi; lo += lambChunk {
		hi := min(lo+lambChunk, p.hi)
		x, u := t.Data[lo:hi], p.update[:hi-lo]
		copy(u, x)
		r.step.Apply(u, m[lo:hi], v[lo:hi], t.Grad[lo:hi])
		p.norms.xx += float64(kernel.SumSquares(x, 0))
		p.norms.uu += float64(kernel.SumSquares(u, 0))
	}
}

// lambMoves moves the parameters, part by part.
type lambMoves struct {
	l    *LAMB
	step kernel.AdamStep // at a rate of 1
	rate float64
}

// Do implements par.Task.
func (s *lambMoves) Do(i int) {
	p := &s.l.parts[i]
	step, rate := s.step, s.rate
	if p.layer >= 0 {
		rate *= s.l.layers[p.layer].ratio()
		step.Decay = tensor.Float(1 - rate*s.l.WeightDecay)
		step.Scale, step.Beta1, step.Beta2 = 0, 1, 1 // lambRatios has moved the moments
	}
	step.Rate = tensor.Float(rate * float64(step.Rate))
	t, m, v := s.l.params[p.param].Tensor, s.l.M[p.param], s.l.V[p.param]
	step.Apply(t.Data[p.lo:p.hi], m[p.lo:p.hi], v[p.lo:p.hi], t.Grad[p.lo:p.hi])
}
