package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// GRU is a layer of gated recurrent units.
type GRU struct {
	Recurrence         // Weight is (3H, H): rows of r, z and u
	Bias       *Tensor // (1, 3H), of the product with the output before; nil for none
}

type gruOp struct {
	loop[gruOp]
	scan
	x, products, dh *Tensor
	bias            *Tensor
}

var gruOps pool[gruOp]

// GRU returns the outputs of all steps, (rows, H), given what the input adds to
// the gates, (rows, 3H), columns of r, z and u (Cho et al. 2014, section 2.3, with
// the reset gate after the product, as PyTorch has it):
//
//	r, z = σ(x + W·h' + b), u = tanh(x + r∘(W·h' + b)), h = (1-z)∘u + z∘h'
//
// where h' is the output of the step before. It overwrites x
// as CrossEntropy does logits.
func (t *Tape) GRU(x *Tensor, g GRU) *Tensor {
	g.check("GRU", x, 3)
	if g.Bias != nil && len(g.Bias.Data) != x.cols {
		misfit("GRU", "%d biases for %d columns", len(g.Bias.Data), x.cols)
	}
	x = t.loosen(x)
	o := gruOps.Get()
	o.begin(t, g.Recurrence)
	o.x, o.bias, o.products = x, g.Bias, t.new(x.rows, x.cols)
	for o.step = 0; o.step < o.Steps.Len(); o.step++ {
		o.multiply()
		o.each(o, o.Steps.Width(o.step), unitGrain(o.h.cols), (*gruOp).forward)
	}
	h := o.h
	t.done(o)
	return h
}

func (o *gruOp) result() *Tensor { return o.h }

func (o *gruOp) release() {
	o.end()
	o.x, o.products, o.dh, o.bias = nil, nil, nil, nil
	gruOps.Put(o)
}

// multiply computes the product of the current step.
func (o *gruOp) multiply() {
	y := o.products.Data[o.Steps[o.step]*o.x.cols : o.Steps[o.step+1]*o.x.cols]
	var e kernel.Epilogue
	if o.bias != nil {
		e.Bias = o.bias.Data
	}
	if !o.first(o.step) {
		o.product(o.step, y, e)
		return
	}
	clear(y)
	for at := 0; e.Bias != nil && at < len(y); at += o.x.cols {
		copy(y[at:], e.Bias)
	}
}

func (o *gruOp) forward(lo, hi int) {
	n, first, before := o.h.cols, o.Steps[o.step], o.before(o.step)
	for r := lo; r < hi; r++ {
		kernel.GRU(o.x.Row(first+r), o.h.Row(first+r), o.products.Row(first+r), before[r*n:])
	}
}

func (o *gruOp) backward(t *Tape) {
	o.dh = o.beginBack(t)
	for o.step = o.Steps.Len() - 1; o.step >= 0; o.step-- {
		o.addLater(o.dh, o.h)
		o.each(o, o.Steps.Width(o.step), unitGrain(o.h.cols), (*gruOp).grad)
		o.productBack(o.dh, o.products.Data, kernel.Epilogue{Add: true})
	}
	o.endBack(t, o.dh, o.products.Data)
	if o.bias != nil {
		kernel.AddRows(o.bias.accumulator(t), o.products.Data, o.products.rows, o.products.cols)
	}
	takeGradient(o.x)
}

func (o *gruOp) grad(lo, hi int) {
	n, first, before := o.h.cols, o.Steps[o.step], o.before(o.step)
	for r := lo; r < hi; r++ {
		gates, product := o.x.Row(first+r), o.products.Row(first+r)
		kernel.GRUGrad(gates, o.dh.Row(r), product, before[r*n:])
		copy(product[:2*n], gates) // r and z take the product as they take the input
	}
}
