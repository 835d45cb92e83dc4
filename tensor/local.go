package tensor

import (
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
)

type locateOp struct {
	x, y  *Tensor
	spans Spans
}

var locateOps pool[locateOp]

// Locate says where in its sequence each query looks (Luong et al. 2015, equation 10):
//
//	p[i] = n·σ(x[i])
//
// for x (rows, 1), n being the number of keys of the query's span, which is to be its
// whole sequence.
func (t *Tape) Locate(x *Tensor, s Spans) *Tensor {
	if x.cols != 1 || len(s) != x.rows {
		misfit("Locate", "%d spans for %d x %d", len(s), x.rows, x.cols)
	}
	o := locateOps.Get()
	o.x, o.y, o.spans = x, t.new(x.rows, 1), s
	kernel.Logistic(o.y.Data, x.Data)
	for i := range o.y.Data {
		o.y.Data[i] *= Float(s[i].Len())
	}
	y := o.y
	t.done(o)
	return y
}

func (o *locateOp) result() *Tensor { return o.y }
func (o *locateOp) release()        { locateOps.put(o) }

func (o *locateOp) backward(t *Tape) {
	dx := o.x.accumulator(t)
	for i, p := range o.y.Data {
		if n := Float(o.spans[i].Len()); n > 0 {
			dx[i] += o.y.Grad[i] * p * (1 - p/n)
		}
	}
}

type gaussOp struct {
	loop[gaussOp]
	w, p, y *Tensor
	spans   Spans
	sigma   float64
}

var gaussOps pool[gaussOp]

// Gauss favours keys near a place of the sequence (Luong et al. 2015, equation 11):
//
//	y[i][j] = w[i][j]·exp(-(pos-p[i])²/(2σ²))
//
// for weights (rows, keys of the longest span or more) and p (rows, 1), pos being the
// position of key First+j. The rows are not made to sum to 1 again.
func (t *Tape) Gauss(weights, p *Tensor, s Spans, sigma float64) *Tensor {
	if p.cols != 1 || p.rows != weights.rows || len(s) != weights.rows || s.width() > weights.cols {
		misfit("Gauss", "weights of %d x %d, places of %d x %d and %d spans of up to %d keys", weights.rows, weights.cols, p.rows, p.cols, len(s), s.width())
	}
	o := gaussOps.Get()
	o.w, o.p, o.y, o.spans, o.sigma = weights, p, t.zeros(weights.rows, weights.cols), s, sigma
	o.each(o, weights.rows, rowGrain(weights.cols), (*gaussOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *gaussOp) result() *Tensor { return o.y }
func (o *gaussOp) release()        { gaussOps.put(o) }

// factor returns what key j of query i is multiplied by, and how far it is from the
// place.
func (o *gaussOp) factor(i, j int) (factor, away float64) {
	s := o.spans[i]
	away = float64(s.First-s.Base+j) - float64(o.p.Data[i])
	return math.Exp(-away * away / (2 * o.sigma * o.sigma)), away
}

func (o *gaussOp) forward(lo, hi int) {
	for i := lo; i < hi; i++ {
		w, y := o.w.Row(i), o.y.Row(i)
		for j := range o.spans[i].Len() {
			f, _ := o.factor(i, j)
			y[j] = w[j] * Float(f)
		}
	}
}

func (o *gaussOp) backward(t *Tape) {
	o.w.accumulator(t)
	o.p.accumulator(t)
	o.each(o, o.w.rows, rowGrain(o.w.cols), (*gaussOp).grad)
}

func (o *gaussOp) grad(lo, hi int) {
	cols := o.w.cols
	for i := lo; i < hi; i++ {
		y, dy, dw := o.y.Row(i), o.y.Grad[i*cols:(i+1)*cols], o.w.Grad[i*cols:(i+1)*cols]
		dp := 0.0
		for j := range o.spans[i].Len() {
			f, away := o.factor(i, j)
			dw[j] += dy[j] * Float(f)
			dp += float64(dy[j]*y[j]) * away
		}
		o.p.Grad[i] += Float(dp / (o.sigma * o.sigma))
	}
}

type normaliseOp struct {
	loop[normaliseOp]
	x, y *Tensor
}

var normaliseOps pool[normaliseOp]

// Normalise divides each row, of weights, by its sum; a row whose sum is 0 stays.
func (t *Tape) Normalise(x *Tensor) *Tensor {
	o := normaliseOps.Get()
	o.x, o.y = x, t.new(x.rows, x.cols)
	o.each(o, x.rows, rowGrain(x.cols), (*normaliseOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *normaliseOp) result() *Tensor { return o.y }
func (o *normaliseOp) release()        { normaliseOps.put(o) }

// divisor returns what row i is divided by.
func (o *normaliseOp) divisor(i int) Float {
	if sum := kernel.Sum(o.x.Row(i)); sum != 0 {
		return sum
	}
	return 1
}

func (o *normaliseOp) forward(lo, hi int) {
	for i := lo; i < hi; i++ {
		copy(o.y.Row(i), o.x.Row(i))
		kernel.ScaleAdd(o.y.Row(i), 1/o.divisor(i), 0)
	}
}

func (o *normaliseOp) backward(t *Tape) {
	o.x.accumulator(t)
	o.each(o, o.x.rows, rowGrain(o.x.cols), (*normaliseOp).grad)
}

func (o *normaliseOp) grad(lo, hi int) {
	cols := o.x.cols
	for i := lo; i < hi; i++ {
		dy, dx, sum := o.y.Grad[i*cols:(i+1)*cols], o.x.Grad[i*cols:(i+1)*cols], o.divisor(i)
		// The divisor of a row without a sum is a constant.
		mean := Float(0)
		if kernel.Sum(o.x.Row(i)) != 0 {
			mean = kernel.Dot(dy, o.y.Row(i))
		}
		for j, d := range dy {
			dx[j] += (d - mean) / sum
		}
	}
}
