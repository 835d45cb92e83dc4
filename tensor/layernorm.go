package tensor

import (
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
)

type layerNormOp struct {
	loop[layerNormOp]
	x, gain, shift, y *Tensor
	stats             *Tensor // (rows, 2): mean and reciprocal standard deviation
	partial           *Tensor // (tasks, 2·cols): gradients of gain and shift
	eps               float64
	grain             int
	fresh             bool // the gradient of x
}

var layerNormOps pool[layerNormOp]

// LayerNorm returns (x-µ)/√(σ²+eps)·gain + shift, where µ and σ² are the mean
// and the variance of each row (Ba et al. 2016, equation 4).
func (t *Tape) LayerNorm(x, gain, shift *Tensor, eps float64) *Tensor {
	if len(gain.Data) != x.cols || len(shift.Data) != x.cols {
		misfit("LayerNorm",
			"x is %d x %d, gain has %d and shift %d elements; want one a column", x.rows, x.cols, len(gain.Data), len(shift.Data))
	}
	o := layerNormOps.Get()
	o.x, o.gain, o.shift, o.eps = x, gain, shift, eps
	o.y, o.stats = t.new(x.rows, x.cols), t.new(x.rows, 2)
	o.grain = rowGrain(x.cols)
	o.each(o, x.rows, o.grain, (*layerNormOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *layerNormOp) result() *Tensor { return o.y }
func (o *layerNormOp) release()        { layerNormOps.put(o) }

func (o *layerNormOp) forward(lo, hi int) {
	n := Float(o.x.cols)
	for r := lo; r < hi; r++ {
		x := o.x.Row(r)
		mean := kernel.Sum(x) / n
		variance := kernel.SumSquares(x, mean) / n
		rstd := Float(1 / math.Sqrt(float64(variance)+o.eps))
		o.stats.Data[2*r], o.stats.Data[2*r+1] = mean, rstd
		kernel.Norm(o.y.Row(r), x, o.gain.Data, o.shift.Data, mean, rstd)
	}
}

func (o *layerNormOp) backward(t *Tape) {
	tasks := (o.x.rows + o.grain - 1) / o.grain
	o.partial = t.new(tasks, 2*o.x.cols)
	_, o.fresh = o.x.gradient(t)
	o.each(o, o.x.rows, o.grain, (*layerNormOp).grad)
	kernel.AddRows(o.gain.accumulator(t), o.partial.Data, tasks, 2*o.x.cols)
	kernel.AddRows(o.shift.accumulator(t), o.partial.Data[o.x.cols:], tasks, 2*o.x.cols)
}

func (o *layerNormOp) grad(lo, hi int) {
	d := o.x.cols
	sums := o.partial.Row(lo / o.grain)
	clear(sums)
	for r := lo; r < hi; r++ {
		dx := o.x.Grad[r*d : (r+1)*d]
		if o.fresh {
			clear(dx)
		}
		kernel.NormGrad(dx, sums[:d], sums[d:], o.y.Grad[r*d:(r+1)*d], o.x.Row(r), o.gain.Data,
			o.stats.Data[2*r], o.stats.Data[2*r+1])
	}
}
