// Package bert is the bidirectional encoder of "BERT: Pre-training of Deep
// Bidirectional Transformers for Language Understanding" (Devlin et al. 2018), with its
// heads. Names and layout of its parameters are those of Hugging Face's BERT models, so
// that their tools open its checkpoints and it opens theirs.
//
// In the comments B is the number of sequences, T the number of their tokens, D the
// model dimension (the paper's H) and V the vocabulary. Sequences lie one after the
// other without padding.
package bert

import (
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Model is the encoder.
type Model struct {
	Config
	Embeddings Embeddings `param:"embeddings"`
	Layers     []Layer    `param:"encoder.layer"`
	Pooler     *nn.Linear `param:"pooler.dense"` // nil where nothing reads [CLS]
}

// Embeddings are the input representation (figure 2).
type Embeddings struct {
	Words     *tensor.Tensor `param:"word_embeddings.weight,matrix"`       // (V, D)
	Positions *tensor.Tensor `param:"position_embeddings.weight,matrix"`   // (MaxLength, D), learned
	Types     *tensor.Tensor `param:"token_type_embeddings.weight,matrix"` // (Types, D): sentence A or B
	Norm      nn.LayerNorm   `param:"LayerNorm"`
}

// Layer is one layer, a Transformer encoder layer (Vaswani et al. 2017, section 3.1).
type Layer struct {
	QKV           nn.Linear    `param:"attention.self.query+attention.self.key+attention.self.value"` // D -> 3D
	AttentionOut  nn.Linear    `param:"attention.output.dense"`
	AttentionNorm nn.LayerNorm `param:"attention.output.LayerNorm"`
	Inner         nn.Linear    `param:"intermediate.dense"`
	Outer         nn.Linear    `param:"output.dense"`
	Norm          nn.LayerNorm `param:"output.LayerNorm"`
}

// New returns a model with random weights, or zeros without r.
func New(c Config, r *rand.Rand) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Model{Config: c, Embeddings: Embeddings{
		Words: c.normal(c.Vocab, c.Dim, r), Positions: c.normal(c.MaxLength, c.Dim, r), Types: c.normal(c.Types, c.Dim, r), Norm: c.norm(),
	}}
	for range c.Layers {
		m.Layers = append(m.Layers, c.newLayer(r))
	}
	m.AddPooler(r)
	return m, nil
}

func (c Config) newLayer(r *rand.Rand) Layer {
	return Layer{
		QKV:          c.linear(c.Dim, 3*c.Dim, r),
		AttentionOut: c.linear(c.Dim, c.Dim, r), AttentionNorm: c.norm(),
		Inner: c.linear(c.Dim, c.FFN, r), Outer: c.linear(c.FFN, c.Dim, r), Norm: c.norm(),
	}
}

// ResetLayers gives the last n layers random weights.
func (m *Model) ResetLayers(n int, r *rand.Rand) {
	for i := len(m.Layers) - n; i < len(m.Layers); i++ {
		m.Layers[i] = m.newLayer(r)
	}
}

// AddPooler gives a model a pooler with random weights.
func (m *Model) AddPooler(r *rand.Rand) {
	pooler := m.linear(m.Dim, m.Dim, r)
	m.Pooler = &pooler
}

// normal returns weights of a normal distribution that is cut at two standard
// deviations, as the authors' code has them.
func (c Config) normal(rows, cols int, r *rand.Rand) *tensor.Tensor {
	w := tensor.New(rows, cols)
	if r == nil {
		return w
	}
	for i := range w.Data {
		x := r.NormFloat64()
		for x < -2 || x > 2 {
			x = r.NormFloat64()
		}
		w.Data[i] = tensor.Float(c.Init * x)
	}
	return w
}

// linear returns a map with zero bias.
func (c Config) linear(in, out int, r *rand.Rand) nn.Linear {
	return nn.Linear{Weight: c.normal(out, in, r), Bias: tensor.New(1, out)}
}

func (c Config) norm() nn.LayerNorm {
	n := nn.NewLayerNorm(c.Dim)
	n.Epsilon = c.Epsilon
	return n
}

// Batch is sequences of token ids and what each token belongs to.
type Batch struct {
	nn.Sequences
	Types []int32 // 0 for the first sentence of a pair, 1 for the second
}

// Clear makes the batch empty and keeps its memory.
func (b *Batch) Clear() {
	b.Sequences.Clear()
	b.Types = b.Types[:0]
}

// Append adds tokens of one type to the sequence that End will end.
func (b *Batch) Append(kind int32, ids ...int32) {
	b.Sequences.Append(ids...)
	for range ids {
		b.Types = append(b.Types, kind)
	}
}

// Add adds a whole sequence, of which the last second tokens are of type 1.
func (b *Batch) Add(ids []int32, second int) {
	first := len(ids) - second
	b.Append(0, ids[:first]...)
	b.Append(1, ids[first:]...)
	b.End()
}

// Pass is one pass through a model: the tape, and what a training step or an inspection
// adds.
type Pass struct {
	*tensor.Tape
	Dropout *nn.Dropout // nil in evaluation
	// Hidden, if set, is called with what each layer returns, (T, D), and with the
	// embeddings as layer 0, before their memory is used again.
	Hidden func(layer int, x *tensor.Tensor)
}

// Encode returns the last hidden states of all tokens, (T, D).
func (m *Model) Encode(p Pass, b Batch) *tensor.Tensor {
	x := p.Scope(func() *tensor.Tensor { return m.Embeddings.embed(p, b, m.Dropout) })
	for i := range m.Layers {
		if p.Hidden != nil {
			p.Hidden(i, x)
		}
		x = m.layer(p, i, x, b.Segments)
	}
	if p.Hidden != nil {
		p.Hidden(len(m.Layers), x)
	}
	return x
}

// embed returns Dropout(LayerNorm(E[word] + E[position] + E[type])) (figure 2).
func (e Embeddings) embed(p Pass, b Batch, dropout float64) *tensor.Tensor {
	x := p.Embed(e.Words, b.IDs, -1, 1)                                       // (T, D)
	x = p.DropAdd(x, p.Embed(e.Positions, b.Positions, -1, 1), tensor.Mask{}) // + position
	x = p.DropAdd(x, p.Embed(e.Types, b.Types, -1, 1), tensor.Mask{})         // + type
	return p.Tape.Dropout(e.Norm.Forward(p.Tape, x), p.Dropout.Mask(dropout))
}

// layer returns LayerNorm(x + Dropout(f(x))) for f attention and then the feed-forward
// network.
func (m *Model) layer(p Pass, i int, x *tensor.Tensor, segments tensor.Segments) *tensor.Tensor {
	l := &m.Layers[i]
	x = p.Scope(func() *tensor.Tensor {
		a := tensor.Attention{Queries: segments, Drop: p.Dropout.Mask(m.AttentionDropout)}
		y := nn.SelfAttention{Heads: m.Heads, QKV: l.QKV, Out: l.AttentionOut}.Forward(p.Tape, x, a)
		return l.AttentionNorm.Forward(p.Tape, p.DropAdd(x, y, p.Dropout.Mask(m.Dropout)))
	})
	return p.Scope(func() *tensor.Tensor {
		inner := p.Linear(x, tensor.Linear{Weight: l.Inner.Weight, Bias: l.Inner.Bias, Activation: activations[m.Activation]}) // (T, FFN)
		return l.Norm.Forward(p.Tape, p.DropAdd(x, l.Outer.Forward(p.Tape, inner), p.Dropout.Mask(m.Dropout)))
	})
}

// Pool returns tanh(W·h + b) for the first token of each sequence, [CLS], (B, D)
// (section 3.1; the pooler of the authors' code).
func (m *Model) Pool(p Pass, hidden *tensor.Tensor, s tensor.Segments) *tensor.Tensor {
	first := make([]int32, s.Len())
	for i := range first {
		first[i] = int32(s[i])
	}
	return p.TanhSum(m.Pooler.Forward(p.Tape, p.Embed(hidden, first, -1, 1)), nil)
}
