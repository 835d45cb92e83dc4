package tensor

import (
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
)

// Cache holds keys and values of earlier positions, a row each.
type Cache struct {
	Data   []Float
	Stride int // elements from a row to the next
	Value  int // column of the first value; keys start at column 0
}

// CachedAttention is attention of one query a sequence to rows of a cache.
type CachedAttention struct {
	Heads int
	Cache Cache
	Rows  [][]int32 // for each query, the rows of the cache that it sees
}

type cachedAttentionOp struct {
	loop[cachedAttentionOp]
	CachedAttention
	q       Columns
	y       *Tensor
	weights *Tensor // (queries, heads · longest)
	longest int
}

var cachedAttentionOps pool[cachedAttentionOp]

// CachedAttention returns what [Tape.Attention] does for the last query of
// each sequence. It is for inference: it has no gradient.
func (t *Tape) CachedAttention(q Columns, width int, a CachedAttention) *Tensor {
	if len(a.Rows) != q.rows || q.First+width > q.cols || width%a.Heads != 0 {
		misfit("CachedAttention", "%d lists of rows and %d heads for columns %d to %d of %d x %d queries",
			len(a.Rows), a.Heads, q.First, q.First+width, q.rows, q.cols)
	}
	o := cachedAttentionOps.Get()
	o.CachedAttention, o.q, o.y = a, q, t.new(q.rows, width)
	for _, rows := range a.Rows {
		o.longest = max(o.longest, len(rows))
	}
	o.weights = t.new(q.rows, a.Heads*o.longest)
	o.each(o, q.rows, 1, (*cachedAttentionOp).forward)
	y := o.y
	o.release()
	return y
}

func (o *cachedAttentionOp) release() { cachedAttentionOps.put(o) }

func (o *cachedAttentionOp) forward(lo, hi int) {
	width := o.y.cols
	dim := width / o.Heads
	scale := Float(1 / math.Sqrt(float64(dim)))
	for r := lo; r < hi; r++ {
		q, y, rows := o.q.Row(r)[o.q.First:], o.y.Row(r), o.Rows[r]
		clear(y)
		for h := range o.Heads {
			w := o.weights.Row(r)[h*o.longest:][:len(rows)]
			qh, yh := q[h*dim:(h+1)*dim], y[h*dim:(h+1)*dim]
			for j, row := range rows {
				w[j] = kernel.Dot(qh, o.Cache.Data[int(row)*o.Cache.Stride+h*dim:])
			}
			kernel.Softmax(w, w, scale)
			for j, row := range rows {
				kernel.Axpy(yh, o.Cache.Data[int(row)*o.Cache.Stride+o.Cache.Value+h*dim:], w[j])
			}
		}
	}
}
