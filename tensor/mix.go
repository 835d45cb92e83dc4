package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type mixOp struct {
	loop[mixOp]
	lookup
	w, v, y *Tensor
}

var mixOps pool[mixOp]

// Mix answers each query with the mixture of the values of its span that its weights
// say: the context vector of attention (Luong et al. 2015, section 3).
//
//	y[i] = Σ_j w[i][j] · v[First+j]
//
// for weights (rows, keys of the longest span or more) and values (keys, D).
func (t *Tape) Mix(weights, values *Tensor, s Spans) *Tensor {
	s.check("Mix", weights.rows, values.rows)
	if s.width() > weights.cols {
		misfit("Mix", "spans of up to %d keys, weights of %d", s.width(), weights.cols)
	}
	o := mixOps.Get()
	o.set(s)
	o.w, o.v, o.y = weights, values, t.zeros(weights.rows, values.cols)
	o.each(o, o.count(), 1, (*mixOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *mixOp) result() *Tensor { return o.y }

func (o *mixOp) release() {
	*o = mixOp{lookup: lookup{groups: o.groups}}
	mixOps.Put(o)
}

func (o *mixOp) forward(lo, hi int) {
	for i := o.groups[lo]; i < o.groups[hi]; i++ {
		w, y, s := o.w.Row(i), o.y.Row(i), o.spans[i]
		for j := range s.Len() {
			kernel.Axpy(y, o.v.Row(s.First+j), w[j])
		}
	}
}

func (o *mixOp) backward(t *Tape) {
	o.disjoint("Mix")
	o.w.accumulator(t)
	o.v.accumulator(t)
	o.each(o, o.count(), 1, (*mixOp).grad)
}

func (o *mixOp) grad(lo, hi int) {
	d := o.v.cols
	for i := o.groups[lo]; i < o.groups[hi]; i++ {
		w, dw, dy, s := o.w.Row(i), o.w.Grad[i*o.w.cols:(i+1)*o.w.cols], o.y.Grad[i*d:(i+1)*d], o.spans[i]
		for j := range s.Len() {
			r := s.First + j
			dw[j] += kernel.Dot(dy, o.v.Row(r))
			kernel.Axpy(o.v.Grad[r*d:(r+1)*d], dy, w[j])
		}
	}
}
