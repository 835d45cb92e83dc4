package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type tanhOp struct {
	loop[tanhOp]
	a, b, y *Tensor
}

var tanhOps pool[tanhOp]

// TanhSum returns tanh(a + b), element by element; b may be nil.
func (t *Tape) TanhSum(a, b *Tensor) *Tensor {
	if b != nil && (a.rows != b.rows || a.cols != b.cols) {
		misfit("TanhSum", "%d x %d and %d x %d; want equal shapes", a.rows, a.cols, b.rows, b.cols)
	}
	o := tanhOps.Get()
	o.a, o.b, o.y = a, b, t.new(a.rows, a.cols)
	o.each(o, len(a.Data), elementGrain, (*tanhOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *tanhOp) result() *Tensor { return o.y }
func (o *tanhOp) release()        { tanhOps.put(o) }

func (o *tanhOp) forward(lo, hi int) {
	x, y := o.a.Data[lo:hi], o.y.Data[lo:hi]
	if o.b != nil {
		kernel.Add(y, x, o.b.Data[lo:hi])
		x = y
	}
	kernel.Tanh(y, x)
}

// backward uses the gradient of the result for that of the sum.
func (o *tanhOp) backward(t *Tape) {
	o.a.accumulator(t)
	if o.b != nil {
		o.b.accumulator(t)
	}
	o.each(o, len(o.y.Data), elementGrain, (*tanhOp).grad)
}

func (o *tanhOp) grad(lo, hi int) {
	dy := o.y.Grad[lo:hi]
	kernel.TanhGrad(dy, o.y.Data[lo:hi])
	kernel.Add(o.a.Grad[lo:hi], o.a.Grad[lo:hi], dy)
	if o.b != nil {
		kernel.Add(o.b.Grad[lo:hi], o.b.Grad[lo:hi], dy)
	}
}
