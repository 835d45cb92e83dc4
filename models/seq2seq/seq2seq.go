// Package seq2seq translates with two recurrent networks: an encoder reads the source,
// a decoder writes the target (Sutskever et al. 2014), with attention to what the
// encoder has read (Luong et al. 2015).
//
// In the comments S and T are the numbers of source and target tokens in a batch, B the
// number of sentences, D the dimension of embeddings, H the units of a layer and V the
// vocabulary.
package seq2seq

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Config is the shape of a model and its regularisation.
type Config struct {
	Cell          nn.Cell   `yaml:"cell" doc:"lstm, lstm-no-forget, lstm-coupled, lstm-peephole, gru, rnn-tanh, rnn-logistic or rnn-relu"`
	Vocab         int       `yaml:"vocab" doc:"entries of the vocabulary, of both languages; 0: what the tokenizer has"`
	Dim           int       `yaml:"dim" doc:"of embeddings"`
	Hidden        int       `yaml:"hidden" doc:"units of a layer"`
	Layers        int       `yaml:"layers" doc:"of the encoder, and as many of the decoder"`
	Reverse       bool      `yaml:"reverse" doc:"read the source from its end (Sutskever 2014, section 3.3)"`
	Bidirectional bool      `yaml:"bidirectional" doc:"half of the encoder's units read the source from its end (Bahdanau 2015, section 3.2)"`
	Attention     nn.Score  `yaml:"attention" doc:"dot, general, concat, location or scaled-dot (Luong 2015, section 3.1); empty is none"`
	Window        nn.Window `yaml:"window" doc:"what attention looks at: local-m or local-p (Luong 2015, section 3.2); empty is all of the source"`
	Radius        int       `yaml:"radius" doc:"tokens on each side of the middle of a local window, D"`
	Renormalise   bool      `yaml:"renormalise" doc:"let the weights of local-p sum to 1 again after the Gaussian, which Luong's code does not"`
	Coverage      bool      `yaml:"coverage" doc:"tell the score concat what each token of the source has been given before (Tu 2016, section 3.1)"`
	Split         bool      `yaml:"split" doc:"give values a map of their own: they are then not what keys are made of (Daniluk 2017, section 3.2)"`
	InputFeeding  bool      `yaml:"input_feeding" doc:"give the decoder its last attentional vector as well (Luong 2015, section 3.3)"`
	PreviousState bool      `yaml:"previous_state" doc:"attend from the state before a step, and give the step what was found (Bahdanau 2015, section 3.1)"`
	MaxLength     int       `yaml:"max_length" doc:"longest sequence, in tokens, with its end symbol"`
	Start         int       `yaml:"-"` // id before the first of a target
	Dropout       float64   `yaml:"dropout" doc:"of what goes from layer to layer (Zaremba 2014, section 3.2), and of what attention feeds into a step"`
	Init          float64   `yaml:"init" doc:"weights start uniform in ± this"`
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
	case !(c.Init > 0 && c.Init <= 100): // or NaN
		return fmt.Errorf("seq2seq: init is %v; want more than 0 and at most 100", c.Init)
	case c.Bidirectional && c.Hidden%2 != 0:
		return fmt.Errorf("seq2seq: hidden is %d; want an even number, half of it for each direction", c.Hidden)
	case c.Reverse && c.Bidirectional:
		return errors.New("seq2seq: reverse and bidirectional; choose one: a bidirectional encoder reads both ways already")
	}
	if err := c.validateAttention(); err != nil {
		return err
	}
	return c.Cell.Validate()
}

// validateAttention says what of the attention cannot be.
func (c Config) validateAttention() error {
	if c.Attention == "" {
		if c.InputFeeding || c.PreviousState || c.Coverage || c.Split || c.Renormalise || c.Window != nn.Global {
			return errors.New("seq2seq: input_feeding, previous_state, coverage, split, renormalise or window without attention; name a score in attention")
		}
		return nil
	}
	if c.InputFeeding && c.PreviousState {
		return errors.New("seq2seq: input_feeding and previous_state; choose one way to tell the decoder what attention finds")
	}
	return c.lookup().Validate()
}

// lookup is what the attention does.
func (c Config) lookup() nn.LookupConfig {
	return nn.LookupConfig{
		Score: c.Attention, Window: c.Window, Radius: c.Radius, Renormalise: c.Renormalise,
		Coverage: c.Coverage, Split: c.Split, Dim: c.Hidden, Positions: c.MaxLength,
	}
}

// Weights returns how many weights a model surely has, without making it.
func (c Config) Weights() float64 {
	layers := c.Cell.Weights(c.Dim, c.Hidden) + float64(c.Layers-1)*c.Cell.Weights(c.Hidden, c.Hidden)
	return float64(c.Vocab)*(2*float64(c.Dim)+float64(c.Hidden)) + layers + c.attentionWeights() // of the decoder
}

// Kept returns how many numbers of a pair of sequences training surely keeps with their
// gradients: what layers do, logits, and what attention compares, which has no gradient and
// counts half.
func (c Config) Kept(source, target int) float64 {
	n := float64(source+target)*float64(c.Layers)*c.Cell.Kept(c.Hidden) + float64(target)*float64(c.Vocab)
	if c.Attention == "" {
		return n
	}
	keys := source
	if c.Window != nn.Global {
		keys = min(source, 2*c.Radius+1)
	}
	compared := float64(target) * float64(keys)
	if c.Attention == nn.Concat {
		compared *= float64(c.Hidden) // the hidden units of tensor.Tape.AdditiveScores
	}
	return n + compared/2
}

// attentionWeights returns how many of them attention has, with the squares alone of those
// that go with one.
func (c Config) attentionWeights() float64 {
	if c.Attention == "" {
		return 0
	}
	square := float64(c.Hidden) * float64(c.Hidden)
	n := 2 * square // of W_c
	switch c.Attention {
	case nn.General:
		n += square
	case nn.Concat:
		n += 2 * square
	case nn.Location:
		n += float64(c.MaxLength) * float64(c.Hidden)
	}
	if c.Split {
		n += square
	}
	if c.Window == nn.LocalPredicted {
		n += square
	}
	if c.InputFeeding || c.PreviousState {
		n += square // a cell has one part at least
	}
	return n
}

// Model is an encoder and a decoder.
type Model struct {
	Config
	Source  *tensor.Tensor `param:"encoder.embedding.weight"` // (V, D)
	Target  *tensor.Tensor `param:"decoder.embedding.weight"` // (V, D)
	Encoder []nn.Recurrent `param:"encoder.layers"`
	// Backward are the layers of a bidirectional encoder that read from the end; then
	// each direction has H/2 units.
	Backward []nn.Recurrent `param:"encoder.backward"`
	Decoder  []nn.Recurrent `param:"decoder.layers"`
	// Feed is what the first layer of the decoder makes of what attention has found,
	// (parts·H, H); nil without input feeding and previous state.
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
	in, units := c.Dim, c.Hidden
	if c.Bidirectional {
		units /= 2
	}
	for range c.Layers {
		m.Encoder = append(m.Encoder, nn.NewRecurrent(c.Cell, in, units, c.Init, r))
		if c.Bidirectional {
			m.Backward = append(m.Backward, nn.NewRecurrent(c.Cell, in, units, c.Init, r))
		}
		m.Decoder = append(m.Decoder, nn.NewRecurrent(c.Cell, in, c.Hidden, c.Init, r))
		in = c.Hidden
	}
	if c.Attention != "" {
		l := nn.NewLookup(c.lookup(), c.Init, r)
		m.Attention = &l
		m.Context, m.State = nn.Uniform(c.Hidden, c.Hidden, c.Init, r), nn.Uniform(c.Hidden, c.Hidden, c.Init, r)
	}
	if c.InputFeeding || c.PreviousState {
		m.Feed = nn.Uniform(m.Decoder[0].Hidden.Weight.Rows(), c.Hidden, c.Init, r)
	}
	m.Output = nn.Linear{Weight: nn.Uniform(c.Vocab, c.Hidden, c.Init, r), Bias: tensor.New(1, c.Vocab)}
	return m, nil
}

// Pass is one pass through a model.
type Pass struct {
	*tensor.Tape
	Dropout *nn.Dropout // nil in evaluation
	// Record, if set, is called with the attention weights of each target token: those
	// of the source tokens from number first on.
	Record func(sequence, step, first int, weights []tensor.Float)
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
	var mirror []int32
	if m.Bidirectional {
		mirror = time.Mirror(nil)
	}
	for i, l := range m.Encoder {
		x = p.drop(m, x)
		s := l.Forward(p.Tape, x, time.Steps, nn.State{})
		y := s.H // (S, H)
		if m.Bidirectional {
			back := m.Backward[i].Forward(p.Tape, p.Embed(x, mirror, -1, 1), time.Steps, nn.State{})
			y = p.ConcatColumns(s.H, p.Embed(back.H, mirror, -1, 1))
			s = beside(p, s, back)
		}
		e.states = append(e.states, s)
		x = y
	}
	e.rows = x
	return e
}

// Inputs returns what a layer of the encoder, counted from 0, reads with ids as one source:
// (T, D) for the first and (T, H) for the others, in the order in which it reads them.
func (m *Model) Inputs(p Pass, layer int, ids []int32) *tensor.Tensor {
	below := *m
	below.Encoder = m.Encoder[:layer]
	var time nn.TimeMajor
	return below.Encode(p, nn.NewSequences(ids), &time).rows
}

// beside joins the states of two directions, each as it is after as many steps.
func beside(p Pass, a, b nn.State) nn.State {
	s := nn.State{H: p.ConcatColumns(a.H, b.H)}
	if a.C != nil {
		s.C = p.ConcatColumns(a.C, b.C)
	}
	return s
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
	case m.Feed != nil || m.Coverage:
		y = textOrder(p, d.stepwise(x, time.Order), b.Input.Segments, &time)
	case m.Attention != nil:
		y = d.attending(x, b.Input.Segments, &time)
	default:
		y = textOrder(p, d.layers(x), b.Input.Segments, &time)
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
