// Package seq2seq translates with two recurrent networks: an encoder reads the source,
// a decoder writes the target (Sutskever et al. 2014), with attention to what the
// encoder has read (Luong et al. 2015).
//
// In the comments S and T are the numbers of source and target tokens in a batch, B the
// number of sentences, D the dimension of embeddings, H the units of a layer and V the
// vocabulary.
package seq2seq

import (
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Config is the shape of a model and its regularisation.
type Config struct {
	Cell         nn.Cell  `yaml:"cell" doc:"lstm, lstm-no-forget, gru, rnn-tanh, rnn-logistic or rnn-relu"`
	Vocab        int      `yaml:"vocab" doc:"entries of the vocabulary, of both languages; 0: what the tokenizer has"`
	Dim          int      `yaml:"dim" doc:"of embeddings"`
	Hidden       int      `yaml:"hidden" doc:"units of a layer"`
	Layers       int      `yaml:"layers" doc:"of the encoder, and as many of the decoder"`
	Reverse      bool     `yaml:"reverse" doc:"read the source from its end (Sutskever 2014, section 3.3)"`
	Attention    nn.Score `yaml:"attention" doc:"dot, general, concat, location or scaled-dot (Luong 2015, section 3.1); empty is none"`
	InputFeeding bool     `yaml:"input_feeding" doc:"give the decoder its last attentional vector as well (Luong 2015, section 3.3)"`
	MaxLength    int      `yaml:"max_length" doc:"longest sequence, in tokens, with its end symbol"`
	Start        int      `yaml:"-"` // id before the first of a target
	Dropout      float64  `yaml:"dropout" doc:"of what goes from layer to layer, not from step to step (Zaremba 2014, section 3.2)"`
	Init         float64  `yaml:"init" doc:"weights start uniform in ± this"`
}

// Validate says what of a configuration cannot be.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{{"vocab", c.Vocab}, {"dim", c.Dim}, {"hidden", c.Hidden}, {"layers", c.Layers}, {"max_length", c.MaxLength}} {
		if f.value < 1 {
			return fmt.Errorf("seq2seq: %s is %d; want at least 1", f.name, f.value)
		}
	}
	switch {
	case c.Start < 0 || c.Start >= c.Vocab:
		return fmt.Errorf("seq2seq: start is %d; want an id below the vocab of %d", c.Start, c.Vocab)
	case !(c.Dropout >= 0 && c.Dropout < 1): // or NaN
		return fmt.Errorf("seq2seq: dropout is %v; want at least 0 and less than 1", c.Dropout)
	case !(c.Init > 0):
		return fmt.Errorf("seq2seq: init is %v; want more than 0", c.Init)
	case c.InputFeeding && c.Attention == "":
		return fmt.Errorf("seq2seq: input_feeding without attention; name a score in attention")
	}
	if c.Attention != "" {
		if err := c.Attention.Validate(); err != nil {
			return err
		}
	}
	return c.Cell.Validate()
}

// Model is an encoder and a decoder.
type Model struct {
	Config
	Source  *tensor.Tensor `param:"encoder.embedding.weight"` // (V, D)
	Target  *tensor.Tensor `param:"decoder.embedding.weight"` // (V, D)
	Encoder []nn.Recurrent `param:"encoder.layers"`
	Decoder []nn.Recurrent `param:"decoder.layers"`
	// Feed is what the first layer of the decoder makes of the last attentional
	// vector, (parts·H, H); nil without input feeding.
	Feed *tensor.Tensor `param:"decoder.feed.weight"`
	// Of attention, nil without it: W_c of equation 5, cut in what it takes from the
	// context and from the decoder's state.
	Attention *nn.Lookup     `param:"attention"`
	Context   *tensor.Tensor `param:"attention.context.weight"` // (H, H)
	State     *tensor.Tensor `param:"attention.state.weight"`   // (H, H)

	Output nn.Linear `param:"output"` // (V, H)
}

// New returns a model with random weights.
func New(c Config, r *rand.Rand) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Model{Config: c, Source: nn.Uniform(c.Vocab, c.Dim, c.Init, r), Target: nn.Uniform(c.Vocab, c.Dim, c.Init, r)}
	in := c.Dim
	for range c.Layers {
		m.Encoder = append(m.Encoder, nn.NewRecurrent(c.Cell, in, c.Hidden, c.Init, r))
		m.Decoder = append(m.Decoder, nn.NewRecurrent(c.Cell, in, c.Hidden, c.Init, r))
		in = c.Hidden
	}
	if c.Attention != "" {
		l := nn.NewLookup(c.Attention, c.Hidden, c.MaxLength, c.Init, r)
		m.Attention = &l
		m.Context, m.State = nn.Uniform(c.Hidden, c.Hidden, c.Init, r), nn.Uniform(c.Hidden, c.Hidden, c.Init, r)
	}
	if c.InputFeeding {
		m.Feed = nn.Uniform(m.Decoder[0].Hidden.Weight.Rows(), c.Hidden, c.Init, r)
	}
	m.Output = nn.Linear{Weight: nn.Uniform(c.Vocab, c.Hidden, c.Init, r), Bias: tensor.New(1, c.Vocab)}
	return m, nil
}

// Pass is one pass through a model.
type Pass struct {
	*tensor.Tape
	Dropout *nn.Dropout // nil in evaluation
	// Record, if set, is called with the attention weights of each target token, one
	// for each source token, step by step; sequence counts those of the decoder.
	Record func(sequence, step int, weights []tensor.Float)
}

func (p Pass) drop(m *Model, x *tensor.Tensor) *tensor.Tensor {
	return p.Tape.Dropout(x, p.Dropout.Mask(m.Dropout))
}

// Encoded is what the encoder leaves to the decoder.
type Encoded struct {
	rows   *tensor.Tensor // outputs of the top layer in the order of time, (S, H)
	states []nn.State     // of each layer, in the order of time
	time   *nn.TimeMajor
}

// Encode reads the sources.
func (m *Model) Encode(p Pass, src nn.Sequences, time *nn.TimeMajor) Encoded {
	time.Set(src.Segments)
	x := p.Embed(m.Source, time.Arrange(nil, src.IDs, m.Reverse), -1, 1) // (S, D)
	e := Encoded{time: time}
	for _, l := range m.Encoder {
		s := l.Forward(p.Tape, p.drop(m, x), time.Steps, nn.State{})
		e.states = append(e.states, s)
		x = s.H // (S, H)
	}
	e.rows = x
	return e
}

// last returns the states after the last token of each source, in the given order.
func (e Encoded) last(p Pass, order []int) []nn.State {
	rows := make([]int32, len(order))
	for i, sequence := range order {
		rows[i] = int32(e.time.Last(sequence))
	}
	var all []nn.State
	for _, s := range e.states {
		last := nn.State{H: p.Embed(s.H, rows, -1, 1)} // (B, H)
		if s.C != nil {
			last.C = p.Embed(s.C, rows, -1, 1)
		}
		all = append(all, last)
	}
	return all
}

// memory returns the encoder's outputs for attention, (S, H), sources in the given order
// and their tokens in that of the text.
func (m *Model) memory(p Pass, e Encoded, src tensor.Segments, order []int) (*tensor.Tensor, tensor.Segments) {
	var rows []int32
	segments := tensor.Segments{0}
	for _, sequence := range order {
		n := src[sequence+1] - src[sequence]
		for i := range n {
			step := i
			if m.Reverse {
				step = n - 1 - i
			}
			rows = append(rows, int32(e.time.Row(sequence, step)))
		}
		segments = append(segments, len(rows))
	}
	return p.Embed(e.rows, rows, -1, 1), segments
}

// Loss returns the cross entropy of a batch.
func (m *Model) Loss(p Pass, b nn.Batch, c tensor.CrossEntropy) (*tensor.Tensor, tensor.Likelihood) {
	return p.CrossEntropy(m.Forward(p, b), b.Output, c)
}

// Forward returns the logits of the token after each of b.Input, (T, V).
func (m *Model) Forward(p Pass, b nn.Batch) *tensor.Tensor {
	var source, time nn.TimeMajor
	e := m.Encode(p, b.Source, &source)
	time.Set(b.Input.Segments)
	x := p.Embed(m.Target, time.Arrange(nil, b.Input.IDs, false), -1, 1) // (T, D)
	d := decoding{Model: m, Pass: p, states: e.last(p, time.Order), steps: time.Steps}
	if m.Attention != nil {
		memory, segments := m.memory(p, e, b.Source.Segments, time.Order)
		d.dictionary = m.Attention.Index(p.Tape, memory, memory)
		d.sources = segments
	}
	var y *tensor.Tensor // (T, H)
	switch {
	case m.InputFeeding:
		y = textOrder(p, d.feeding(x, time.Order), b.Input.Segments, &time)
	case m.Attention != nil:
		y = d.attending(x, b.Input.Segments, &time)
	default:
		y = textOrder(p, d.layers(x, d.steps), b.Input.Segments, &time)
	}
	return m.Output.Forward(p.Tape, p.drop(m, y))
}

// textOrder returns rows that are in the order of time in that of the text.
func textOrder(p Pass, x *tensor.Tensor, s tensor.Segments, time *nn.TimeMajor) *tensor.Tensor {
	rows := make([]int32, 0, x.Rows())
	for i := range s.Len() {
		for step := range s[i+1] - s[i] {
			rows = append(rows, int32(time.Row(i, step)))
		}
	}
	return p.Embed(x, rows, -1, 1)
}
