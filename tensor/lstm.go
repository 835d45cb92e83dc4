package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// LSTM is a layer of long short-term memory with forget gates, without peepholes.
type LSTM struct {
	Recurrence         // Weight is (4H, H): rows of i, f, u and o
	Cell       *Tensor // (sequences, H), the cells before the first step; nil for zeros
}

type lstmOp struct {
	loop[lstmOp]
	scan
	x, c, dh, dc *Tensor
	cell         *Tensor
}

var lstmOps pool[lstmOp]

// LSTM returns the outputs h and the cells c of all steps, (rows, H) each, given
// what the input adds to the gates, (rows, 4H), columns of i, f, u and o
// (Hochreiter and Schmidhuber 1997; Gers et al. 2000; in this form Zaremba et al.
// 2014, section 3.1, where u is g):
//
//	i, f, o = σ(x + W·h'), u = tanh(x + W·h'), c = f∘c' + i∘u, h = o∘tanh c
//
// where h' and c' are those of the step before. It overwrites x.
func (t *Tape) LSTM(x *Tensor, l LSTM) (h, c *Tensor) {
	l.check("LSTM", x, 4)
	l.checkState("LSTM", l.Cell)
	o := lstmOps.Get()
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
	o.x, o.c, o.dh, o.dc, o.cell = nil, nil, nil, nil, nil
	lstmOps.Put(o)
}

func (o *lstmOp) forward(lo, hi int) {
	n, first := o.h.cols, o.Steps[o.step]
	before := o.state(o.cell, o.c, o.step)
	for r := lo; r < hi; r++ {
		kernel.LSTM(o.x.Row(first+r), o.c.Row(first+r), o.h.Row(first+r), before[r*n:])
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
		kernel.LSTMGrad(o.x.Row(first+r), o.dc.Row(r), o.dh.Row(r), o.c.Row(first+r), before[r*n:])
	}
}
