package seq2seq

import (
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Decoder decodes a batch one token at a time. It is the state of hypotheses, several
// for a source; see package decode.
type Decoder struct {
	decoding
	fed      *tensor.Tensor // (hypotheses, H) with input feeding, nil at first
	sourceOf []int          // source of each hypothesis

	// Record, if set, is called with the weights of attention of a step.
	Record func(hypothesis int, weights []tensor.Float)
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
	if d.fed != nil {
		in = d.feed(in, d.fed)
	}
	y := d.above(in, tensor.EqualSteps(1, len(tokens)))
	d.keep()
	if d.Attention != nil {
		spans := make(tensor.Spans, len(tokens))
		for i, s := range d.sourceOf {
			spans[i] = tensor.Span{Base: d.sources[s], First: d.sources[s], End: d.sources[s+1]}
		}
		var weights *tensor.Tensor
		y, weights = d.attentional(y, spans)
		if d.Record != nil {
			for i, s := range spans {
				d.Record(i, weights.Row(i)[:s.Len()])
			}
		}
		if d.InputFeeding {
			d.fed = clone(y)
		}
	}
	return d.Output.Forward(d.Tape, y)
}

// keep takes the states out of the memory of the step.
func (d *Decoder) keep() {
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
	choose := func(x *tensor.Tensor) *tensor.Tensor {
		if x == nil {
			return nil
		}
		y := tensor.NewConstant(len(parents), x.Cols())
		for i, p := range parents {
			copy(y.Row(i), x.Row(p))
		}
		return y
	}
	sourceOf := make([]int, len(parents))
	for i, p := range parents {
		sourceOf[i] = d.sourceOf[p]
	}
	d.sourceOf, d.fed = sourceOf, choose(d.fed)
	for i, s := range d.states {
		d.states[i] = nn.State{H: choose(s.H), C: choose(s.C)}
	}
}

// Pack prepares the weights for inference. A packed model must not be trained; Unpack
// makes it trainable again.
func (m *Model) Pack() { nn.Pack(m) }

// Unpack undoes Pack.
func (m *Model) Unpack() { nn.Unpack(m) }
