// Package lstm97 replicates the experiments of Hochreiter and Schmidhuber, "Long
// Short-Term Memory", Neural Computation 9(8), 1997: their network, its truncated
// gradient, their tasks and their rules of when a task counts as solved.
//
// Symbols, numbers of equations, sections and tables are the paper's. D is the number
// of inputs, K of output units, C of memory cells and L of units of the hidden layer,
// that is gates and cells together. Networks have some tens of units and see millions
// of steps, hence plain loops over float64 here and no tape.
package lstm97

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
)

// Bias says which units have bias weights (table 10, column 12).
type Bias int

// Who has bias weights.
const (
	NoBias     Bias = iota // none
	GateBias               // "ga": gates
	HiddenBias             // "b1": gates and cells
	EveryBias              // "all": gates, cells and output units
)

// Config is the shape of a network and how its weights begin (table 10).
type Config struct {
	Inputs, Outputs int // D, K
	Blocks, Size    int // memory cell blocks, and the cells S of one
	Bias            Bias
	Init            float64 // weights begin uniform in ± this
	// InputGateBias and OutputGateBias are the first biases of each block's gates; nil
	// draws them as other weights are drawn.
	InputGateBias, OutputGateBias []float64
	// G and H are the largest values of the functions g and h: 2 and 1 in equations 5 and
	// 4, 1 and 2 in table 10. 0 is that of the equations; of an Early network, which has no
	// H, a G of 0 is the logistic function.
	G, H float64
	// Linear makes the outputs of output units their net inputs, without equation 3.
	Linear bool
	// Early is the network of tasks 2a and 2b, which the paper built before the others
	// ("for historical reasons", section 5.7): gates and cells read the inputs alone,
	// output units read the inputs beside the cells, there are no output gates, g is
	// the logistic function where G does not say otherwise, h the identity, and cells and gates join once the error
	// has stopped decreasing (section 4, abuse problem, solution 1).
	Early bool
}

// Net is a network with memory cells and its learning algorithm (appendix A.1). The
// hidden layer has a row of weights for each unit: first the input gates in_j of all
// blocks, then the output gates out_j, then the cells c_j^v block by block. A row has
// the D inputs, the bias, and the outputs of the L units of the step before.
type Net struct {
	Config
	Rate float64 // α

	hidden, out rows // (L, D+1+L) and (K, 1+C); with Early (L, D+1) and (K, D+1+C)
	firstOut    int  // number of the first output gate in the layer
	firstCell   int  // and of the first cell

	y, before []float64 // outputs of the hidden layer, y(t) and y(t-1) (L)
	net       []float64 // net inputs (L)
	s         []float64 // internal states s_c (C)
	yk        []float64 // outputs of output units (K)
	ek        []float64 // their errors, equation 19 (K)
	// byInputGate and byCell are ∂s_c/∂w for weights into the input gate of the cell's
	// block and into the cell: all that equations 25 and 27 carry from step to step.
	byInputGate, byCell [][]float64 // (C, D+1+L)

	joins joining
}

// rows are the weights into the units of a layer, a row a unit, and −∂E/∂w beside them.
type rows struct {
	n       int // columns
	weight  []float64
	descent []float64
	bias    int // column of the bias
	biased  []bool
}

func newRows(units, inputs, recurrent int) rows {
	n := inputs + 1 + recurrent
	return rows{n: n, weight: make([]float64, units*n), descent: make([]float64, units*n), bias: inputs, biased: make([]bool, units)}
}

func (r *rows) row(l int) []float64  { return r.weight[l*r.n : (l+1)*r.n] }
func (r *rows) grad(l int) []float64 { return r.descent[l*r.n : (l+1)*r.n] }

// draw fills the weights; units without bias have a weight of zero there, which stays.
func (r *rows) draw(limit float64, rnd *rand.Rand) {
	for l, biased := range r.biased {
		row := r.row(l)
		for i := range row {
			if i != r.bias || biased {
				row[i] = (2*rnd.Float64() - 1) * limit
			}
		}
	}
}

// descend is equation 17, with the sum over all steps of a sequence: w ← w − α ∂E/∂w.
func (r *rows) descend(rate float64) {
	for l, biased := range r.biased {
		if !biased {
			r.grad(l)[r.bias] = 0
		}
	}
	for i, d := range r.descent {
		r.weight[i] += rate * d
	}
	clear(r.descent)
}

// count is the number of weights that are there.
func (r *rows) count() int {
	n := len(r.weight)
	for _, biased := range r.biased {
		if !biased {
			n--
		}
	}
	return n
}

// mostWeights bounds a network, with its gradients some 16 bytes each.
const mostWeights = 1 << 25

// New returns a network with random weights.
func New(c Config, rate float64, rnd *rand.Rand) (*Net, error) {
	if c.Inputs < 1 || c.Outputs < 1 || c.Blocks < 1 || c.Size < 1 {
		return nil, fmt.Errorf("lstm97: a network of %d inputs, %d outputs and %d blocks of size %d; want at least 1 of each", c.Inputs, c.Outputs, c.Blocks, c.Size)
	}
	for _, b := range [][]float64{c.InputGateBias, c.OutputGateBias} {
		if b != nil && len(b) != c.Blocks {
			return nil, fmt.Errorf("lstm97: %d biases of gates for %d blocks; want one for each", len(b), c.Blocks)
		}
	}
	cells := c.Blocks * c.Size
	if !c.Early {
		c.G, c.H = cmp.Or(c.G, 2), cmp.Or(c.H, 1)
	}
	n := &Net{Config: c, Rate: rate, firstOut: c.Blocks, firstCell: 2 * c.Blocks}
	if c.Early {
		n.firstCell = c.Blocks
	}
	units := n.firstCell + cells
	recurrent, direct := units, 0
	if c.Early {
		recurrent, direct = 0, c.Inputs
	}
	if n := units*(c.Inputs+1+recurrent) + c.Outputs*(direct+1+cells); n > mostWeights {
		return nil, fmt.Errorf("lstm97: %d weights; want at most %d: a smaller lag has fewer", n, mostWeights)
	}
	n.hidden, n.out = newRows(units, c.Inputs, recurrent), newRows(c.Outputs, direct, cells)
	for l := range units {
		n.hidden.biased[l] = c.Bias >= HiddenBias || c.Bias == GateBias && l < n.firstCell
	}
	for k := range c.Outputs {
		n.out.biased[k] = c.Bias == EveryBias
	}
	n.hidden.draw(c.Init, rnd)
	n.out.draw(c.Init, rnd)
	for j, b := range c.InputGateBias {
		n.hidden.row(j)[n.hidden.bias] = b
	}
	for j, b := range c.OutputGateBias {
		n.hidden.row(n.firstOut + j)[n.hidden.bias] = b
	}
	n.y, n.before, n.net = make([]float64, units), make([]float64, units), make([]float64, units)
	n.s, n.yk, n.ek = make([]float64, cells), make([]float64, c.Outputs), make([]float64, c.Outputs)
	for range cells {
		n.byInputGate = append(n.byInputGate, make([]float64, n.hidden.n))
		n.byCell = append(n.byCell, make([]float64, n.hidden.n))
	}
	n.joins.waits = c.Early
	return n, nil
}

// Weights is the number of weights, as the paper's tables count them.
func (n *Net) Weights() int { return n.hidden.count() + n.out.count() }

// f is equation 3, the logistic function of gates and output units.
func f(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// h is the logistic function in ±H (equation 4), or the identity; slope is h'.
func (n *Net) h(s float64) (value, slope float64) {
	if n.Early {
		return s, 1
	}
	return squash(s, n.H)
}

// g is the logistic function in ±G (equation 5), or in 0 to 1; slope is g'.
func (n *Net) g(x float64) (value, slope float64) {
	if n.G == 0 {
		p := f(x)
		return p, p * (1 - p)
	}
	return squash(x, n.G)
}

// squash is the logistic function in ±limit, and its slope.
func squash(x, limit float64) (value, slope float64) {
	p := f(x)
	return limit * (2*p - 1), limit * 2 * p * (1 - p)
}

// reset begins a sequence: all activations and ∂s/∂w are zero.
func (n *Net) reset() {
	clear(n.y)
	clear(n.s)
	for c := range n.s {
		clear(n.byInputGate[c])
		clear(n.byCell[c])
	}
}

// netInput is Σ_u w_lu y^u, the sum of equations 7 to 9, over the inputs of this step,
// the bias and the hidden layer's outputs of the step before: the first two of the
// three processing steps of section 5.
func (n *Net) netInput(row []float64, x Input) float64 {
	d := n.Inputs
	sum := row[d]
	if x.Values == nil {
		sum += row[x.Symbol]
	} else {
		for i, v := range x.Values {
			sum += row[i] * v
		}
	}
	if recurrent := row[d+1:]; len(recurrent) > 0 {
		for u, v := range n.before[:len(recurrent)] {
			sum += recurrent[u] * v
		}
	}
	return sum
}

// add adds the sources of a row, y^m of all m, times scale.
func (n *Net) add(row []float64, scale float64, x Input) {
	d := n.Inputs
	row[d] += scale
	if x.Values == nil {
		row[x.Symbol] += scale
	} else {
		for i, v := range x.Values {
			row[i] += scale * v
		}
	}
	if recurrent := row[d+1:]; len(recurrent) > 0 {
		for u, v := range n.before[:len(recurrent)] {
			recurrent[u] += scale * v
		}
	}
}

// step is the forward pass of the hidden layer. With learn it carries ∂s/∂w forward.
func (n *Net) step(x Input, learn bool) {
	if n.joins.waits {
		return
	}
	copy(n.before, n.y)
	for l := range n.net {
		n.net[l] = n.netInput(n.hidden.row(l), x)
	}
	for j := range n.Blocks {
		in, out := f(n.net[j]), 1.0 // equations 7 and 8
		n.y[j] = in
		if !n.Early {
			out = f(n.net[n.firstOut+j])
			n.y[n.firstOut+j] = out
		}
		for c := j * n.Size; c < (j+1)*n.Size; c++ {
			g, dg := n.g(n.net[n.firstCell+c])
			n.s[c] += in * g // s(t) = s(t−1) + y^in g(net_c), equation 9
			h, _ := n.h(n.s[c])
			n.y[n.firstCell+c] = out * h
			if learn {
				n.add(n.byInputGate[c], g*in*(1-in), x) // equation 25
				n.add(n.byCell[c], dg*in, x)            // equation 27
			}
		}
	}
}

// outputs is equation 10: the outputs of the output units. They read no gates.
func (n *Net) outputs(x Input) []float64 {
	for k := range n.yk {
		row := n.out.row(k)
		sum := row[n.out.bias]
		if n.Early {
			sum += row[x.Symbol]
		}
		for c, w := range row[n.out.bias+1:] {
			sum += w * n.y[n.firstCell+c]
		}
		if n.yk[k] = sum; !n.Linear {
			n.yk[k] = f(sum)
		}
	}
	return n.yk
}
