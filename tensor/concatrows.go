package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type concatRowsOp struct {
	loop[concatRowsOp]
	parts []*Tensor
	y     *Tensor
}

var concatRowsOps pool[concatRowsOp]

// ConcatRows returns the rows of all parts, which have equal columns, one part after the
// other: the steps of a sequence joined again.
func (t *Tape) ConcatRows(parts ...*Tensor) *Tensor {
	rows, cols := 0, 0
	for i, x := range parts {
		if i > 0 && x.cols != cols {
			misfit("ConcatRows", "part %d has %d columns, those before have %d", i, x.cols, cols)
		}
		rows, cols = rows+x.rows, x.cols
	}
	o := concatRowsOps.Get()
	o.parts, o.y = append(o.parts, parts...), t.newLoose(rows, cols)
	o.each(o, len(parts), 1, (*concatRowsOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *concatRowsOp) result() *Tensor { return o.y }

func (o *concatRowsOp) release() {
	*o = concatRowsOp{parts: o.parts[:0]}
	concatRowsOps.Put(o)
}

// before is the number of elements before part i.
func (o *concatRowsOp) before(i int) int {
	n := 0
	for _, x := range o.parts[:i] {
		n += x.rows * x.cols
	}
	return n
}

func (o *concatRowsOp) forward(lo, hi int) {
	at := o.before(lo)
	for _, x := range o.parts[lo:hi] {
		at += copy(o.y.Data[at:], x.Data)
	}
}

func (o *concatRowsOp) backward(t *Tape) {
	for _, x := range o.parts {
		x.accumulator(t)
	}
	o.each(o, len(o.parts), 1, (*concatRowsOp).grad)
}

func (o *concatRowsOp) grad(lo, hi int) {
	at := o.before(lo)
	for _, x := range o.parts[lo:hi] {
		kernel.Add(x.Grad, x.Grad, o.y.Grad[at:])
		at += x.rows * x.cols // Data is gone where an operation has made it its gradient
	}
}
