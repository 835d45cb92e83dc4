package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type embedOp struct {
	loop[embedOp]
	table, y *Tensor
	ids      []int32
	zero     int32
	scale    Float
}

var embedOps pool[embedOp]

// Embed returns the rows of table that ids name, times scale: (len(ids), D).
// The id zero, -1 for none, stands for a row of zeros, whatever the table
// holds there. ids must not change before the next Reset.
func (t *Tape) Embed(table *Tensor, ids []int32, zero int32, scale float64) *Tensor {
	for i, id := range ids {
		if id < 0 || int(id) >= table.rows {
			misfit("Embed", "id %d at %d; the table has %d rows", id, i, table.rows)
		}
	}
	o := embedOps.Get()
	o.table, o.ids, o.zero, o.scale, o.y = table, ids, zero, Float(scale), t.newLoose(len(ids), table.cols)
	o.each(o, len(ids), rowGrain(table.cols), (*embedOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *embedOp) result() *Tensor { return o.y }
func (o *embedOp) release()        { embedOps.put(o) }

func (o *embedOp) forward(lo, hi int) {
	for r := lo; r < hi; r++ {
		y := o.y.Row(r)
		if o.ids[r] == o.zero {
			clear(y)
			continue
		}
		copy(y, o.table.Row(int(o.ids[r])))
		kernel.ScaleAdd(y, o.scale, 0)
	}
}

func (o *embedOp) backward(t *Tape) {
	o.table.rowAccumulator(t, o.ids)
	o.each(o, o.y.cols, biasGrain, (*embedOp).grad)
}

// grad adds columns lo to hi of all rows, in order: two rows may have one id.
func (o *embedOp) grad(lo, hi int) {
	d := o.y.cols
	for r, id := range o.ids {
		if id == o.zero {
			continue
		}
		kernel.Axpy(o.table.Grad[int(id)*d+lo:int(id)*d+hi], o.y.Grad[r*d+lo:], o.scale)
	}
}

type addRowsOp struct {
	loop[addRowsOp]
	x, table, y *Tensor
	rows        []int32
}

var addRowsOps pool[addRowsOp]

// AddRows returns x with row rows[i] of table added to row i: positions, where
// the table is that of [Sinusoids]. The table is a constant.
func (t *Tape) AddRows(x, table *Tensor, rows []int32) *Tensor {
	if x.cols != table.cols || len(rows) != x.rows {
		misfit("AddRows", "x is %d x %d, the table %d x %d and there are %d rows",
			x.rows, x.cols, table.rows, table.cols, len(rows))
	}
	for i, r := range rows {
		if r < 0 || int(r) >= table.rows {
			misfit("AddRows", "row %d at %d; the table has %d", r, i, table.rows)
		}
	}
	o := addRowsOps.Get()
	o.x, o.table, o.rows, o.y = x, table, rows, t.newLoose(x.rows, x.cols)
	o.each(o, x.rows, rowGrain(x.cols), (*addRowsOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *addRowsOp) result() *Tensor { return o.y }
func (o *addRowsOp) release()        { addRowsOps.put(o) }

func (o *addRowsOp) forward(lo, hi int) {
	for r := lo; r < hi; r++ {
		kernel.Add(o.y.Row(r), o.x.Row(r), o.table.Row(int(o.rows[r])))
	}
}

// backward hands the gradient on, as it is.
func (o *addRowsOp) backward(t *Tape) {
	if o.x.Grad == nil && !o.x.param {
		o.x.Grad, o.y.Grad = o.y.Grad, nil
		return
	}
	o.x.accumulator(t)
	o.each(o, len(o.y.Grad), elementGrain, (*addRowsOp).grad)
}

func (o *addRowsOp) grad(lo, hi int) {
	dx := o.x.Grad[lo:hi]
	kernel.Add(dx, dx, o.y.Grad[lo:hi])
}
