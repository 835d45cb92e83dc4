package nn

import (
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// SelfAttention is multi-head attention of a sequence to itself (Vaswani et al.
// 2017, section 3.2.2). The three projections of all heads are one matrix.
type SelfAttention struct {
	Heads int
	QKV   Linear `param:"q_proj+k_proj+v_proj"` // D -> 3D
	Out   Linear `param:"out_proj"`             // W^O
}

// NewSelfAttention returns a layer with random weights.
func NewSelfAttention(dim, heads int, r *rand.Rand) SelfAttention {
	return SelfAttention{Heads: heads, QKV: NewLinear(dim, dim, 3, r), Out: NewLinear(dim, dim, 1, r)}
}

// Forward attends from every row of x, (rows, D), to the rows of its sequence.
// a says which, and how; its Heads, and keys, are those of the layer and of x.
func (l SelfAttention) Forward(t *tensor.Tape, x *tensor.Tensor, a tensor.Attention) *tensor.Tensor {
	d := x.Cols()
	qkv := l.QKV.Forward(t, x) // (rows, 3D)
	a.Heads, a.Keys = l.Heads, a.Queries
	heads := t.Attention(columns(qkv, 0), columns(qkv, d), columns(qkv, 2*d), d, a)
	return l.Out.Forward(t, heads)
}

// SourceAttention is multi-head attention of one sequence to another, from the
// decoder to the encoder's result.
type SourceAttention struct {
	Heads int
	Q     Linear `param:"q_proj"`
	KV    Linear `param:"k_proj+v_proj"` // D -> 2D
	Out   Linear `param:"out_proj"`
}

// NewSourceAttention returns a layer with random weights.
func NewSourceAttention(dim, heads int, r *rand.Rand) SourceAttention {
	return SourceAttention{Heads: heads, Q: NewLinear(dim, dim, 1, r), KV: NewLinear(dim, dim, 2, r), Out: NewLinear(dim, dim, 1, r)}
}

// Forward attends from every row of x to the rows of memory that belong to the
// same pair of sequences.
func (l SourceAttention) Forward(t *tensor.Tape, x, memory *tensor.Tensor, a tensor.Attention) *tensor.Tensor {
	d := x.Cols()
	q := l.Q.Forward(t, x)        // (queries, D)
	kv := l.KV.Forward(t, memory) // (keys, 2D)
	a.Heads = l.Heads
	heads := t.Attention(columns(q, 0), columns(kv, 0), columns(kv, d), d, a)
	return l.Out.Forward(t, heads)
}

func columns(x *tensor.Tensor, first int) tensor.Columns {
	return tensor.Columns{Tensor: x, First: first}
}

// Cached holds the keys and values of one attention, side by side, 2D elements
// a row.
type Cached struct{ Data []tensor.Float }

// Rows returns the number of rows of the given width.
func (c *Cached) Rows(width int) int { return len(c.Data) / width }

// Step attends from one new row a sequence, (sequences, D), to the rows of its
// sequence so far, whose keys and values are in c. It appends those of x, which
// rows must name already.
func (l SelfAttention) Step(t *tensor.Tape, x *tensor.Tensor, c *Cached, rows [][]int32) *tensor.Tensor {
	d := x.Cols()
	qkv := l.QKV.Forward(t, x) // (sequences, 3D)
	for r := range qkv.Rows() {
		c.Data = append(c.Data, qkv.Row(r)[d:]...)
	}
	return l.Out.Forward(t, attend(t, columns(qkv, 0), d, l.Heads, c, rows))
}

// Step attends from x, (sequences, D), to rows of the source whose keys and
// values are in c.
func (l SourceAttention) Step(t *tensor.Tape, x *tensor.Tensor, c *Cached, rows [][]int32) *tensor.Tensor {
	q := l.Q.Forward(t, x)
	return l.Out.Forward(t, attend(t, columns(q, 0), x.Cols(), l.Heads, c, rows))
}

func attend(t *tensor.Tape, q tensor.Columns, d, heads int, c *Cached, rows [][]int32) *tensor.Tensor {
	return t.CachedAttention(q, d, tensor.CachedAttention{
		Heads: heads, Cache: tensor.Cache{Data: c.Data, Stride: 2 * d, Value: d}, Rows: rows,
	})
}
