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
	fed        *tensor.Tensor  // attentional vectors of the step before, (sequences, H); nil at first
	covered    *tensor.Tensor  // what the tokens of each source have been given so far; nil at first
}

// layers runs all layers over x, embedded tokens or what they have become, and returns
// the outputs of the top one, (rows, H).
func (d *decoding) layers(x *tensor.Tensor) *tensor.Tensor {
	return d.above(d.Decoder[0].Input.Forward(d.Tape, d.drop(d.Model, x)), d.steps)
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

// attentional returns h̃ = tanh(W_c [c; h]), c being what attention has found for a step
// and h the state after it (Luong et al. 2015, equation 5).
func (d *decoding) attentional(c, h *tensor.Tensor) *tensor.Tensor {
	return d.TanhSum(d.Linear(c, tensor.Linear{Weight: d.Context}), d.Linear(h, tensor.Linear{Weight: d.State}))
}

// attending computes all steps at once and then all of attention: where nothing that
// attention finds goes into a step, none waits for the one before. The rows are in the
// order of the text.
func (d *decoding) attending(x *tensor.Tensor, segments tensor.Segments, time *nn.TimeMajor) *tensor.Tensor {
	h := d.layers(x)
	// Queries of a sentence have to come together, in the order of the sources.
	queries := tensor.Segments{0}
	var rows []int32
	var places []int                // steps of the queries
	back := make([]int32, h.Rows()) // where a row of the text will be
	for _, i := range time.Order {
		for step := range segments[i+1] - segments[i] {
			back[segments[i]+step] = int32(len(rows))
			rows, places = append(rows, int32(time.Row(i, step))), append(places, step)
		}
		queries = append(queries, len(rows))
	}
	h = d.Embed(h, rows, -1, 1)
	found := d.Attention.Ask(d.Tape, d.dictionary, nn.Queries{Rows: h, Spans: tensor.Spans(nil).Spread(queries, d.sources), Steps: places})
	for k, i := range time.Order {
		for r := queries[k]; r < queries[k+1]; r++ {
			d.record(i, places[r], found, r)
		}
	}
	return d.Embed(d.attentional(found.Values, h), back, -1, 1)
}

// record shows the weights of a query, if they are asked for.
func (d *decoding) record(sequence, step int, a nn.Answer, query int) {
	if d.Record != nil {
		s := a.Spans[query]
		d.Record(sequence, step, s.First-s.Base, a.Weights.Row(query)[:s.Len()])
	}
}

// stepwise goes step by step: what attention has found goes into a step. The rows are in
// the order of time, sequences in the given one.
func (d *decoding) stepwise(x *tensor.Tensor, order []int) *tensor.Tensor {
	in := d.Decoder[0].Input.Forward(d.Tape, d.drop(d.Model, x)) // (T, parts·H)
	var all []*tensor.Tensor
	for step := range d.steps.Len() {
		n := d.steps.Width(step)
		d.narrow(n)
		y, found := d.step(d.SliceRows(in, d.steps[step], d.steps[step+1]), d.spans(n), step)
		for i, sequence := range order[:n] {
			d.record(sequence, step, found, i)
		}
		all = append(all, y)
	}
	return d.ConcatRows(all...)
}

// step takes one step with attention: in is what the first layer has of its input,
// (sequences, parts·H), and spans what each sequence looks at.
func (d *decoding) step(in *tensor.Tensor, spans tensor.Spans, step int) (y *tensor.Tensor, found nn.Answer) {
	once := tensor.EqualSteps(1, len(spans))
	if d.PreviousState {
		found = d.ask(d.states[len(d.states)-1].H, spans, step)
		return d.attentional(found.Values, d.above(d.feed(in, found.Values), once)), found
	}
	if d.fed != nil {
		in = d.feed(in, d.fed)
	}
	h := d.above(in, once)
	found = d.ask(h, spans, step)
	y = d.attentional(found.Values, h)
	if d.InputFeeding {
		d.fed = y
	}
	return y, found
}

// ask looks up the queries of one step.
func (d *decoding) ask(q *tensor.Tensor, spans tensor.Spans, step int) nn.Answer {
	steps := make([]int, len(spans))
	for i := range steps {
		steps[i] = step
	}
	found := d.Attention.Ask(d.Tape, d.dictionary, nn.Queries{Rows: q, Spans: spans, Steps: steps, Covered: d.covered})
	switch {
	case !d.Coverage:
	case d.covered == nil:
		d.covered = found.Weights
	default:
		d.covered = d.DropAdd(d.covered, found.Weights, tensor.Mask{})
	}
	return found
}

// feed adds what attention has found to what the first layer has of its input.
func (d *decoding) feed(in, fed *tensor.Tensor) *tensor.Tensor {
	return d.DropAdd(in, d.Linear(d.drop(d.Model, fed), tensor.Linear{Weight: d.Feed}), tensor.Mask{})
}

// spans returns what the first n sequences look at in one step.
func (d *decoding) spans(n int) tensor.Spans {
	s := make(tensor.Spans, n)
	for i := range s {
		s[i] = d.span(i)
	}
	return s
}

// span is all of a source in the dictionary.
func (d *decoding) span(source int) tensor.Span {
	return tensor.Span{Base: d.sources[source], First: d.sources[source], End: d.sources[source+1]}
}

// narrow leaves what the first n sequences have of the step before.
func (d *decoding) narrow(n int) {
	if d.fed != nil {
		d.fed = d.first(d.fed, n)
	}
	if d.covered != nil {
		d.covered = d.first(d.covered, n)
	}
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
	return d.SliceRows(x, 0, n)
}
