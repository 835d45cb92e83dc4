package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Cell names what a recurrent layer is made of.
type Cell string

// The cells.
const (
	LSTM         Cell = "lstm"           // Hochreiter and Schmidhuber 1997, with forget gates (Gers et al. 2000)
	LSTMNoForget Cell = "lstm-no-forget" // the same as in 1997, without forget gates
	LSTMCoupled  Cell = "lstm-coupled"   // with forget gates that are 1 - i (Greff et al. 2017, CIFG)
	LSTMPeephole Cell = "lstm-peephole"  // with gates that see the cells (Gers and Schmidhuber 2000)
	GRU          Cell = "gru"            // Cho et al. 2014
	RNNTanh      Cell = "rnn-tanh"       // Elman 1990
	RNNLogistic  Cell = "rnn-logistic"   // the same with logistic units
	RNNReLU      Cell = "rnn-relu"       // the same with rectified units
)

// Cells lists the cells.
var Cells = []Cell{LSTM, LSTMNoForget, LSTMCoupled, LSTMPeephole, GRU, RNNTanh, RNNLogistic, RNNReLU}

// IsLSTM says whether the cell has memory beside its output.
func (c Cell) IsLSTM() bool {
	return c == LSTM || c == LSTMNoForget || c == LSTMCoupled || c == LSTMPeephole
}

// Validate says whether there is such a cell.
func (c Cell) Validate() error {
	return checkName("cell", c, Cells)
}

// checkName says whether a name is one of those that there are.
func checkName[S ~string](what string, name S, all []S) error {
	if slices.Contains(all, name) {
		return nil
	}
	var names []string
	for _, s := range all {
		names = append(names, string(s))
	}
	return fmt.Errorf("nn: unknown %s %q; want one of %s", what, name, strings.Join(names, ", "))
}

// parts is the number of vectors of units that the cell computes from its input.
func (c Cell) parts() int {
	switch {
	case c.IsLSTM():
		return 4
	case c == GRU:
		return 3
	}
	return 1
}

// Weights returns how many weights a layer of some units has that reads in numbers; of
// peepholes and GRU's second bias it is silent. It is a float64 as sizes that cannot be may
// be asked for.
func (c Cell) Weights(in, units int) float64 {
	return float64(c.parts()) * float64(units) * (float64(in) + float64(units) + 1)
}

// Kept returns how many numbers of a token a layer keeps for the way back: its gates,
// outputs and cells.
func (c Cell) Kept(units int) float64 { return float64(c.parts()+2) * float64(units) }

// State is what a recurrent layer hands from step to step, a row a sequence.
type State struct {
	H *tensor.Tensor // outputs
	C *tensor.Tensor // cells of an LSTM, nil for other layers
}

// NewState returns a state of zeros which takes no gradient.
func (c Cell) NewState(sequences, units int) State {
	s := State{H: tensor.NewConstant(sequences, units)}
	if c.IsLSTM() {
		s.C = tensor.NewConstant(sequences, units)
	}
	return s
}

// Select returns a copy of the given rows, which takes no gradient: row i of the result
// is row rows[i] of the state.
func (s State) Select(rows []int) State {
	return State{H: SelectRows(s.H, rows), C: SelectRows(s.C, rows)}
}

// SelectRows returns a copy of the given rows of x, which takes no gradient; of nil it is
// nil.
func SelectRows(x *tensor.Tensor, rows []int) *tensor.Tensor {
	if x == nil {
		return nil
	}
	y := tensor.NewConstant(len(rows), x.Cols())
	for i, r := range rows {
		copy(y.Row(i), x.Row(r))
	}
	return y
}

// Recurrent is one recurrent layer of H units. Weights of its parts, gates among
// them, are stacked in the order that the operation has: i, f, u, o for an LSTM and
// r, z, u for a GRU, which is PyTorch's.
type Recurrent struct {
	Cell   Cell
	Input  Linear `param:"input"`  // (parts·H, D)
	Hidden Linear `param:"hidden"` // (parts·H, H); has a bias in a GRU only
	// Peephole is what the gates i, f and o see of the cells, (3, H); nil in most.
	Peephole *tensor.Tensor `param:"peephole"`
}

// NewRecurrent returns a layer with weights and biases uniform in ±limit.
func NewRecurrent(c Cell, in, units int, limit float64, r *rand.Rand) Recurrent {
	n := c.parts() * units
	l := Recurrent{
		Cell:   c,
		Input:  Linear{Weight: Uniform(n, in, limit, r), Bias: Uniform(1, n, limit, r)},
		Hidden: Linear{Weight: Uniform(n, units, limit, r)},
	}
	if c == GRU {
		l.Hidden.Bias = Uniform(1, n, limit, r)
	}
	if c == LSTMPeephole {
		l.Peephole = Uniform(3, units, limit, r)
	}
	if c == LSTMNoForget {
		l.openForgetGates()
	}
	return l
}

// openForgetGates lets all that a cell holds pass, for good: σ(100) is 1 to the last
// bit, and so the gates take no gradient.
func (l Recurrent) openForgetGates() {
	units := l.Hidden.Weight.Cols()
	for i := units; i < 2*units; i++ {
		clear(l.Input.Weight.Row(i))
		clear(l.Hidden.Weight.Row(i))
		l.Input.Bias.Data[i] = 100
	}
}

// Uniform returns a parameter of elements uniform in ±limit.
func Uniform(rows, cols int, limit float64, r *rand.Rand) *tensor.Tensor {
	x := tensor.New(rows, cols)
	for i := range x.Data {
		x.Data[i] = tensor.Float((2*r.Float64() - 1) * limit)
	}
	return x
}

// Forward returns the states after each row of x, (rows, H), which go on from
// before; nil states are zeros.
func (l Recurrent) Forward(t *tensor.Tape, x *tensor.Tensor, steps tensor.Steps, before State) State {
	return l.Run(t, l.Input.Forward(t, x), steps, before)
}

// Run is Forward where the input has been through the layer's map of it already: in is
// (rows, parts·H), and is overwritten.
func (l Recurrent) Run(t *tensor.Tape, in *tensor.Tensor, steps tensor.Steps, before State) State {
	r := tensor.Recurrence{Steps: steps, Weight: l.Hidden.Weight, Initial: before.H}
	switch l.Cell {
	case LSTM, LSTMNoForget, LSTMCoupled, LSTMPeephole:
		h, c := t.LSTM(in, tensor.LSTM{Recurrence: r, Cell: before.C, Coupled: l.Cell == LSTMCoupled, Peephole: l.Peephole})
		return State{H: h, C: c}
	case GRU:
		return State{H: t.GRU(in, tensor.GRU{Recurrence: r, Bias: l.Hidden.Bias})}
	case RNNLogistic:
		return State{H: t.Elman(in, tensor.Elman{Recurrence: r, Activation: tensor.Logistic})}
	case RNNReLU:
		return State{H: t.Elman(in, tensor.Elman{Recurrence: r, Activation: tensor.ReLU})}
	}
	return State{H: t.Elman(in, tensor.Elman{Recurrence: r, Activation: tensor.Tanh})}
}
