package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type concatColumnsOp struct {
	loop[concatColumnsOp]
	a, b, y *Tensor
}

var concatColumnsOps pool[concatColumnsOp]

// ConcatColumns returns the columns of a and, right of them, those of b: the two directions of
// a bidirectional layer, say.
func (t *Tape) ConcatColumns(a, b *Tensor) *Tensor {
	if a.rows != b.rows {
		misfit("ConcatColumns", "%d and %d rows; want as many", a.rows, b.rows)
	}
	o := concatColumnsOps.Get()
	o.a, o.b, o.y = a, b, t.newLoose(a.rows, a.cols+b.cols)
	o.each(o, a.rows, rowGrain(o.y.cols), (*concatColumnsOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *concatColumnsOp) result() *Tensor { return o.y }
func (o *concatColumnsOp) release()        { concatColumnsOps.put(o) }

func (o *concatColumnsOp) forward(lo, hi int) {
	for i := lo; i < hi; i++ {
		y := o.y.Row(i)
		copy(y, o.a.Row(i))
		copy(y[o.a.cols:], o.b.Row(i))
	}
}

func (o *concatColumnsOp) backward(t *Tape) {
	o.a.accumulator(t)
	o.b.accumulator(t)
	o.each(o, o.y.rows, rowGrain(o.y.cols), (*concatColumnsOp).grad)
}

func (o *concatColumnsOp) grad(lo, hi int) {
	n, m := o.a.cols, o.b.cols
	for i := lo; i < hi; i++ {
		dy, da, db := o.y.Grad[i*(n+m):], o.a.Grad[i*n:(i+1)*n], o.b.Grad[i*m:(i+1)*m]
		kernel.Add(da, da, dy)
		kernel.Add(db, db, dy[n:])
	}
}
