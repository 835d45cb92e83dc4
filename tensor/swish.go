package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type swishOp struct {
	loop[swishOp]
	x, y *Tensor
}

var swishOps pool[swishOp]

// Swish returns x/(1 + e^-x) (Ramachandran et al. 2017, section 4, with β = 1;
// also called SiLU).
func (t *Tape) Swish(x *Tensor) *Tensor {
	o := swishOps.Get()
	o.x, o.y = x, t.new(x.rows, x.cols)
	o.each(o, len(x.Data), elementGrain, (*swishOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *swishOp) result() *Tensor { return o.y }
func (o *swishOp) release()        { swishOps.put(o) }

func (o *swishOp) forward(lo, hi int) { kernel.Swish(o.y.Data[lo:hi], o.x.Data[lo:hi]) }

func (o *swishOp) backward(t *Tape) {
	o.x.accumulator(t)
	o.each(o, len(o.y.Grad), elementGrain, (*swishOp).grad)
}

func (o *swishOp) grad(lo, hi int) {
	kernel.SwishGrad(o.x.Grad[lo:hi], o.x.Data[lo:hi], o.y.Grad[lo:hi])
}
