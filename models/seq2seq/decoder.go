package seq2seq

import (
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// decoding is a decoder on its way over its steps.
type decoding struct {
	*Model
	Pass
	states     []nn.State // of each layer, after the steps so far
	steps      tensor.Steps
	dictionary nn.Dictionary
	sources    tensor.Segments // of the dictionary, in the order of the decoder's sequences
}

// layers runs all layers over x, embedded tokens or what they have become, and returns
// the outputs of the top one, (rows, H).
func (d *decoding) layers(x *tensor.Tensor, steps tensor.Steps) *tensor.Tensor {
	in := d.Decoder[0].Input.Forward(d.Tape, d.drop(d.Model, x))
	return d.above(in, steps)
}

// above is layers where the first layer's map of its input is done.
func (d *decoding) above(in *tensor.Tensor, steps tensor.Steps) *tensor.Tensor {
	for i, l := range d.Decoder {
		if i > 0 {
			in = l.Input.Forward(d.Tape, d.drop(d.Model, d.states[i-1].H))
		}
		d.states[i] = l.Run(d.Tape, in, steps, d.states[i])
	}
	return d.states[len(d.states)-1].H
}

// attentional returns h̃ = tanh(W_c [c; h]), c being the answer of attention to h (Luong
// et al. 2015, equation 5), and the weights of attention.
func (d *decoding) attentional(h *tensor.Tensor, spans tensor.Spans) (y, weights *tensor.Tensor) {
	c, weights := d.Attention.Ask(d.Tape, h, d.dictionary, spans)
	return d.TanhSum(d.Linear(c, tensor.Linear{Weight: d.Context}), d.Linear(h, tensor.Linear{Weight: d.State})), weights
}

// attending computes all steps at once and then all of attention: without input feeding
// no step waits for the attention of the one before. The rows are in the order of the
// text.
func (d *decoding) attending(x *tensor.Tensor, segments tensor.Segments, time *nn.TimeMajor) *tensor.Tensor {
	h := d.layers(x, d.steps)
	// Queries of a sentence have to come together, in the order of the sources.
	queries := tensor.Segments{0}
	var rows []int32
	back := make([]int32, h.Rows()) // where a row of the text will be
	for _, i := range time.Order {
		for step := range segments[i+1] - segments[i] {
			back[segments[i]+step] = int32(len(rows))
			rows = append(rows, int32(time.Row(i, step)))
		}
		queries = append(queries, len(rows))
	}
	y, weights := d.attentional(d.Embed(h, rows, -1, 1), tensor.Spans(nil).Spread(queries, d.sources))
	if d.Record != nil {
		for k, i := range time.Order {
			for step := range segments[i+1] - segments[i] {
				d.Record(i, step, weights.Row(queries[k] + step)[:d.sources[k+1]-d.sources[k]])
			}
		}
	}
	return d.Embed(y, back, -1, 1)
}

// feeding goes step by step: what attention has found goes into the next step. The rows
// are in the order of time, sequences in the given one.
func (d *decoding) feeding(x *tensor.Tensor, order []int) *tensor.Tensor {
	in := d.Decoder[0].Input.Forward(d.Tape, d.drop(d.Model, x)) // (T, parts·H)
	var all []*tensor.Tensor
	var fed *tensor.Tensor // h̃ of the step before
	for step := range d.steps.Len() {
		n := d.steps.Width(step)
		d.narrow(n)
		now := d.Rows(in, d.steps[step], d.steps[step+1])
		if fed != nil {
			now = d.feed(now, d.first(fed, n))
		}
		h := d.above(now, tensor.EqualSteps(1, n))
		var weights *tensor.Tensor
		fed, weights = d.attentional(h, d.spans(n))
		if d.Record != nil {
			for i, sequence := range order[:n] {
				d.Record(sequence, step, weights.Row(i)[:d.sources[i+1]-d.sources[i]])
			}
		}
		all = append(all, fed)
	}
	return d.Stack(all...)
}

// feed adds to what the first layer has of its input that of the last attentional
// vectors.
func (d *decoding) feed(in, fed *tensor.Tensor) *tensor.Tensor {
	return d.DropAdd(in, d.Linear(d.drop(d.Model, fed), tensor.Linear{Weight: d.Feed}), tensor.Mask{})
}

// spans returns what the first n sequences look at in one step.
func (d *decoding) spans(n int) tensor.Spans {
	s := make(tensor.Spans, n)
	for i := range s {
		s[i] = tensor.Span{Base: d.sources[i], First: d.sources[i], End: d.sources[i+1]}
	}
	return s
}

// narrow leaves the states of the first n sequences.
func (d *decoding) narrow(n int) {
	for i, s := range d.states {
		d.states[i].H = d.first(s.H, n)
		if s.C != nil {
			d.states[i].C = d.first(s.C, n)
		}
	}
}

// first returns the first n rows of x.
func (d *decoding) first(x *tensor.Tensor, n int) *tensor.Tensor {
	if x.Rows() == n {
		return x
	}
	return d.Rows(x, 0, n)
}
