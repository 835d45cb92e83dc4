package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type sliceRowsOp struct {
	loop[sliceRowsOp]
	x, y  *Tensor
	first int
}

var sliceRowsOps pool[sliceRowsOp]

// SliceRows returns a copy of rows lo to hi-1 of x: a step of a sequence, say.
func (t *Tape) SliceRows(x *Tensor, lo, hi int) *Tensor {
	if lo < 0 || hi < lo || hi > x.rows {
		misfit("SliceRows", "rows %d to %d of %d", lo, hi, x.rows)
	}
	o := sliceRowsOps.Get()
	o.x, o.first, o.y = x, lo*x.cols, t.newLoose(hi-lo, x.cols)
	o.each(o, len(o.y.Data), elementGrain, (*sliceRowsOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *sliceRowsOp) result() *Tensor { return o.y }
func (o *sliceRowsOp) release()        { sliceRowsOps.put(o) }

func (o *sliceRowsOp) forward(lo, hi int) { copy(o.y.Data[lo:hi], o.x.Data[o.first+lo:]) }

// backward does not ask for the copy's data: an operation may have made them its
// gradient.
func (o *sliceRowsOp) backward(t *Tape) {
	o.x.accumulator(t)
	o.each(o, len(o.y.Grad), elementGrain, (*sliceRowsOp).grad)
}

func (o *sliceRowsOp) grad(lo, hi int) {
	dx := o.x.Grad[o.first+lo : o.first+hi]
	kernel.Add(dx, dx, o.y.Grad[lo:hi])
}
