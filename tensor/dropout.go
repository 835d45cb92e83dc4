package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// Mask is a dropout mask: Key names it, so that the same key gives the same
// mask, and Rate is the probability of dropping a unit. Rate 0 drops nothing.
type Mask = kernel.Mask

// checkMask panics unless the rate of a mask is a probability below 1.
func checkMask(op string, m Mask) {
	if !(m.Rate >= 0 && m.Rate < 1) { // or NaN
		misfit(op, "a rate of dropout of %v; want at least 0 and less than 1", m.Rate)
	}
}

// elementGrain is the number of elements that one task works on.
const elementGrain = 1 << 14

type dropAddOp struct {
	loop[dropAddOp]
	mask    Mask
	a, x, y *Tensor
	dy      []Float
	copied  bool // to the gradient of a, instead of becoming it
	fresh   bool // the gradient of x
}

var dropAddOps pool[dropAddOp]

// DropAdd returns a + dropout(x), the residual connection of a sub-layer
// (Srivastava et al. 2014; Vaswani et al. 2017, section 5.4).
func (t *Tape) DropAdd(a, x *Tensor, m Mask) *Tensor {
	if a.rows != x.rows || a.cols != x.cols {
		misfit("DropAdd", "%d x %d and %d x %d; want equal shapes", a.rows, a.cols, x.rows, x.cols)
	}
	checkMask("DropAdd", m)
	o := dropAddOps.Get()
	o.mask, o.a, o.x, o.y = m, a, x, t.newLoose(x.rows, x.cols)
	o.each(o, len(x.Data), elementGrain, (*dropAddOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *dropAddOp) result() *Tensor { return o.y }
func (o *dropAddOp) release()        { dropAddOps.put(o) }

func (o *dropAddOp) forward(lo, hi int) {
	y, a, x := o.y.Data[lo:hi], o.a.Data[lo:hi], o.x.Data[lo:hi]
	if o.mask.Rate == 0 {
		kernel.Add(y, a, x)
		return
	}
	o.mask.At(lo).DropAdd(y, a, x)
}

// backward hands the gradient of the result on to a, as it is: where a has none
// yet, its memory too.
func (o *dropAddOp) backward(t *Tape) {
	o.dy, o.copied = o.y.Grad, true
	if o.a.Grad == nil && !o.a.param {
		o.a.Grad, o.y.Grad, o.copied = o.dy, nil, false
	} else {
		o.a.accumulator(t)
	}
	_, o.fresh = o.x.gradient(t)
	o.each(o, len(o.dy), elementGrain, (*dropAddOp).grad)
}

func (o *dropAddOp) grad(lo, hi int) {
	dy, dx := o.dy[lo:hi], o.x.Grad[lo:hi]
	switch {
	case o.fresh && o.mask.Rate == 0:
		copy(dx, dy)
	case o.fresh:
		o.mask.At(lo).Drop(dx, dy)
	case o.mask.Rate == 0:
		kernel.Add(dx, dx, dy)
	default:
		o.mask.At(lo).DropAdd(dx, dx, dy)
	}
	if o.copied {
		da := o.a.Grad[lo:hi]
		kernel.Add(da, da, dy)
	}
}

type dropoutOp struct {
	loop[dropoutOp]
	mask  Mask
	x, y  *Tensor
	fresh bool // the gradient of x
}

var dropoutOps pool[dropoutOp]

// Dropout returns x with units set to zero by m and the others scaled by
// 1/(1-Rate). With rate 0 it is x itself.
func (t *Tape) Dropout(x *Tensor, m Mask) *Tensor {
	if m.Rate == 0 {
		return x
	}
	checkMask("Dropout", m)
	o := dropoutOps.Get()
	o.mask, o.x, o.y = m, x, t.new(x.rows, x.cols)
	o.each(o, len(x.Data), elementGrain, (*dropoutOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *dropoutOp) result() *Tensor { return o.y }
func (o *dropoutOp) release()        { dropoutOps.put(o) }

func (o *dropoutOp) forward(lo, hi int) { o.mask.At(lo).Drop(o.y.Data[lo:hi], o.x.Data[lo:hi]) }

func (o *dropoutOp) backward(t *Tape) {
	_, o.fresh = o.x.gradient(t)
	o.each(o, len(o.y.Grad), elementGrain, (*dropoutOp).grad)
}

func (o *dropoutOp) grad(lo, hi int) {
	dx, dy := o.x.Grad[lo:hi], o.y.Grad[lo:hi]
	if o.fresh {
		o.mask.At(lo).Drop(dx, dy)
	} else {
		o.mask.At(lo).DropAdd(dx, dx, dy)
	}
}
