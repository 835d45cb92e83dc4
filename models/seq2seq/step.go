package seq2seq

import (
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Decoder decodes a batch one token at a time. It is the state of hypotheses, several
// for a source; see package decode.
type Decoder struct {
	decoding
	sourceOf []int // source of each hypothesis
	length   int   // tokens that each hypothesis has
}

// NewDecoder encodes src and returns a decoder with one hypothesis, still empty, for
// each of its sequences.
func (m *Model) NewDecoder(src nn.Sequences) *Decoder {
	p := Pass{Tape: tensor.NewInferenceTape()} // keeps what the encoder leaves
	var time nn.TimeMajor
	e := m.Encode(p, src, &time)
	d := &Decoder{decoding: decoding{Model: m, Pass: Pass{Tape: tensor.NewInferenceTape()}}}
	for i := range src.Segments.Len() {
		d.sourceOf = append(d.sourceOf, i)
	}
	d.states = e.last(p, d.sourceOf)
	if m.Attention != nil {
		memory, segments := m.memory(p, e, src.Segments, d.sourceOf)
		d.dictionary, d.sources = m.Attention.Index(p.Tape, memory, memory), segments
	}
	return d
}

// Step adds one token to each hypothesis and returns the logits of the next,
// (hypotheses, V), which are valid, and the caller's to overwrite, until the next Step.
func (d *Decoder) Step(tokens []int32) *tensor.Tensor {
	d.Reset()
	x := d.Embed(d.Target, tokens, -1, 1) // (hypotheses, D)
	in := d.Decoder[0].Input.Forward(d.Tape, x)
	var y *tensor.Tensor
	if d.Attention == nil {
		y = d.above(in, tensor.EqualSteps(1, len(tokens)))
	} else {
		y, _ = d.step(in, d.visible(), d.length)
	}
	d.length++
	d.keep()
	return d.Output.Forward(d.Tape, y)
}

// visible returns the sources of all hypotheses.
func (d *Decoder) visible() tensor.Spans {
	spans := make(tensor.Spans, len(d.sourceOf))
	for i, s := range d.sourceOf {
		spans[i] = d.span(s)
	}
	return spans
}

// keep takes what the next step goes on from out of the memory of this one.
func (d *Decoder) keep() {
	if d.fed != nil {
		d.fed = clone(d.fed)
	}
	if d.covered != nil {
		d.covered = clone(d.covered)
	}
	for i, s := range d.states {
		d.states[i].H = clone(s.H)
		if s.C != nil {
			d.states[i].C = clone(s.C)
		}
	}
}

func clone(x *tensor.Tensor) *tensor.Tensor {
	y := tensor.NewConstant(x.Rows(), x.Cols())
	copy(y.Data, x.Data)
	return y
}

// Select replaces the hypotheses: number i of the new ones continues parents[i] of the
// old ones.
func (d *Decoder) Select(parents []int) {
	sourceOf := make([]int, len(parents))
	for i, p := range parents {
		sourceOf[i] = d.sourceOf[p]
	}
	d.sourceOf, d.fed, d.covered = sourceOf, nn.SelectRows(d.fed, parents), nn.SelectRows(d.covered, parents)
	for i, s := range d.states {
		d.states[i] = s.Select(parents)
	}
}

// Pack prepares the weights for inference. A packed model must not be trained; Unpack
// makes it trainable again.
func (m *Model) Pack() { nn.Pack(m, m.Source, m.Target) }

// Unpack undoes Pack.
func (m *Model) Unpack() { nn.Unpack(m) }
