package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type additiveScoresOp struct {
	loop[additiveScoresOp]
	lookup
	q, k, v, y *Tensor
	coverage   Coverage
	starts     []int   // where the units of a query begin in hidden
	hidden     *Tensor // tanh(q + k) of every pair
	dv, dw     *Tensor // by v and the coverage's w, of each group
}

// Coverage is what the keys have been given by earlier queries of the same sequence
// (Tu et al. 2016, section 3.1; See et al. 2017, equations 10 and 11).
type Coverage struct {
	Sum *Tensor // of the weights of earlier queries, (rows, keys of the longest span or more); nil at first
	W   *Tensor // (1, D); nil without coverage
}

var additiveScoresOps pool[additiveScoresOp]

// AdditiveScores compares each query with the keys of its span by a layer of hidden
// units (Bahdanau et al. 2015, appendix A.1.2; concat of Luong et al. 2015, equation 8):
//
//	y[i][j] = v·tanh(q[i] + k[First+j] + c.Sum[i][j]·c.W)
//
// for queries (rows, D), keys (keys, D) and v (1, D); q and k have been through a linear
// map each. The result has a column for each key of the longest span, or of c.Sum if there
// is one; where a span is shorter, the rest of its row is 0.
func (t *Tape) AdditiveScores(q, k, v *Tensor, s Spans, c Coverage) *Tensor {
	if q.cols != k.cols || len(v.Data) != q.cols {
		misfit("AdditiveScores", "queries of %d columns, keys of %d and v of %d", q.cols, k.cols, len(v.Data))
	}
	s.check("AdditiveScores", q.rows, k.rows)
	width := s.width()
	if c.Sum != nil {
		if c.Sum.rows != q.rows || c.Sum.cols < width || c.W == nil || len(c.W.Data) != q.cols {
			misfit("AdditiveScores", "coverage of %d x %d keys for %d queries of up to %d", c.Sum.rows, c.Sum.cols, q.rows, width)
		}
		width = c.Sum.cols
	}
	o := additiveScoresOps.Get()
	o.set(s)
	o.coverage = c
	o.q, o.k, o.v, o.y = q, k, v, t.zeros(q.rows, width)
	pairs := 0
	for _, x := range s {
		o.starts = append(o.starts, pairs)
		pairs += x.Len()
	}
	o.hidden = t.new(pairs, q.cols)
	o.each(o, o.count(), 1, (*additiveScoresOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *additiveScoresOp) result() *Tensor { return o.y }

func (o *additiveScoresOp) release() {
	*o = additiveScoresOp{lookup: lookup{groups: o.groups}, starts: o.starts[:0]}
	additiveScoresOps.Put(o)
}

func (o *additiveScoresOp) forward(lo, hi int) {
	for i := o.groups[lo]; i < o.groups[hi]; i++ {
		q, y, s := o.q.Row(i), o.y.Row(i), o.spans[i]
		for j := range s.Len() {
			h := o.hidden.Row(o.starts[i] + j)
			kernel.Add(h, q, o.k.Row(s.First+j))
			if o.coverage.Sum != nil {
				kernel.Axpy(h, o.coverage.W.Data, o.coverage.Sum.Row(i)[j])
			}
			kernel.Tanh(h, h)
			y[j] = kernel.Dot(o.v.Data, h)
		}
	}
}

func (o *additiveScoresOp) backward(t *Tape) {
	o.disjoint("AdditiveScores")
	o.q.accumulator(t)
	o.k.accumulator(t)
	o.dv = t.zeros(o.count(), len(o.v.Data))
	c := o.coverage
	if c.Sum != nil {
		c.Sum.accumulator(t)
		o.dw = t.zeros(o.count(), len(c.W.Data))
	}
	o.each(o, o.count(), 1, (*additiveScoresOp).grad)
	kernel.AddRows(o.v.accumulator(t), o.dv.Data, o.dv.rows, o.dv.cols)
	if c.Sum != nil {
		kernel.AddRows(c.W.accumulator(t), o.dw.Data, o.dw.rows, o.dw.cols)
	}
}

func (o *additiveScoresOp) grad(lo, hi int) {
	d := o.q.cols
	for g := lo; g < hi; g++ {
		dv := o.dv.Row(g)
		for i := o.groups[g]; i < o.groups[g+1]; i++ {
			dq, s := o.q.Grad[i*d:(i+1)*d], o.spans[i]
			for j := range s.Len() {
				h, dy := o.hidden.Row(o.starts[i]+j), o.y.Grad[i*o.y.cols+j]
				kernel.Axpy(dv, h, dy)
				for c, x := range h { // h becomes the gradient by q + k
					h[c] = dy * o.v.Data[c] * (1 - x*x)
				}
				kernel.Add(dq, dq, h)
				dk := o.k.Grad[(s.First+j)*d : (s.First+j+1)*d]
				kernel.Add(dk, dk, h)
				if c := o.coverage; c.Sum != nil {
					c.Sum.Grad[i*c.Sum.cols+j] += kernel.Dot(h, c.W.Data)
					kernel.Axpy(o.dw.Row(g), h, c.Sum.Row(i)[j])
				}
			}
		}
	}
}
