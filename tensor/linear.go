package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// Linear is the affine map y = x·Wᵀ + b with what often follows it.
type Linear struct {
	Weight     *Tensor    // (out, in)
	Bias       *Tensor    // (1, out); nil for none
	Activation Activation // Identity, ReLU, GELU or GELUTanh
	Drop       Mask       // dropout on y, after ReLU
}

// linearOp is Linear on the tape.
type linearOp struct {
	loop[linearOp]
	Linear
	x, y *Tensor
	in   *Tensor // of GELU; y without it
	dy   []Float // the gradient before the activation
}

var linearOps pool[linearOp]

// Linear returns x·Wᵀ + b, (rows, in) to (rows, out).
func (t *Tape) Linear(x *Tensor, l Linear) *Tensor {
	w := l.Weight
	if x.cols != w.cols {
		misfit("Linear", "x is %d x %d and the weight %d x %d; want equal columns", x.rows, x.cols, w.rows, w.cols)
	}
	if l.Bias != nil && len(l.Bias.Data) != w.rows {
		misfit("Linear", "the weight has %d rows; want as many biases", w.rows)
	}
	if a := l.Activation; a < Identity || a > GELUTanh {
		misfit("Linear", "activation %d; want Identity, ReLU, GELU or GELUTanh", a)
	}
	if l.Drop.Rate != 0 && l.Activation != ReLU {
		misfit("Linear", "dropout is on ReLU units")
	}
	checkMask("Linear", l.Drop)
	o := linearOps.Get()
	o.Linear, o.x, o.y = l, x, t.new(x.rows, w.rows)
	o.y.loose = l.Activation == Identity
	o.in = o.y
	e := kernel.Epilogue{Activation: kernel.Activation(l.Activation)}
	if l.Activation > ReLU && !t.inference {
		o.in, e.Activated = t.new(x.rows, w.rows), o.y.Data
	}
	if l.Bias != nil {
		e.Bias = l.Bias.Data
	}
	if w.packed != nil && t.inference {
		kernel.GemmPacked(x.rows, x.matrix(false), w.packed, o.in.Data, w.rows, e)
	} else {
		kernel.Gemm(x.rows, w.rows, x.cols, x.matrix(false), w.matrix(true), o.in.Data, w.rows, e)
	}
	if l.Drop.Rate > 0 {
		o.each(o, len(o.y.Data), elementGrain, (*linearOp).drop)
	}
	y := o.y
	t.done(o)
	return y
}

func (o *linearOp) result() *Tensor { return o.y }
func (o *linearOp) release()        { linearOps.put(o) }

func (o *linearOp) drop(lo, hi int) {
	y := o.y.Data[lo:hi]
	o.Drop.At(lo).Drop(y, y)
}

func (o *linearOp) backward(t *Tape) {
	x, w, y := o.x, o.Weight, o.y
	if x.rows == 0 {
		return
	}
	o.dy = y.Grad
	switch o.Activation {
	case ReLU:
		o.each(o, len(y.Data), elementGrain, (*linearOp).reluGrad)
	case GELU, GELUTanh:
		o.dy = y.Data
		o.each(o, len(y.Data), elementGrain, (*linearOp).geluGrad)
	}
	dy := kernel.Matrix{Data: o.dy, Stride: y.cols}
	dyT := kernel.Matrix{Data: o.dy, Stride: y.cols, Trans: true}
	dw, fresh := w.gradient(t)
	kernel.Gemm(w.rows, w.cols, x.rows, dyT, x.matrix(false), dw, w.cols, kernel.Epilogue{Add: !fresh})
	if o.Bias != nil {
		o.Bias.accumulator(t)
		o.each(o, w.rows, biasGrain, (*linearOp).biasGrad)
	}
	dx, fresh := x.gradient(t)
	kernel.Gemm(x.rows, x.cols, w.rows, dy, w.matrix(false), dx, x.cols, kernel.Epilogue{Add: !fresh})
}

// reluGrad makes y.Grad the gradient before ReLU and dropout: a unit that
// either has set to zero passes nothing on, the others are scaled.
func (o *linearOp) reluGrad(lo, hi int) {
	scale := Float(1)
	if o.Drop.Rate > 0 {
		scale = o.Drop.Scale()
	}
	kernel.ReLUGrad(o.y.Grad[lo:hi], o.y.Data[lo:hi], scale)
}

// geluGrad makes y.Data, which nothing asks for any more, the gradient before GELU.
func (o *linearOp) geluGrad(lo, hi int) {
	d, x, dy := o.dy[lo:hi], o.in.Data[lo:hi], o.y.Grad[lo:hi]
	clear(d)
	if o.Activation == GELU {
		kernel.GELUGrad(d, x, dy)
	} else {
		kernel.GELUTanhGrad(d, x, dy)
	}
}

// biasGrain is the number of columns that one task sums.
const biasGrain = 128

func (o *linearOp) biasGrad(lo, hi int) {
	kernel.AddRows(o.Bias.Grad[lo:hi], o.dy[lo:], o.y.rows, o.y.cols)
}
