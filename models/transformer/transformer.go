// Package transformer is the encoder-decoder of "Attention Is All You Need"
// (Vaswani et al. 2017). Names and layout of its parameters are those of
// Marian models at Hugging Face, so that their tools open its checkpoints.
//
// In the comments B is the number of sequences, S and T their lengths, D the
// model dimension and V the vocabulary. Sequences lie one after the other
// without padding: (S, D) stands for the rows of all source sequences.
package transformer

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/internal/freelist"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Config is the shape of a model and its regularisation.
type Config struct {
	Vocab         int  `yaml:"vocab" doc:"entries of the vocabulary that source and target share; 0: what the tokenizer has"`
	Dim           int  `yaml:"dim" doc:"d_model"`
	Heads         int  `yaml:"heads" doc:"h"`
	FFN           int  `yaml:"ffn" doc:"d_ff"`
	EncoderLayers int  `yaml:"encoder_layers" doc:"N of the encoder"`
	DecoderLayers int  `yaml:"decoder_layers" doc:"N of the decoder"`
	MaxLength     int  `yaml:"max_length" doc:"longest sequence, in tokens, with its end symbol"`
	Start         int  `yaml:"-"` // id before the first of a target, embedded as zeros as in Marian; -1 for none
	PreNorm       bool `yaml:"pre_norm" doc:"normalise before each sub-layer instead of after it"`

	Activation Activation `yaml:"activation" doc:"of the feed-forward network's inner layer: relu or swish"`

	Dropout           float64 `yaml:"dropout" doc:"of sub-layer results and of embeddings, P_drop"`
	AttentionDropout  float64 `yaml:"attention_dropout" doc:"of attention weights"`
	ActivationDropout float64 `yaml:"activation_dropout" doc:"of the feed-forward network's inner layer"`
}

// Activation is the nonlinearity of the feed-forward network; "" is ReLU.
type Activation string

// The activations.
const (
	ReLU  Activation = "relu"  // of the paper, equation 2
	Swish Activation = "swish" // of most published Marian models
)

func (c Config) activation() Activation {
	if c.Activation == "" {
		return ReLU
	}
	return c.Activation
}

// Weights returns how many weights a model surely has, without making it: the embedding,
// and the matrices of its layers.
func (c Config) Weights() float64 {
	d, ffn := float64(c.Dim), float64(c.FFN)
	return float64(c.Vocab)*d + float64(c.EncoderLayers)*(4*d*d+2*d*ffn) + float64(c.DecoderLayers)*(8*d*d+2*d*ffn)
}

// Kept returns how many numbers of a pair of sequences training surely keeps with their
// gradients: of each layer queries, keys, values, what attention returns and the inner units,
// logits, and the weights of attention, which have no gradient and count half.
func (c Config) Kept(source, target int) float64 {
	s, t, h := float64(source), float64(target), float64(c.Heads)
	token := 4*float64(c.Dim) + float64(c.FFN)
	encoder := s*token + h*s*s/2
	decoder := t*(token+2*float64(c.Dim)) + h*t*(t+s)/2
	return float64(c.EncoderLayers)*encoder + float64(c.DecoderLayers)*decoder + t*float64(c.Vocab)
}

// Validate says what of a configuration cannot be.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"vocab", c.Vocab},
		{"dim", c.Dim},
		{"heads", c.Heads},
		{"ffn", c.FFN},
		{"encoder_layers", c.EncoderLayers},
		{"decoder_layers", c.DecoderLayers},
		{"max_length", c.MaxLength},
	} {
		if f.value < 1 {
			return fmt.Errorf("transformer: %s is %d; want at least 1", f.name, f.value)
		}
	}
	if c.Start < -1 || c.Start >= c.Vocab {
		return fmt.Errorf("transformer: start is %d; want an id below the vocab of %d, or -1", c.Start, c.Vocab)
	}
	if a := c.activation(); a != ReLU && a != Swish {
		return fmt.Errorf("transformer: activation is %q; want %s or %s", a, ReLU, Swish)
	}
	if c.Dim%c.Heads != 0 || c.Dim%2 != 0 {
		return fmt.Errorf("transformer: dim is %d; want an even multiple of the %d heads", c.Dim, c.Heads)
	}
	for _, rate := range []float64{c.Dropout, c.AttentionDropout, c.ActivationDropout} {
		if !(rate >= 0 && rate < 1) { // or NaN
			return fmt.Errorf("transformer: a dropout rate is %v; want at least 0 and less than 1", rate)
		}
	}
	return nil
}

// Model is a Transformer.
type Model struct {
	Config
	Embedding   *tensor.Tensor `param:"model.shared.weight"` // (V, D): source, target and output (section 3.4)
	Encoder     []EncoderLayer `param:"model.encoder.layers"`
	Decoder     []DecoderLayer `param:"model.decoder.layers"`
	EncoderNorm *nn.LayerNorm  `param:"model.encoder.layer_norm"` // of a pre-norm model
	DecoderNorm *nn.LayerNorm  `param:"model.decoder.layer_norm"`

	positions  *tensor.Tensor // (MaxLength, D)
	logitsBias *tensor.Tensor // (1, V), of an imported model
	decoders   freelist.List[Decoder]
}

// EncoderLayer is one layer of the encoder (section 3.1).
type EncoderLayer struct {
	SelfAttention nn.SelfAttention `param:"self_attn"`
	SelfNorm      nn.LayerNorm     `param:"self_attn_layer_norm"`
	Inner         nn.Linear        `param:"fc1"` // W1, b1 of equation 2
	Outer         nn.Linear        `param:"fc2"` // W2, b2
	FinalNorm     nn.LayerNorm     `param:"final_layer_norm"`
}

// DecoderLayer is one layer of the decoder: one more sub-layer attends to the
// encoder's result.
type DecoderLayer struct {
	SelfAttention   nn.SelfAttention   `param:"self_attn"`
	SelfNorm        nn.LayerNorm       `param:"self_attn_layer_norm"`
	SourceAttention nn.SourceAttention `param:"encoder_attn"`
	SourceNorm      nn.LayerNorm       `param:"encoder_attn_layer_norm"`
	Inner           nn.Linear          `param:"fc1"`
	Outer           nn.Linear          `param:"fc2"`
	FinalNorm       nn.LayerNorm       `param:"final_layer_norm"`
}

// New returns a model with random weights.
func New(c Config, r *rand.Rand) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Model{Config: c, Embedding: tensor.New(c.Vocab, c.Dim), positions: nn.Sinusoids(c.MaxLength, c.Dim)}
	for i := range m.Embedding.Data {
		m.Embedding.Data[i] = tensor.Float(r.NormFloat64() / math.Sqrt(float64(c.Dim)))
	}
	for range c.EncoderLayers {
		m.Encoder = append(m.Encoder, EncoderLayer{
			SelfAttention: nn.NewSelfAttention(c.Dim, c.Heads, r),
			SelfNorm:      nn.NewLayerNorm(c.Dim),
			Inner:         nn.NewLinear(c.Dim, c.FFN, 1, r),
			Outer:         nn.NewLinear(c.FFN, c.Dim, 1, r),
			FinalNorm:     nn.NewLayerNorm(c.Dim),
		})
	}
	for range c.DecoderLayers {
		m.Decoder = append(m.Decoder, DecoderLayer{
			SelfAttention:   nn.NewSelfAttention(c.Dim, c.Heads, r),
			SelfNorm:        nn.NewLayerNorm(c.Dim),
			SourceAttention: nn.NewSourceAttention(c.Dim, c.Heads, r),
			SourceNorm:      nn.NewLayerNorm(c.Dim),
			Inner:           nn.NewLinear(c.Dim, c.FFN, 1, r),
			Outer:           nn.NewLinear(c.FFN, c.Dim, 1, r),
			FinalNorm:       nn.NewLayerNorm(c.Dim),
		})
	}
	if c.PreNorm {
		e, d := nn.NewLayerNorm(c.Dim), nn.NewLayerNorm(c.Dim)
		m.EncoderNorm, m.DecoderNorm = &e, &d
	}
	return m, nil
}

// Pass is one pass through a model: the tape, and what a training step or an
// inspection adds.
type Pass struct {
	*tensor.Tape
	Dropout *nn.Dropout // nil in evaluation
	// Record, if set, is called with the attention weights of each head, row
	// by row of the queries.
	Record func(kind AttentionKind, layer, sequence, head int, weights []tensor.Float)
}

// AttentionKind says which of the three uses of attention (section 3.2.3).
type AttentionKind int

// The kinds of attention.
const (
	EncoderSelf AttentionKind = iota
	DecoderSelf
	DecoderSource
)

// attention is what a pass gives to an attention of a layer.
func (p Pass) attention(m *Model, kind AttentionKind, layer int, queries, keys tensor.Segments) tensor.Attention {
	a := tensor.Attention{
		Queries: queries, Keys: keys,
		Causal: kind == DecoderSelf,
		Drop:   p.Dropout.Mask(m.AttentionDropout),
	}
	if p.Record != nil {
		a.Record = func(sequence, head int, weights []tensor.Float) { p.Record(kind, layer, sequence, head, weights) }
	}
	return a
}

// sublayer returns LayerNorm(x + Dropout(f(x))), or x + Dropout(f(LayerNorm(x)))
// in a pre-norm model (sections 3.1 and 5.4).
func (m *Model) sublayer(p Pass, x *tensor.Tensor, norm nn.LayerNorm, f func(x *tensor.Tensor) *tensor.Tensor) *tensor.Tensor {
	if m.PreNorm {
		return p.DropAdd(x, f(norm.Forward(p.Tape, x)), p.Dropout.Mask(m.Dropout))
	}
	return norm.Forward(p.Tape, p.DropAdd(x, f(x), p.Dropout.Mask(m.Dropout)))
}

// feedForward returns max(0, xW1 + b1)W2 + b2 (equation 2), with another
// activation where the model has one.
func (m *Model) feedForward(p Pass, x *tensor.Tensor, inner, outer nn.Linear) *tensor.Tensor {
	drop := p.Dropout.Mask(m.ActivationDropout)
	if m.Activation == Swish {
		return outer.Forward(p.Tape, p.Tape.Dropout(p.Swish(inner.Forward(p.Tape, x)), drop))
	}
	return outer.Forward(p.Tape, inner.ReLU(p.Tape, x, drop))
}

// embed returns Dropout(√D·E[ids] + PE) (sections 3.4, 3.5 and 5.4).
func (m *Model) embed(p Pass, ids, positions []int32) *tensor.Tensor {
	e := p.Embed(m.Embedding, ids, int32(m.Start), math.Sqrt(float64(m.Dim)))
	return p.Tape.Dropout(p.AddRows(e, m.positions, positions), p.Dropout.Mask(m.Dropout))
}

// Encode returns the encoder's result, (S, D).
func (m *Model) Encode(p Pass, src nn.Sequences) *tensor.Tensor {
	x := m.embed(p, src.IDs, src.Positions) // (S, D)
	for i := range m.Encoder {
		l := &m.Encoder[i]
		x = m.sublayer(p, x, l.SelfNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return l.SelfAttention.Forward(p.Tape, x, p.attention(m, EncoderSelf, i, src.Segments, src.Segments))
		})
		x = m.sublayer(p, x, l.FinalNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return m.feedForward(p, x, l.Inner, l.Outer)
		})
	}
	if m.EncoderNorm != nil {
		x = m.EncoderNorm.Forward(p.Tape, x)
	}
	return x
}

// Decode returns the logits of the token after each of tgt, (T, V), given the
// encoder's result. A token's row depends on it and the ones before it only.
func (m *Model) Decode(p Pass, memory *tensor.Tensor, src tensor.Segments, tgt nn.Sequences) *tensor.Tensor {
	x := m.embed(p, tgt.IDs, tgt.Positions) // (T, D)
	for i := range m.Decoder {
		l := &m.Decoder[i]
		x = m.sublayer(p, x, l.SelfNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return l.SelfAttention.Forward(p.Tape, x, p.attention(m, DecoderSelf, i, tgt.Segments, tgt.Segments))
		})
		x = m.sublayer(p, x, l.SourceNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return l.SourceAttention.Forward(p.Tape, x, memory, p.attention(m, DecoderSource, i, tgt.Segments, src))
		})
		x = m.sublayer(p, x, l.FinalNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return m.feedForward(p, x, l.Inner, l.Outer)
		})
	}
	return m.logits(p, x)
}

// logits returns x·Eᵀ, (T, V), with the embedding as the output matrix.
func (m *Model) logits(p Pass, x *tensor.Tensor) *tensor.Tensor {
	if m.DecoderNorm != nil {
		x = m.DecoderNorm.Forward(p.Tape, x)
	}
	return p.Linear(x, tensor.Linear{Weight: m.Embedding, Bias: m.logitsBias})
}

// Loss returns the cross entropy of a batch.
func (m *Model) Loss(p Pass, b nn.Batch, c tensor.CrossEntropy) (*tensor.Tensor, tensor.Likelihood) {
	return p.CrossEntropy(m.Forward(p, b), b.Output, c)
}

// Forward returns the logits of the token after each of b.Input, (T, V).
func (m *Model) Forward(p Pass, b nn.Batch) *tensor.Tensor {
	return m.Decode(p, m.Encode(p, b.Source), b.Source.Segments, b.Input)
}
