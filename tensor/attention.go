package tensor

import (
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
)

// Columns names the columns of a tensor from First on, as many as the use
// needs: queries, keys and values are often parts of one product.
type Columns struct {
	*Tensor
	First int
}

// Attention is multi-head scaled dot-product attention of the sequences of
// Queries to those of Keys, pair by pair.
type Attention struct {
	Heads         int
	Queries, Keys Segments
	Causal        bool // query i sees keys 0 to i only
	Drop          Mask // dropout on the weights
	// Record, if set, is called with the weights, (queries, keys) row by
	// row, of each head of each sequence.
	Record func(sequence, head int, weights []Float)
}

type attentionOp struct {
	loop[attentionOp]
	Attention
	q, k, v Columns
	y       *Tensor
	dim     int // of a head
	// weights and dropped hold softmax(QKᵀ/√dim), before and after dropout,
	// of all heads of all sequences; starts says where a sequence's begin.
	weights, dropped, scores *Tensor
	starts                   []int
	dq, dk, dv               []Float
	addQ, addK, addV         bool // to the gradients instead of overwriting them
	fresh                    [3]*Tensor
}

var attentionOps pool[attentionOp]

// Attention returns, for each head, softmax(Q·Kᵀ/√d)·V, heads side by side
// (Vaswani et al. 2017, equation 1 and section 3.2.2). The columns of v decide
// the width; q and k have as many. A query without keys gets zeros.
func (t *Tape) Attention(q, k, v Columns, width int, a Attention) *Tensor {
	for _, c := range []Columns{q, k, v} {
		if c.First < 0 || c.First+width > c.cols {
			misfit("Attention", "columns %d to %d of a tensor of %d", c.First, c.First+width, c.cols)
		}
	}
	if width%a.Heads != 0 {
		misfit("Attention", "%d columns for %d heads", width, a.Heads)
	}
	if a.Queries.Len() != a.Keys.Len() || a.Queries.Rows() != q.rows || a.Keys.Rows() != k.rows || k.rows != v.rows {
		misfit(
			"Attention", "%d sequences of %d queries, %d of %d keys; q, k and v have %d, %d and %d rows",
			a.Queries.Len(), a.Queries.Rows(), a.Keys.Len(), a.Keys.Rows(), q.rows, k.rows, v.rows)
	}
	checkMask("Attention", a.Drop)
	o := attentionOps.Get()
	o.Attention, o.q, o.k, o.v, o.dim = a, q, k, v, width/a.Heads
	total := 0
	for i := range a.Queries.Len() {
		o.starts = append(o.starts, total)
		nq, nk := o.lengths(i)
		if a.Causal && nq != nk {
			misfit("Attention", "causal, but sequence %d has %d queries and %d keys", i, nq, nk)
		}
		total += a.Heads * nq * nk
	}
	o.y, o.weights = t.new(q.rows, width), t.new(1, total)
	o.dropped = o.weights
	if a.Drop.Rate > 0 {
		o.dropped = t.new(1, total)
	}
	o.each(o, a.Queries.Len()*a.Heads, 1, (*attentionOp).forward)
	y := o.y
	if a.Record != nil {
		o.record()
	}
	t.done(o)
	return y
}

func (o *attentionOp) result() *Tensor { return o.y }

func (o *attentionOp) release() {
	*o = attentionOp{starts: o.starts[:0]}
	attentionOps.Put(o)
}

func (o *attentionOp) lengths(i int) (queries, keys int) {
	return o.Queries[i+1] - o.Queries[i], o.Keys[i+1] - o.Keys[i]
}

func (o *attentionOp) record() {
	for i := range o.Queries.Len() {
		nq, nk := o.lengths(i)
		for h := range o.Heads {
			at := o.starts[i] + h*nq*nk
			o.Record(i, h, o.weights.Data[at:at+nq*nk])
		}
	}
}

// head is one head of one sequence.
type head struct {
	nq, nk, at int // queries, keys, and where its weights start
	qi, ki, vi int // first elements of its queries, keys and values
	yi         int // and of its result
	qs, ks, vs int // row strides
	ys         int
	weights    []Float
	dropped    []Float
	q, k, v    kernel.Matrix
}

// empty says whether there is nothing to compute.
func (x head) empty() bool { return x.nq == 0 || x.nk == 0 }

func (o *attentionOp) head(job int) head {
	i, h := job/o.Heads, job%o.Heads
	nq, nk := o.lengths(i)
	at := o.starts[i] + h*nq*nk
	x := head{
		nq: nq, nk: nk, at: at,
		qs: o.q.cols, ks: o.k.cols, vs: o.v.cols, ys: o.y.cols,
		weights: o.weights.Data[at : at+nq*nk], dropped: o.dropped.Data[at : at+nq*nk],
	}
	x.yi = o.Queries[i]*x.ys + h*o.dim
	if x.empty() { // at the end there may be no data
		return x
	}
	x.qi = o.Queries[i]*x.qs + o.q.First + h*o.dim
	x.ki = o.Keys[i]*x.ks + o.k.First + h*o.dim
	x.vi = o.Keys[i]*x.vs + o.v.First + h*o.dim
	x.q = kernel.Matrix{Data: o.q.Data[x.qi:], Stride: x.qs}
	x.k = kernel.Matrix{Data: o.k.Data[x.ki:], Stride: x.ks}
	x.v = kernel.Matrix{Data: o.v.Data[x.vi:], Stride: x.vs}
	return x
}

func (o *attentionOp) scale() Float { return Float(1 / math.Sqrt(float64(o.dim))) }

// seen is the number of keys that query r sees.
func (o *attentionOp) seen(r, keys int) int {
	if o.Causal {
		return r + 1
	}
	return keys
}

func (o *attentionOp) forward(lo, hi int) {
	for job := lo; job < hi; job++ {
		x := o.head(job)
		if x.empty() {
			for r := range x.nq { // which see nothing
				clear(o.y.Data[x.yi+r*x.ys:][:o.dim])
			}
			continue
		}
		kT := x.k
		kT.Trans = true
		kernel.Gemm(x.nq, x.nk, o.dim, x.q, kT, x.weights, x.nk, kernel.Epilogue{})
		for r := range x.nq {
			row := x.weights[r*x.nk : (r+1)*x.nk]
			n := o.seen(r, x.nk)
			kernel.Softmax(row[:n], row, o.scale())
			clear(row[n:])
		}
		if o.Drop.Rate > 0 {
			o.Drop.At(x.at).Drop(x.dropped, x.weights)
		}
		p := kernel.Matrix{Data: x.dropped, Stride: x.nk}
		kernel.Gemm(x.nq, o.dim, x.nk, p, x.v, o.y.Data[x.yi:], x.ys, kernel.Epilogue{})
	}
}

func (o *attentionOp) backward(t *Tape) {
	o.scores = t.new(1, len(o.weights.Data))
	o.dq, o.addQ = o.columnGradient(t, o.q)
	o.dk, o.addK = o.columnGradient(t, o.k)
	o.dv, o.addV = o.columnGradient(t, o.v)
	o.fresh = [3]*Tensor{}
	o.each(o, o.Queries.Len()*o.Heads, 1, (*attentionOp).grad)
}

// columnGradient returns the gradient of the tensor that c is part of, and
// whether the gradient of c has to be added to it. Where it is fresh and the
// parts of the operation cover it, every element will be written.
func (o *attentionOp) columnGradient(t *Tape, c Columns) (g []Float, add bool) {
	for i, x := range o.fresh {
		if x == c.Tensor {
			return c.Grad, false // an earlier part found it fresh
		}
		if x != nil {
			continue
		}
		if !o.covers(c.Tensor) {
			break
		}
		g, fresh := c.gradient(t)
		if fresh {
			o.fresh[i] = c.Tensor
		}
		return g, !fresh
	}
	return c.accumulator(t), true
}

// covers says whether queries, keys and values are all of x, and none of it is two of them.
func (o *attentionOp) covers(x *Tensor) bool {
	columns, all := 0, [3]Columns{o.q, o.k, o.v}
	for i, c := range all {
		if c.Tensor != x {
			continue
		}
		columns += o.y.cols
		for _, d := range all[:i] {
			if d.Tensor == x && max(c.First, d.First) < min(c.First, d.First)+o.y.cols {
				return false
			}
		}
	}
	for i := range o.Queries.Len() {
		if nq, nk := o.lengths(i); nq == 0 || nk == 0 {
			return false
		}
	}
	return columns == x.cols
}

func (o *attentionOp) grad(lo, hi int) {
	for job := lo; job < hi; job++ {
		x := o.head(job)
		if x.empty() {
			continue
		}
		dy := kernel.Matrix{Data: o.y.Grad[x.yi:], Stride: x.ys}
		vT := x.v
		vT.Trans = true
		// dP = dY·Vᵀ, dV = Pᵀ·dY
		ds := o.scores.Data[x.at : x.at+x.nq*x.nk]
		kernel.Gemm(x.nq, x.nk, o.dim, dy, vT, ds, x.nk, kernel.Epilogue{})
		pT := kernel.Matrix{Data: x.dropped, Stride: x.nk, Trans: true}
		kernel.Gemm(x.nk, o.dim, x.nq, pT, dy, o.dv[x.vi:], x.vs, kernel.Epilogue{Add: o.addV})
		if o.Drop.Rate > 0 {
			o.Drop.At(x.at).Drop(ds, ds)
		}
		// dS = P ∘ (dP - rowsum(P ∘ dP)) / √d; weights that are 0 stay so.
		for r := range x.nq {
			p, d := x.weights[r*x.nk:(r+1)*x.nk], ds[r*x.nk:(r+1)*x.nk]
			kernel.SoftmaxGrad(d, p, d, kernel.Dot(p, d), o.scale())
		}
		// dQ = dS·K, dK = dSᵀ·Q
		s := kernel.Matrix{Data: ds, Stride: x.nk}
		kernel.Gemm(x.nq, o.dim, x.nk, s, x.k, o.dq[x.qi:], x.qs, kernel.Epilogue{Add: o.addQ})
		s.Trans = true
		kernel.Gemm(x.nk, o.dim, x.nq, s, x.q, o.dk[x.ki:], x.ks, kernel.Epilogue{Add: o.addK})
	}
}
