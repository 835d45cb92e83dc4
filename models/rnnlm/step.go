package rnnlm

import (
	"slices"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Pack prepares the weights for inference. A packed model must not be trained.
func (m *Model) Pack() {
	if m.Tied {
		nn.Pack(m)
	} else {
		nn.Pack(m, m.Embedding)
	}
}

// Decoder continues texts one token at a time. It is the state of hypotheses; see
// package decode.
type Decoder struct {
	m      *Model
	tape   *tensor.Tape // of one step
	states []nn.State   // a row a hypothesis
}

// NewDecoder returns a decoder of one text that begins with prefix, which may be
// empty. The first token given to Step comes after the prefix: of a text that has begun,
// leave the last token out of the prefix and make it decode.Options.Begin.
func (m *Model) NewDecoder(prefix []int32) *Decoder {
	d := &Decoder{m: m, tape: tensor.NewInferenceTape(), states: m.NewStates(1)}
	for some := range slices.Chunk(prefix, prefixSteps) {
		d.tape.Reset()
		_, after := m.below(Pass{Tape: d.tape}, len(m.Layers), some, tensor.EqualSteps(len(some), 1), d.states)
		Keep(d.states, after)
	}
	return d
}

// prefixSteps is how many tokens of a prefix are read at a time.
const prefixSteps = 64

// Step adds one token to each hypothesis and returns the logits of the next,
// (hypotheses, V), which are valid, and the caller's to overwrite, until the next
// Step.
func (d *Decoder) Step(tokens []int32) *tensor.Tensor {
	d.tape.Reset()
	logits, after := d.m.Forward(Pass{Tape: d.tape}, tokens, tensor.EqualSteps(1, len(tokens)), d.states)
	Keep(d.states, after)
	return logits
}

// Select replaces the hypotheses: number i of the new ones continues parents[i] of the
// old ones.
func (d *Decoder) Select(parents []int) {
	for i, s := range d.states {
		d.states[i] = s.Select(parents)
	}
}
