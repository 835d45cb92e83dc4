package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type dotScoresOp struct {
	loop[dotScoresOp]
	lookup
	q, k, y *Tensor
	scale   Float
}

var dotScoresOps pool[dotScoresOp]

// DotScores compares each query with the keys of its span by their product (Luong et
// al. 2015, equation 8, dot):
//
//	y[i][j] = scale · q[i]·k[First+j]
//
// for queries (rows, D) and keys (keys, D). The result has a column for each key of the
// longest span; where a span is shorter, the rest of its row is 0.
func (t *Tape) DotScores(q, k *Tensor, s Spans, scale float64) *Tensor {
	if q.cols != k.cols {
		misfit("DotScores", "queries of %d columns, keys of %d", q.cols, k.cols)
	}
	s.check("DotScores", q.rows, k.rows)
	o := dotScoresOps.Get()
	o.set(s)
	o.q, o.k, o.y, o.scale = q, k, t.zeros(q.rows, s.width()), Float(scale)
	o.each(o, o.count(), 1, (*dotScoresOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *dotScoresOp) result() *Tensor { return o.y }

func (o *dotScoresOp) release() {
	*o = dotScoresOp{lookup: lookup{groups: o.groups}}
	dotScoresOps.Put(o)
}

func (o *dotScoresOp) forward(lo, hi int) {
	for i := o.groups[lo]; i < o.groups[hi]; i++ {
		q, y, s := o.q.Row(i), o.y.Row(i), o.spans[i]
		for j := range s.Len() {
			y[j] = o.scale * kernel.Dot(q, o.k.Row(s.First+j))
		}
	}
}

func (o *dotScoresOp) backward(t *Tape) {
	o.disjoint("DotScores")
	o.q.accumulator(t)
	o.k.accumulator(t)
	o.each(o, o.count(), 1, (*dotScoresOp).grad)
}

func (o *dotScoresOp) grad(lo, hi int) {
	d := o.q.cols
	for i := o.groups[lo]; i < o.groups[hi]; i++ {
		q, dq, s := o.q.Row(i), o.q.Grad[i*d:(i+1)*d], o.spans[i]
		for j := range s.Len() {
			r := s.First + j
			dy := o.scale * o.y.Grad[i*o.y.cols+j]
			kernel.Axpy(dq, o.k.Row(r), dy)
			kernel.Axpy(o.k.Grad[r*d:(r+1)*d], q, dy)
		}
	}
}
