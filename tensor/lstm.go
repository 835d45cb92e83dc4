package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// LSTM is a layer of long short-term memory with forget gates.
type LSTM struct {
	Recurrence         // Weight is (4H, H): rows of i, f, u and o
	Cell       *Tensor // (sequences, H), the cells before the first step; nil for zeros
	// Coupled makes the forget gate 1 - i (Greff et al. 2017, CIFG). What x and the
	// weight have for it is not used.
	Coupled bool
	// Peephole, (3, H), lets the gates i, f and o see the cells (Gers and Schmidhuber
	// 2000); nil for none.
	Peephole *Tensor
}

type lstmOp struct {
	loop[lstmOp]
	scan
	x, c, dh, dc   *Tensor
	cell, peephole *Tensor
	coupled        bool
}

var lstmOps pool[lstmOp]

// LSTM returns the outputs h and the cells c of all steps, (rows, H) each, given
// what the input adds to the gates, (rows, 4H), columns of i, f, u and o
// (Hochreiter and Schmidhuber 1997; Gers et al. 2000; in this form Zaremba et al.
// 2014, section 3.1, where u is g):
//
//	i, f, o = σ(x + W·h'), u = tanh(x + W·h'), c = f∘c' + i∘u, h = o∘tanh c
//
// where h' and c' are those of the step before. With peepholes p_i∘c', p_f∘c' and p_o∘c
// are added to what i, f and o are computed from. It overwrites x as CrossEntropy
// does logits.
func (t *Tape) LSTM(x *Tensor, l LSTM) (h, c *Tensor) {
	l.check("LSTM", x, 4)
	l.checkState("LSTM", l.Cell)
	if p := l.Peephole; p != nil && (p.rows != 3 || p.cols != l.Weight.cols) {
		misfit("LSTM", "peepholes of %d x %d; want 3 x %d", p.rows, p.cols, l.Weight.cols)
	}
	x = t.loosen(x)
	o := lstmOps.Get()
	o.coupled, o.peephole = l.Coupled, l.Peephole
	o.begin(t, l.Recurrence)
	o.x, o.cell, o.c = x, l.Cell, t.new(x.rows, o.h.cols)
	if o.zeros == nil && l.Cell == nil {
		o.zeros = t.zeros(l.Steps.Sequences(), o.h.cols)
	}
	for o.step = 0; o.step < o.Steps.Len(); o.step++ {
		if !o.first(o.step) {
			o.product(o.step, x.Data[o.Steps[o.step]*x.cols:], kernel.Epilogue{Add: true})
		}
		o.each(o, o.Steps.Width(o.step), unitGrain(o.h.cols), (*lstmOp).forward)
	}
	h, c = o.h, o.c
	t.done(o)
	return h, c
}

// result is what has a gradient: the outputs, unless only the cells are used.
func (o *lstmOp) result() *Tensor {
	if o.h.Grad == nil {
		return o.c
	}
	return o.h
}

func (o *lstmOp) release() {
	o.end()
	o.x, o.c, o.dh, o.dc, o.cell, o.peephole = nil, nil, nil, nil, nil, nil
	lstmOps.Put(o)
}

func (o *lstmOp) forward(lo, hi int) {
	n, first := o.h.cols, o.Steps[o.step]
	before := o.state(o.cell, o.c, o.step)
	for r := lo; r < hi; r++ {
		gates, c, h := o.x.Row(first+r), o.c.Row(first+r), o.h.Row(first+r)
		if o.isVariant() {
			o.variant(gates, c, h, before[r*n:(r+1)*n])
			continue
		}
		kernel.LSTM(gates, c, h, before[r*n:])
	}
}

func (o *lstmOp) backward(t *Tape) {
	unused := o.c
	if o.h.Grad == nil {
		unused = o.h
	}
	o.dh, o.dc = o.beginBack(t), t.zeros(o.Steps.Sequences(), o.h.cols)
	for o.step = o.Steps.Len() - 1; o.step >= 0; o.step-- {
		o.addLater(o.dh, o.h)
		o.addLater(o.dc, o.c)
		o.each(o, o.Steps.Width(o.step), unitGrain(o.h.cols), (*lstmOp).grad)
		o.productBack(o.dh, o.x.Data, kernel.Epilogue{})
	}
	o.endBack(t, o.dh, o.x.Data)
	if o.peephole != nil {
		o.peephole.accumulator(t)
		o.each(o, o.h.cols, biasGrain, (*lstmOp).peepholeGrad)
	}
	if takesGradient(o.cell) {
		addTo(o.cell.accumulator(t), o.dc.Data)
	}
	takeGradient(o.x)
	t.arena.put(unused.Grad)
	unused.Grad, unused.stale = nil, false
}

func (o *lstmOp) grad(lo, hi int) {
	n, first := o.h.cols, o.Steps[o.step]
	before := o.state(o.cell, o.c, o.step)
	for r := lo; r < hi; r++ {
		gates, c := o.x.Row(first+r), o.c.Row(first+r)
		if o.isVariant() {
			o.variantGrad(gates, o.dc.Row(r), o.dh.Row(r), o.h.Row(first+r), before[r*n:(r+1)*n])
			continue
		}
		kernel.LSTMGrad(gates, o.dc.Row(r), o.dh.Row(r), c, before[r*n:])
	}
}
