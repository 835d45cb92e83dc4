package tensor

import "math"

type sequenceRowsOp struct {
	loop[sequenceRowsOp]
	x, y *Tensor
	s    Segments
}

var sequenceRowsOps pool[sequenceRowsOp]

// SequenceRows lays sequences out as rows: row c·n+i of the result is column c of
// sequence i of n, and -Inf where the sequence is shorter than the longest, so that a
// softmax of a row is one over the places of a sequence.
func (t *Tape) SequenceRows(x *Tensor, s Segments) *Tensor {
	if s.Rows() != x.rows {
		misfit("SequenceRows", "%d rows in sequences; x has %d", s.Rows(), x.rows)
	}
	longest := 0
	for i := range s.Len() {
		longest = max(longest, s[i+1]-s[i])
	}
	o := sequenceRowsOps.Get()
	o.x, o.s, o.y = x, s, t.newLoose(x.cols*s.Len(), longest)
	o.each(o, o.y.rows, rowGrain(longest), (*sequenceRowsOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *sequenceRowsOp) result() *Tensor { return o.y }
func (o *sequenceRowsOp) release()        { sequenceRowsOps.put(o) }

// source returns the column, and the first row and the number of rows of x that row r
// of the result is.
func (o *sequenceRowsOp) source(r int) (column, first, n int) {
	i := r % o.s.Len()
	return r / o.s.Len(), o.s[i], o.s[i+1] - o.s[i]
}

func (o *sequenceRowsOp) forward(lo, hi int) {
	for r := lo; r < hi; r++ {
		column, first, n := o.source(r)
		y := o.y.Row(r)
		for j := range n {
			y[j] = o.x.Data[(first+j)*o.x.cols+column]
		}
		for j := n; j < len(y); j++ {
			y[j] = Float(math.Inf(-1))
		}
	}
}

func (o *sequenceRowsOp) backward(t *Tape) {
	g := o.x.accumulator(t)
	for r := range o.y.rows {
		column, first, n := o.source(r)
		dy := o.y.Grad[r*o.y.cols:]
		for j := range n {
			g[(first+j)*o.x.cols+column] += dy[j]
		}
	}
}
