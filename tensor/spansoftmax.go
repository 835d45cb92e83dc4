package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

type spanSoftmaxOp struct {
	loop[spanSoftmaxOp]
	spans Spans
	x, y  *Tensor
}

var spanSoftmaxOps pool[spanSoftmaxOp]

// SpanSoftmax makes scores of the keys of each query's span weights that sum to 1
// (Luong et al. 2015, equation 7). Columns beyond the keys of a span become 0, whatever
// they were.
func (t *Tape) SpanSoftmax(scores *Tensor, s Spans) *Tensor {
	if len(s) != scores.rows || s.width() > scores.cols {
		misfit("SpanSoftmax", "%d spans of up to %d keys for scores of %d x %d", len(s), s.width(), scores.rows, scores.cols)
	}
	o := spanSoftmaxOps.Get()
	o.spans, o.x, o.y = s, scores, t.new(scores.rows, scores.cols)
	o.each(o, scores.rows, rowGrain(scores.cols), (*spanSoftmaxOp).forward)
	y := o.y
	t.done(o)
	return y
}

func (o *spanSoftmaxOp) result() *Tensor { return o.y }
func (o *spanSoftmaxOp) release()        { spanSoftmaxOps.put(o) }

func (o *spanSoftmaxOp) forward(lo, hi int) {
	for i := lo; i < hi; i++ {
		y, n := o.y.Row(i), o.spans[i].Len()
		if n > 0 {
			kernel.Softmax(y[:n], o.x.Row(i), 1)
		}
		clear(y[n:])
	}
}

func (o *spanSoftmaxOp) backward(t *Tape) {
	o.x.accumulator(t)
	o.each(o, o.x.rows, rowGrain(o.x.cols), (*spanSoftmaxOp).grad)
}

func (o *spanSoftmaxOp) grad(lo, hi int) {
	for i := lo; i < hi; i++ {
		n, at := o.spans[i].Len(), i*o.x.cols
		y, dy, dx := o.y.Data[at:at+n], o.y.Grad[at:at+n], o.x.Grad[at:at+n]
		kernel.SoftmaxGrad(dy, y, dy, kernel.Dot(y, dy), 1)
		kernel.Add(dx, dx, dy)
	}
}
