package transformer

import (
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Decoder decodes a batch one token at a time. The keys and values of earlier
// tokens are kept: a step costs the same wherever it is in the sentence, but
// for the attention itself. It is the state of hypotheses, several for a source
// sequence; see package decode.
type Decoder struct {
	m        *Model
	tape     *tensor.Tape // of one step
	source   []nn.Cached  // per layer: keys and values of the encoder's result
	self     []nn.Cached  // per layer: those of the tokens so far
	sourceOf []int        // source sequence of each hypothesis
	rows     [][]int32    // per source sequence: its rows in source
	history  [][]int32    // per hypothesis: its tokens' rows in self
	visible  [][]int32    // per hypothesis: rows of its source
	pos      []int32
	length   int // tokens that each hypothesis has
}

// NewDecoder encodes src and returns a decoder with one hypothesis, still
// empty, for each source sequence.
func (m *Model) NewDecoder(src nn.Sequences) *Decoder {
	d := m.decoders.Get()
	d.m = m
	if d.tape == nil {
		d.tape = tensor.NewInferenceTape()
		d.source, d.self = make([]nn.Cached, len(m.Decoder)), make([]nn.Cached, len(m.Decoder))
	}
	d.tape.Reset()
	p := Pass{Tape: d.tape}
	memory := m.Encode(p, src)
	for i := range m.Decoder {
		kv := m.Decoder[i].SourceAttention.KV.Forward(d.tape, memory)
		d.source[i].Data = append(d.source[i].Data[:0], kv.Data...)
		d.self[i].Data = d.self[i].Data[:0]
	}
	for s := range src.Segments.Len() {
		var rows []int32
		for r := src.Segments[s]; r < src.Segments[s+1]; r++ {
			rows = append(rows, int32(r))
		}
		d.rows = append(d.rows, rows)
		d.sourceOf = append(d.sourceOf, s)
		d.history = append(d.history, nil)
	}
	return d
}

// Close hands the decoder's memory to the model's next one. The decoder must
// not be used any more; to close it is not required.
func (d *Decoder) Close() {
	m := d.m
	*d = Decoder{tape: d.tape, source: d.source, self: d.self}
	m.decoders.Put(d)
}

// Select replaces the hypotheses: number i of the new ones continues
// parents[i] of the old ones.
func (d *Decoder) Select(parents []int) {
	sourceOf, history := make([]int, len(parents)), make([][]int32, len(parents))
	for i, p := range parents {
		sourceOf[i] = d.sourceOf[p]
		// A copy, with room for one token more: parents may share.
		history[i] = append(make([]int32, 0, d.length+1), d.history[p]...)
	}
	d.sourceOf, d.history = sourceOf, history
}

// Step adds one token to each hypothesis and returns the logits of the next,
// (hypotheses, V), which are valid, and the caller's to overwrite, until the
// next Step.
func (d *Decoder) Step(tokens []int32) *tensor.Tensor {
	d.tape.Reset()
	m, p := d.m, Pass{Tape: d.tape}
	d.pos, d.visible = d.pos[:0], d.visible[:0]
	for h := range tokens {
		d.pos = append(d.pos, int32(d.length))
		d.visible = append(d.visible, d.rows[d.sourceOf[h]])
		d.history[h] = append(d.history[h], int32(d.self[0].Rows(2*m.Dim)+h))
	}
	d.length++
	x := m.embed(p, tokens, d.pos) // (hypotheses, D)
	for i := range m.Decoder {
		l := &m.Decoder[i]
		x = m.sublayer(p, x, l.SelfNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return l.SelfAttention.Step(p.Tape, x, &d.self[i], d.history)
		})
		x = m.sublayer(p, x, l.SourceNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return l.SourceAttention.Step(p.Tape, x, &d.source[i], d.visible)
		})
		x = m.sublayer(p, x, l.FinalNorm, func(x *tensor.Tensor) *tensor.Tensor {
			return m.feedForward(p, x, l.Inner, l.Outer)
		})
	}
	return m.logits(p, x)
}

// Pack prepares the weights for inference. A packed model must not be trained;
// Unpack makes it trainable again.
func (m *Model) Pack() { nn.Pack(m) }

// Unpack undoes Pack.
func (m *Model) Unpack() { nn.Unpack(m) }
