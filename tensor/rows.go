package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type rowsOp struct {
	loop[rowsOp]
	x, y  *Tensor
	first int
}

var rowsOps pool[rowsOp]

// Rows returns a copy of rows lo to hi-1 of x: a step of a sequence, say.
func (t *Tape) Rows(x *Tensor, lo, hi int) *Tensor {
	if lo < 0 || hi < lo || hi > x.rows {
		misfit("Rows", "rows %d to %d of %d", lo, hi, x.rows)
	}
	o := rowsOps.Get()
	o.x, o.first, o.y = x, lo*x.cols, t.newLoose(hi-lo, x.cols)
	o.each(o, len(o.y.Data), elementGrain, (*rowsOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *rowsOp) result() *Tensor { return o.y }
func (o *rowsOp) release()        { rowsOps.put(o) }

func (o *rowsOp) forward(lo, hi int) { copy(o.y.Data[lo:hi], o.x.Data[o.first+lo:]) }

// backward does not ask for the copy's data: an operation may have made them its
// gradient.
func (o *rowsOp) backward(t *Tape) {
	o.x.accumulator(t)
	o.each(o, len(o.y.Grad), elementGrain, (*rowsOp).grad)
}

func (o *rowsOp) grad(lo, hi int) {
	dx := o.x.Grad[o.first+lo : o.first+hi]
	kernel.Add(dx, dx, o.y.Grad[lo:hi])
}

type stackOp struct {
	loop[stackOp]
	parts []*Tensor
	y     *Tensor
}

var stackOps pool[stackOp]

// Stack returns the rows of all parts, which have equal columns, one part after the
// other: the steps of a sequence joined again.
func (t *Tape) Stack(parts ...*Tensor) *Tensor {
	rows, cols := 0, 0
	for i, x := range parts {
		if i > 0 && x.cols != cols {
			misfit("Stack", "part %d has %d columns, those before have %d", i, x.cols, cols)
		}
		rows, cols = rows+x.rows, x.cols
	}
	o := stackOps.Get()
	o.parts, o.y = append(o.parts, parts...), t.newLoose(rows, cols)
	o.each(o, len(parts), 1, (*stackOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *stackOp) result() *Tensor { return o.y }

func (o *stackOp) release() {
	*o = stackOp{parts: o.parts[:0]}
	stackOps.Put(o)
}

// before is the number of elements before part i.
func (o *stackOp) before(i int) int {
	n := 0
	for _, x := range o.parts[:i] {
		n += x.rows * x.cols
	}
	return n
}

func (o *stackOp) forward(lo, hi int) {
	at := o.before(lo)
	for _, x := range o.parts[lo:hi] {
		at += copy(o.y.Data[at:], x.Data)
	}
}

func (o *stackOp) backward(t *Tape) {
	for _, x := range o.parts {
		x.accumulator(t)
	}
	o.each(o, len(o.parts), 1, (*stackOp).grad)
}

func (o *stackOp) grad(lo, hi int) {
	at := o.before(lo)
	for _, x := range o.parts[lo:hi] {
		kernel.Add(x.Grad, x.Grad, o.y.Grad[at:])
		at += x.rows * x.cols // Data is gone where an operation has made it its gradient
	}
}
