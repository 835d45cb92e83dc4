package inspect

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// ErrorFlow says what becomes of an error on its way back in time through a recurrent
// layer (Hochreiter 1991; Hochreiter et al. 2001, section 3).
type ErrorFlow struct {
	Cell  string `json:"cell"`
	Units int    `json:"units"`
	// SpectralRadius is the largest absolute eigenvalue of the recurrent weights,
	// LargestWeight the largest absolute element. Both are of the plain recurrent
	// layers only, whose error is multiplied by diag(f')·W at each step.
	SpectralRadius float64 `json:"spectral_radius,omitempty"`
	LargestWeight  float64 `json:"largest_weight,omitempty"`
	// Bound is what one step multiplies an error by at most, n·w_max·max f': n·w_max/4
	// for logistic units. An error vanishes where it is below 1.
	Bound     float64      `json:"bound_per_step,omitempty"`
	Positions int          `json:"positions"` // places in the text that errors start from
	Lags      []ErrorScale `json:"lags"`
}

// ErrorScale is the factor by which an error has been scaled after some steps back: the
// spectral norm of the Jacobian of the state at one time by that Lag steps before. The
// state is the outputs of a plain layer or a GRU and the cells of an LSTM, whose outputs at
// the earlier time are held: what a cell reaches through its own output of that step is not
// in it. The figures are over positions of the text.
type ErrorScale struct {
	Lag    int     `json:"lag"`
	Mean   float64 `json:"mean"`
	Low    float64 `json:"quantile_05"`
	Median float64 `json:"median"`
	High   float64 `json:"quantile_95"`
	// Carousel is the part of it that stays inside the cells of an LSTM, the mean over
	// its units of the product of forget gates: 1 where there are none. Gates that see the
	// cells, through peepholes, take part in it.
	Carousel float64 `json:"carousel,omitempty"`
}

// warmUp is the number of steps before the earliest one that an error goes back to.
const warmUp = 20

// MeasureErrorFlow sends errors back through a layer that reads x, a text in the order
// of time, (T, D): from as many as positions places, lags steps from each. Plain layers,
// GRU and LSTM are measured alike, by the gradient that training uses.
func MeasureErrorFlow(l nn.Recurrent, x *tensor.Tensor, lags, positions int) (ErrorFlow, error) {
	n := l.Hidden.Weight.Cols()
	switch {
	case lags < 1 || positions < 1:
		return ErrorFlow{}, fmt.Errorf("inspect: %d lags from %d positions; want at least 1 of each", lags, positions)
	case lags > x.Rows()-warmUp:
		return ErrorFlow{}, fmt.Errorf("inspect: a text of %d tokens for errors of %d steps; want at least %d tokens", x.Rows(), lags, warmUp+uint64(lags))
	}
	window := warmUp + lags
	f := ErrorFlow{Cell: string(l.Cell), Units: n, Positions: min(positions, x.Rows()-window+1)}
	if err := f.analyse(l); err != nil {
		return ErrorFlow{}, err
	}
	way := newWayBack(l)
	scales := make([][]float64, lags+1) // [lag][position]
	carousel := make([]float64, lags+1) // sums over positions
	for p := range f.Positions {
		first := 0
		if f.Positions > 1 {
			first = p * (x.Rows() - window) / (f.Positions - 1)
		}
		scale, inside, err := way.measure(x, first, window, lags)
		if err != nil {
			return ErrorFlow{}, err
		}
		for q := range scale {
			scales[q] = append(scales[q], scale[q])
			carousel[q] += inside[q] / float64(f.Positions)
		}
	}
	for q, s := range scales {
		f.Lags = append(f.Lags, summary(q, s, carousel[q]))
	}
	return f, nil
}

// steepest is the largest derivative of the units of a plain recurrent layer.
var steepest = map[nn.Cell]float64{nn.RNNLogistic: 0.25, nn.RNNTanh: 1, nn.RNNReLU: 1}

// ScaleRecurrence scales the recurrent weights of a plain layer so that at its units'
// steepest point the largest eigenvalue of a step is the one wanted, and returns their
// new spectral radius. Logistic units are set to rest there, by their biases.
func ScaleRecurrence(l nn.Recurrent, eigenvalue float64) (radius float64, err error) {
	var f ErrorFlow
	if err := f.analyse(l); err != nil {
		return 0, err
	}
	if f.SpectralRadius == 0 {
		return 0, fmt.Errorf("inspect: the recurrence of a %s has no one radius to scale", l.Cell)
	}
	radius = eigenvalue / steepest[l.Cell]
	w := l.Hidden.Weight
	for i := range w.Rows() {
		rest := 0.0
		for j, x := range w.Row(i) {
			x *= tensor.Float(radius / f.SpectralRadius)
			w.Row(i)[j] = x
			rest -= float64(x) / 2
		}
		if l.Cell == nn.RNNLogistic {
			l.Input.Bias.Data[i] = tensor.Float(rest)
		}
	}
	return radius, nil
}

// analyse computes what follows from the weights alone.
func (f *ErrorFlow) analyse(l nn.Recurrent) error {
	if steepest[l.Cell] == 0 {
		return nil // gates: one matrix does not decide
	}
	w := dense(l.Hidden.Weight)
	if sum := mat.Sum(w); math.IsNaN(sum) || math.IsInf(sum, 0) {
		return errors.New("inspect: a recurrent weight is not a finite number")
	}
	var eigen mat.Eigen
	if !eigen.Factorize(w, mat.EigenNone) {
		return errors.New("inspect: the eigenvalues of the recurrent weights do not converge")
	}
	for _, v := range eigen.Values(nil) {
		f.SpectralRadius = max(f.SpectralRadius, math.Hypot(real(v), imag(v)))
	}
	f.LargestWeight = max(mat.Max(w), -mat.Min(w))
	f.Bound = float64(f.Units) * f.LargestWeight * steepest[l.Cell]
	return nil
}

func dense(x *tensor.Tensor) *mat.Dense {
	d := mat.NewDense(x.Rows(), x.Cols(), nil)
	for i := range x.Rows() {
		for j, v := range x.Row(i) {
			d.Set(i, j, float64(v))
		}
	}
	return d
}

func summary(lag int, scales []float64, carousel float64) ErrorScale {
	slices.Sort(scales)
	at := func(share float64) float64 { return scales[int(math.Round(share*float64(len(scales)-1)))] }
	s := ErrorScale{Lag: lag, Low: at(0.05), Median: at(0.5), High: at(0.95), Carousel: carousel}
	for _, x := range scales {
		s.Mean += x / float64(len(scales))
	}
	return s
}

// wayBack carries Jacobians back in time. A step of the layer is computed once more for
// n sequences that are all the same, and each sends its own error back.
type wayBack struct {
	layer  nn.Recurrent
	n      int
	tape   *tensor.Tape
	before nn.State       // n times the state before the current step
	dh, dc []tensor.Float // Jacobian by the outputs and by the cells, (n, n), divided by e^log
	log    float64

	cell   nn.State       // once the state before the current step
	ones   []tensor.Float // an error of 1 a unit
	inside []float64      // what stays inside the cell of each unit
}

func newWayBack(l nn.Recurrent) *wayBack {
	n := l.Hidden.Weight.Cols()
	b := &wayBack{layer: l, n: n, tape: tensor.NewTape(), dh: make([]tensor.Float, n*n)}
	b.before.H, b.cell.H = tensor.New(n, n), tensor.New(1, n)
	if l.Cell.IsLSTM() {
		b.before.C, b.cell.C = tensor.New(n, n), tensor.New(1, n)
		b.dc, b.inside = make([]tensor.Float, n*n), make([]float64, n)
		b.ones = slices.Repeat([]tensor.Float{1}, n)
	}
	return b
}

// measure returns the scale of the error for each lag up to lags from the end of a
// window of the text, and the part of the carousel.
func (b *wayBack) measure(x *tensor.Tensor, first, window, lags int) (scales, carousel []float64, err error) {
	states := b.states(x, first, window)
	for i, v := range states.H.Data {
		if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil, fmt.Errorf("inspect: after %d steps the state of %s is %v, beyond the range of its numbers; want fewer lags or smaller weights", i/b.n+1, b.layer.Cell, v)
		}
	}
	b.begin()
	scales, carousel = []float64{1}, []float64{mean(b.inside)}
	for q := range lags {
		t := window - 1 - q
		b.step(x.Row(first+t), states, t)
		scale := b.scale()
		if math.IsNaN(scale) || math.IsInf(scale, 0) {
			return nil, nil, fmt.Errorf("inspect: the scale of the error after %d steps back is %v, beyond the range of its number; want fewer lags", q+1, scale)
		}
		scales, carousel = append(scales, scale), append(carousel, mean(b.inside))
	}
	return scales, carousel, nil
}

// states runs the layer over a window and returns its states after each step.
func (b *wayBack) states(x *tensor.Tensor, first, window int) nn.State {
	tape := tensor.NewInferenceTape() // not reset: the states are kept
	in := tape.Input(window, x.Cols())
	copy(in.Data, x.Data[first*x.Cols():])
	return b.layer.Forward(tape, in, tensor.EqualSteps(window, 1), nn.State{})
}

// begin sets the Jacobian of a state by itself.
func (b *wayBack) begin() {
	b.log = 0
	state := b.dh
	if b.dc != nil {
		state = b.dc
	}
	clear(b.dh)
	clear(b.dc)
	for i := range b.n {
		state[i*b.n+i] = 1
	}
	for i := range b.inside {
		b.inside[i] = 1
	}
}

// step carries the Jacobian from the state after step t, which reads x, to that before.
func (b *wayBack) step(x []tensor.Float, states nn.State, t int) {
	after := b.forward(x, states, t, b.before)
	if after.C == nil {
		b.tape.BackwardFrom(tensor.Seed{Of: after.H, Grad: b.dh})
		copy(b.dh, b.before.H.Gradient())
		return
	}
	b.tape.BackwardFrom(tensor.Seed{Of: after.H, Grad: b.dh}, tensor.Seed{Of: after.C, Grad: b.dc})
	copy(b.dh, b.before.H.Gradient())
	copy(b.dc, b.before.C.Gradient())
	after = b.forward(x, states, t, b.cell)
	b.tape.BackwardFrom(tensor.Seed{Of: after.C, Grad: b.ones})
	for i, g := range b.cell.C.Gradient() {
		b.inside[i] *= float64(g) // a cell sees no other one
	}
}

// forward computes step t for as many sequences as before has rows.
func (b *wayBack) forward(x []tensor.Float, states nn.State, t int, before nn.State) nn.State {
	b.tape.Reset()
	in := b.tape.Input(before.H.Rows(), len(x))
	for i := range in.Rows() {
		copy(in.Row(i), x)
		copy(before.H.Row(i), states.H.Row(t-1))
		if before.C != nil {
			copy(before.C.Row(i), states.C.Row(t-1))
		}
	}
	before.H.ZeroGrad()
	if before.C != nil {
		before.C.ZeroGrad()
	}
	return b.layer.Forward(b.tape, in, tensor.EqualSteps(1, in.Rows()), before)
}

// scale returns the spectral norm of the Jacobian of the state, and divides the
// Jacobian by it so that no element leaves the range of its type.
func (b *wayBack) scale() float64 {
	state := b.dh
	if b.dc != nil {
		state = b.dc
	}
	norm := spectralNorm(state, b.n)
	if norm == 0 {
		return 0
	}
	for _, d := range [][]tensor.Float{b.dh, b.dc} {
		for i := range d {
			d[i] /= tensor.Float(norm)
		}
	}
	b.log += math.Log(norm)
	return math.Exp(b.log)
}

// spectralNorm returns the largest singular value of a matrix of n x n, to some four
// digits, by power iteration with JᵀJ.
func spectralNorm(j []tensor.Float, n int) float64 {
	v, u := make([]float64, n), make([]float64, n)
	for i := range v {
		v[i] = 1 + 0.5*math.Sin(float64(i)) // not orthogonal to what it looks for
	}
	norm := 0.0
	for range 200 {
		length := math.Sqrt(floats.Dot(v, v))
		clear(u)
		for r := range n {
			row, sum := j[r*n:(r+1)*n], 0.0
			for c, x := range row {
				sum += float64(x) * v[c]
			}
			sum /= length
			for c, x := range row {
				u[c] += float64(x) * sum
			}
		}
		last := norm
		norm = math.Sqrt(math.Sqrt(floats.Dot(u, u)))
		if norm == 0 || math.Abs(norm-last) < 1e-5*norm {
			break
		}
		u, v = v, u
	}
	return norm
}

// mean returns the mean of x, 0 where there is none.
func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}
