// Package rnnlm is the recurrent language model: embeddings, recurrent layers
// with dropout on the links between them, and a softmax over the vocabulary
// (Mikolov et al. 2010; with LSTM, Zaremba et al. 2014).
//
// In the comments B is the number of streams of text that are read side by side, T
// the number of steps, D the dimension of embeddings, H the units of a layer and V
// the vocabulary. Rows are in the order of time: the B rows of a step come together.
package rnnlm

import (
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Config is the shape of a model and its regularisation.
type Config struct {
	Cell    nn.Cell `yaml:"cell" doc:"lstm, lstm-no-forget, lstm-coupled, lstm-peephole, gru, rnn-tanh, rnn-logistic or rnn-relu"`
	Vocab   int     `yaml:"vocab" doc:"entries of the vocabulary; 0: what the tokenizer has"`
	Dim     int     `yaml:"dim" doc:"of embeddings"`
	Hidden  int     `yaml:"hidden" doc:"units of a layer"`
	Layers  int     `yaml:"layers" doc:"recurrent layers, one above the other"`
	Dropout float64 `yaml:"dropout" doc:"of what goes from layer to layer, not from step to step (Zaremba 2014, section 3.2)"`
	Tied    bool    `yaml:"tied" doc:"predict by the embeddings (Press and Wolf 2017); needs dim equal to hidden"`
	Init    float64 `yaml:"init" doc:"weights start uniform in ± this"`
}

// Validate says what of a configuration cannot be.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{{"vocab", c.Vocab}, {"dim", c.Dim}, {"hidden", c.Hidden}, {"layers", c.Layers}} {
		if f.value < 1 {
			return fmt.Errorf("rnnlm: %s is %d; want at least 1", f.name, f.value)
		}
	}
	switch {
	case !(c.Dropout >= 0 && c.Dropout < 1): // or NaN
		return fmt.Errorf("rnnlm: dropout is %v; want at least 0 and less than 1", c.Dropout)
	case !(c.Init > 0 && c.Init <= 100): // or NaN
		return fmt.Errorf("rnnlm: init is %v; want more than 0 and at most 100", c.Init)
	case c.Tied && c.Dim != c.Hidden:
		return fmt.Errorf("rnnlm: tied, but dim is %d and hidden %d; want them equal", c.Dim, c.Hidden)
	}
	return c.Cell.Validate()
}

// Weights returns how many weights a model surely has, without making it.
func (c Config) Weights() float64 {
	n := float64(c.Vocab)*float64(c.Dim) + c.Cell.Weights(c.Dim, c.Hidden) + float64(c.Layers-1)*c.Cell.Weights(c.Hidden, c.Hidden)
	if !c.Tied {
		n += float64(c.Vocab) * float64(c.Hidden)
	}
	return n
}

// Kept returns how many numbers of a token training surely keeps: logits, and what layers do.
func (c Config) Kept() float64 { return float64(c.Vocab) + float64(c.Layers)*c.Cell.Kept(c.Hidden) }

// Model is a recurrent language model.
type Model struct {
	Config
	Embedding    *tensor.Tensor `param:"embedding.weight"` // (V, D)
	Layers       []nn.Recurrent `param:"layers"`
	OutputWeight *tensor.Tensor `param:"output.weight"` // (V, H); nil where tied
	OutputBias   *tensor.Tensor `param:"output.bias"`   // (1, V)
}

// New returns a model with random weights.
func New(c Config, r *rand.Rand) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Model{Config: c, Embedding: nn.Uniform(c.Vocab, c.Dim, c.Init, r), OutputBias: tensor.New(1, c.Vocab)}
	in := c.Dim
	for range c.Layers {
		m.Layers = append(m.Layers, nn.NewRecurrent(c.Cell, in, c.Hidden, c.Init, r))
		in = c.Hidden
	}
	if !c.Tied {
		m.OutputWeight = nn.Uniform(c.Vocab, c.Hidden, c.Init, r)
	}
	return m, nil
}

// NewStates returns states of zeros for every layer.
func (m *Model) NewStates(streams int) []nn.State {
	var s []nn.State
	for range m.Layers {
		s = append(s, m.Cell.NewState(streams, m.Hidden))
	}
	return s
}

// Pass is one pass through a model.
type Pass struct {
	*tensor.Tape
	Dropout *nn.Dropout // nil in evaluation
}

// Forward returns the logits of the token after each of ids, (T·B, V), and the
// states of every layer after each step. The layers go on from the states before;
// nil is zeros for all.
func (m *Model) Forward(p Pass, ids []int32, steps tensor.Steps, before []nn.State) (logits *tensor.Tensor, after []nn.State) {
	x, after := m.below(p, len(m.Layers), ids, steps, before)
	w := m.OutputWeight
	if m.Tied {
		w = m.Embedding
	}
	return p.Linear(x, tensor.Linear{Weight: w, Bias: m.OutputBias}), after
}

// below runs the first layers and returns what the next one, or the prediction,
// reads.
func (m *Model) below(p Pass, layers int, ids []int32, steps tensor.Steps, before []nn.State) (x *tensor.Tensor, after []nn.State) {
	x = p.Embed(m.Embedding, ids, -1, 1) // (T·B, D)
	for i, l := range m.Layers[:layers] {
		var s nn.State
		if before != nil {
			s = before[i]
		}
		x = p.Tape.Dropout(x, p.Dropout.Mask(m.Dropout))
		s = l.Forward(p.Tape, x, steps, s)
		after = append(after, s)
		x = s.H // (T·B, H)
	}
	return p.Tape.Dropout(x, p.Dropout.Mask(m.Dropout)), after
}

// Inputs returns what a layer, counted from 0, reads with ids, (T·B, D) for the first
// and (T·B, H) for the others.
func (m *Model) Inputs(p Pass, layer int, ids []int32, steps tensor.Steps) *tensor.Tensor {
	x, _ := m.below(p, layer, ids, steps, nil)
	return x
}

// Loss returns the cross entropy of predicting targets, one for each of ids.
func (m *Model) Loss(p Pass, ids, targets []int32, steps tensor.Steps, before []nn.State, c tensor.CrossEntropy) (*tensor.Tensor, tensor.Likelihood, []nn.State) {
	logits, after := m.Forward(p, ids, steps, before)
	loss, likelihood := p.CrossEntropy(logits, targets, c)
	return loss, likelihood, after
}

// Keep copies the last step of states that Forward returned, of steps that are all as wide,
// to states that the next step can go on from.
func Keep(to, after []nn.State) {
	last := func(to, from *tensor.Tensor) {
		if to != nil {
			copy(to.Data, from.Data[len(from.Data)-len(to.Data):])
		}
	}
	for i := range to {
		last(to[i].H, after[i].H)
		last(to[i].C, after[i].C)
	}
}
