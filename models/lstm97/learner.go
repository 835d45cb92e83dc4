package lstm97

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Learners lists the learners: the LSTM, and the plain recurrent network taught by
// backpropagation through time or by real-time recurrent learning.
var Learners = []string{"lstm", "rnn-bptt", "rnn-rtrl"}

// Squashes are the readings of the ranges of g and h: ±2 and ±1, as equations 5 and 4
// have them, ±1 and ±2, as table 10, or ±2 for both. In task 2a, whose h is the identity,
// they are readings of g alone.
var Squashes = []string{"equations", "table", "wide"}

// faithful says whether the network is the paper's LSTM.
func (o Options) faithful() bool { return o.Learner == "lstm" && !o.Modern }

// ranges returns [Config.G] and [Config.H], 0 for the task's own.
func (o Options) ranges() (g, h float64) {
	switch o.Squash {
	case "equations":
		return 2, 1
	case "table":
		return 1, 2
	case "wide":
		return 2, 2
	}
	return 0, 0
}

// modernRate is Adam's rate.
const modernRate = 5e-3

// grammarReach is the dependency that modern mode expects in Reber strings: the last
// symbol but one is that of eight symbols before, on average, and one more.
const grammarReach = 10

// mostTrials bounds what results that wait for those before them take.
const mostTrials = 100_000

// Check says what of the options cannot be.
func (o Options) Check() error {
	switch {
	case !slices.Contains(Learners, o.Learner):
		return fmt.Errorf("unknown learner %q; want one of %s", o.Learner, strings.Join(Learners, ", "))
	case o.Output != "" && o.Output != "logistic" && o.Output != "linear":
		return fmt.Errorf("unknown output units %q; want logistic or linear", o.Output)
	case o.Squash != "" && !slices.Contains(Squashes, o.Squash):
		return fmt.Errorf("unknown ranges %q of g and h; want one of %s", o.Squash, strings.Join(Squashes, ", "))
	case o.Squash != "" && !o.faithful():
		return errors.New("the ranges of g and h can be chosen for the paper's LSTM only; leave them out")
	case o.Trials < 1 || o.Trials > mostTrials:
		return fmt.Errorf("%d trials; want at least 1 and at most %d", o.Trials, mostTrials)
	case o.Threads < 1:
		return fmt.Errorf("%d threads; want at least 1", o.Threads)
	case o.MaxSequences < 1:
		return fmt.Errorf("%d training sequences at most; want at least 1", o.MaxSequences)
	case !(o.Rate >= 0 && o.Rate <= 100): // or NaN
		return fmt.Errorf("a learning rate of %v; want more than 0 and at most 100, or 0 for the task's own", o.Rate)
	}
	return nil
}

// rate is the learning rate that applies.
func (o Options) rate(t Task) float64 {
	switch {
	case o.Rate > 0:
		return o.Rate
	case o.Modern:
		return modernRate
	}
	return t.Rate
}

// linear says whether the learner has linear output units, as the task has them for all
// learners unless they are chosen.
func (t Task) linear(o Options) bool {
	if o.Output != "" {
		return o.Output == "linear"
	}
	return t.Net.Linear
}

func newLearner(t Task, o Options, r *rand.Rand) (Learner, error) {
	if o.faithful() {
		c := t.Net
		c.Linear = t.linear(o)
		c.G, c.H = o.ranges()
		return New(c, o.rate(t), r)
	}
	if err := t.checkReadout(o); err != nil {
		return nil, err
	}
	m := newReadout(t, o, r)
	if o.Learner == "rnn-rtrl" {
		return newRTRL(m)
	}
	return &bptt{readout: m, tape: tensor.NewTape(), still: tensor.NewInferenceTape()}, nil
}

// readout is a recurrent layer of nn under output units, and how it is taught:
// with plain gradient descent on the squared error, as the paper's networks are, or in
// modern mode with Adam on the cross entropy of logistic output units and the squared
// error of linear ones, the norm of the gradient clipped at 1.
type readout struct {
	Layer  nn.Recurrent   `param:"layer"`
	Out    nn.Linear      `param:"out"`    // (K, H)
	Direct *tensor.Tensor `param:"direct"` // (K, D), from the inputs; nil but for task 2a, as in the paper

	modern bool
	linear bool // output units, instead of logistic ones
	rate   float64
	optim  optim.Optimizer
}

// layer returns the kind of the recurrent layer and its units: an LSTM with forget gates
// and as many cells as the paper's, or a plain layer of the task's Units, logistic as all
// units of the paper's networks, or tanh in modern mode.
func (t Task) layer(o Options) (cell nn.Cell, units int) {
	switch {
	case o.Learner == "lstm":
		return nn.LSTM, t.Net.Blocks * t.Net.Size
	case o.Modern:
		return nn.RNNTanh, t.Units
	}
	return nn.RNNLogistic, t.Units
}

// checkReadout refuses a network of more than mostWeights, with the inputs and outputs of
// the steps that it goes back through.
func (t Task) checkReadout(o Options) error {
	cell, units := t.layer(o)
	weights := cell.Weights(t.Net.Inputs, units) + float64(t.Net.Outputs)*float64(units+1)
	if t.Net.Early {
		weights += float64(t.Net.Outputs) * float64(t.Net.Inputs)
	}
	steps := 0.0
	if o.Learner != "rnn-rtrl" {
		steps = float64(t.Lag) * float64(t.Net.Inputs+t.Net.Outputs)
	}
	if steps == 0 && weights > mostWeights {
		return fmt.Errorf("lstm97: %.0f weights; want at most %d: a smaller lag has fewer", weights, mostWeights)
	}
	if weights+steps > mostWeights {
		return fmt.Errorf("lstm97: %.0f weights, and %.0f inputs and outputs of a sequence; want at most %d in all: a smaller lag has fewer", weights, steps, mostWeights)
	}
	return nil
}

// newReadout makes the network. Weights begin as the task's; in modern mode uniform in
// ±1/√H, as PyTorch has it.
func newReadout(t Task, o Options, r *rand.Rand) *readout {
	limit := t.Net.Init
	cell, units := t.layer(o)
	if o.Modern {
		limit = 1 / math.Sqrt(float64(units))
	}
	m := &readout{Layer: nn.NewRecurrent(cell, t.Net.Inputs, units, limit, r), modern: o.Modern, linear: t.linear(o), rate: o.rate(t)}
	m.Out = nn.Linear{Weight: nn.Uniform(t.Net.Outputs, units, limit, r), Bias: nn.Uniform(1, t.Net.Outputs, limit, r)}
	if t.Net.Early {
		m.Direct = nn.Uniform(t.Net.Outputs, t.Net.Inputs, limit, r)
	}
	if cell == nn.LSTM {
		t.chrono(m.Layer.Input.Bias.Data[:2*units], r)
	}
	if m.modern {
		m.optim = optim.NewAdam(nn.Params(m), 0.9, 0.999, 1e-8, 0)
	} else {
		m.optim = optim.NewSGD(nn.Params(m))
	}
	return m
}

// chrono biases the input gates and the forget gates, in this order, so that cells hold
// what they have for as long as the task needs: the gate of forgetting by log(U), U
// uniform from 1 to the longest dependency less one, and that of the input by its
// negative. A cell then forgets by 1/e in about U steps (Tallec and Ollivier 2018, "Can
// recurrent neural networks warp time?", chrono initialization).
func (t Task) chrono(biases []tensor.Float, r *rand.Rand) {
	reach := t.Lag
	if reach == 0 {
		reach = grammarReach
	}
	input, forget := biases[:len(biases)/2], biases[len(biases)/2:]
	for i := range forget {
		forget[i] = tensor.Float(math.Log(1 + r.Float64()*float64(reach-2)))
		input[i] = -forget[i]
	}
}

// Weights implements Learner.
func (m *readout) Weights() int { return nn.Count(nn.Params(m)) }

// descend moves the weights by their gradients.
func (m *readout) descend() {
	scale := 1.0
	if m.modern {
		scale = optim.Clip(m.optim.GradNorm(), 1)
	}
	m.optim.Step(m.rate, scale)
}

// output is that of an output unit.
func (m *readout) output(net tensor.Float) float64 {
	if m.linear {
		return float64(net)
	}
	return f(float64(net))
}

// slope is the derivative of the error by an output unit's net input, given its target
// and its output: of the squared error (equation 19), or of the cross entropy.
func (m *readout) slope(target, y float64) tensor.Float {
	if m.modern || m.linear {
		return tensor.Float(y - target)
	}
	return tensor.Float((y - target) * y * (1 - y))
}

// fill writes the input of one step.
func fill(to []tensor.Float, x Input) {
	if x.Values == nil {
		clear(to)
		to[x.Symbol] = 1
		return
	}
	for i, v := range x.Values {
		to[i] = tensor.Float(v)
	}
}

// bptt is a network taught by backpropagation through time, from the end of a sequence to
// its beginning.
type bptt struct {
	*readout
	tape, still *tensor.Tape
	steps       tensor.Steps
	seed        []tensor.Float
}

// forward returns the net inputs of the output units at all steps, (T, K), and puts
// their outputs where the sequence has targets.
func (b *bptt) forward(tape *tensor.Tape, s *Sequence) *tensor.Tensor {
	tape.Reset()
	steps := s.Len()
	for len(b.steps) <= steps {
		b.steps = append(b.steps, len(b.steps))
	}
	x := tape.Input(steps, b.Layer.Input.Weight.Cols())
	for t := range steps {
		fill(x.Row(t), s.Input(t))
	}
	h := b.Layer.Forward(tape, x, b.steps[:steps+1], nn.State{}).H
	net := b.Out.Forward(tape, h)
	if b.Direct != nil {
		net = tape.DropAdd(net, tape.Linear(x, tensor.Linear{Weight: b.Direct}), tensor.Mask{})
	}
	answers := s.answers()
	for i := range answers {
		answers[i] = answers[i][:0]
		for _, v := range net.Row(steps - len(s.Targets) + i) {
			answers[i] = append(answers[i], b.output(v))
		}
	}
	return net
}

// Run implements Learner.
func (b *bptt) Run(s *Sequence) [][]float64 {
	b.forward(b.still, s)
	return s.answers()
}

// Learn implements Learner.
func (b *bptt) Learn(s *Sequence) [][]float64 {
	b.optim.ZeroGrad()
	net := b.forward(b.tape, s)
	if cap(b.seed) < len(net.Data) {
		b.seed = make([]tensor.Float, len(net.Data))
	}
	seed := b.seed[:len(net.Data)]
	clear(seed)
	at := len(seed) - len(s.Targets)*net.Cols()
	for i, target := range s.Targets {
		for k, v := range target {
			seed[at] = b.slope(v, s.outputs[i][k])
			at++
		}
	}
	b.tape.BackwardFrom(tensor.Seed{Of: net, Grad: seed})
	b.descend()
	return s.answers()
}
