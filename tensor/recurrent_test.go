package tensor

import "math"

// testSteps are those of sequences of 4, 3 and 2 tokens.
var testSteps = Steps{0, 3, 6, 8, 9}

// recurrentRow is an operation of hidden units on the given steps. Its operands
// are what the input adds, the weight, and states if it has any; cell computes one
// sequence's next state from what the input and the product add to each of its
// parts.
func recurrentRow(op, detail string, steps Steps, hidden, parts, states int,
	run func(t *Tape, x *Tensor, r Recurrence, p []*Tensor) *Tensor,
	cell func(x, product []float64, state [][]float64, p []matrix) (y []float64),
	extra ...[2]int, // shapes of further operands
) opRow {
	shapes := [][2]int{{steps.Rows(), parts * hidden}, {parts * hidden, hidden}}
	for range states {
		shapes = append(shapes, [2]int{steps.Sequences(), hidden})
	}
	shapes = append(shapes, extra...)
	return opRow{op, detail, shapes, func(t *Tape, p []*Tensor) *Tensor {
		r := Recurrence{Steps: steps, Weight: p[1]}
		if states > 0 {
			r.Initial = p[2]
		}
		return run(t, p[0], r, p[2:])
	}, func(p []matrix) matrix {
		out := zeros(steps.Rows(), hidden)
		for i := range steps.Sequences() {
			state := make([][]float64, 2)
			for k := range state {
				state[k] = make([]float64, hidden)
				if k < states {
					copy(state[k], p[2+k].data[i*hidden:])
				}
			}
			for t := 0; t < steps.Len() && i < steps.Width(t); t++ {
				row := steps[t] + i
				product := make([]float64, parts*hidden)
				for j := range product {
					for k, v := range state[0] {
						product[j] += *p[1].at(j, k) * v
					}
				}
				y := cell(p[0].data[row*parts*hidden:][:parts*hidden], product, state, p)
				copy(out.data[row*hidden:], y)
			}
		}
		return out
	}}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// lstmRow returns the sum of outputs and cells, or the cells alone.
func lstmRow(detail string, steps Steps, hidden, states int, cellsOnly bool) opRow {
	return recurrentRow("LSTM", detail, steps, hidden, 4, states, func(t *Tape, x *Tensor, r Recurrence, p []*Tensor) *Tensor {
		l := LSTM{Recurrence: r}
		if states > 1 {
			l.Cell = p[1]
		}
		h, c := t.LSTM(x, l)
		if cellsOnly {
			return c
		}
		return t.DropAdd(h, c, Mask{})
	}, func(x, product []float64, state [][]float64, _ []matrix) []float64 {
		y, n := make([]float64, hidden), hidden
		for j := range y {
			in := func(k int) float64 { return x[k*n+j] + product[k*n+j] }
			c := sigmoid(in(1))*state[1][j] + sigmoid(in(0))*math.Tanh(in(2))
			state[0][j], state[1][j] = sigmoid(in(3))*math.Tanh(c), c
			y[j] = c
			if !cellsOnly {
				y[j] += state[0][j]
			}
		}
		return y
	})
}

// lstmVariantRow returns the sum of outputs and cells of a layer with coupled gates,
// peepholes or both.
func lstmVariantRow(detail string, hidden int, coupled, peepholes bool) opRow {
	var extra [][2]int
	if peepholes {
		extra = append(extra, [2]int{3, hidden})
	}
	return recurrentRow("LSTM", detail, testSteps, hidden, 4, 2, func(t *Tape, x *Tensor, r Recurrence, p []*Tensor) *Tensor {
		l := LSTM{Recurrence: r, Cell: p[1], Coupled: coupled}
		if peepholes {
			l.Peephole = p[2]
		}
		h, c := t.LSTM(x, l)
		return t.DropAdd(h, c, Mask{})
	}, func(x, product []float64, state [][]float64, p []matrix) []float64 {
		y, n := make([]float64, hidden), hidden
		for j := range y {
			in := func(k int) float64 { return x[k*n+j] + product[k*n+j] }
			see := func(gate int, cell float64) float64 {
				if !peepholes {
					return 0
				}
				return *p[4].at(gate, j) * cell
			}
			i := sigmoid(in(0) + see(0, state[1][j]))
			f := sigmoid(in(1) + see(1, state[1][j]))
			if coupled {
				f = 1 - i
			}
			c := f*state[1][j] + i*math.Tanh(in(2))
			state[0][j], state[1][j] = sigmoid(in(3)+see(2, c))*math.Tanh(c), c
			y[j] = c + state[0][j]
		}
		return y
	}, extra...)
}

func gruRow(detail string, steps Steps, hidden, states int) opRow {
	return recurrentRow("GRU", detail, steps, hidden, 3, states, func(t *Tape, x *Tensor, r Recurrence, p []*Tensor) *Tensor {
		return t.GRU(x, GRU{Recurrence: r, Bias: p[states]})
	}, func(x, product []float64, state [][]float64, p []matrix) []float64 {
		n, bias := hidden, p[2+states].data
		for j := range state[0] {
			in := func(k int) float64 { return product[k*n+j] + bias[k*n+j] }
			r, z := sigmoid(x[j]+in(0)), sigmoid(x[n+j]+in(1))
			u := math.Tanh(x[2*n+j] + r*in(2))
			state[0][j] = (1-z)*u + z*state[0][j]
		}
		return state[0]
	}, [2]int{1, 3 * hidden})
}

func elmanRow(detail string, a Activation, steps Steps, hidden, states int, f func(float64) float64) opRow {
	return recurrentRow("Elman", detail, steps, hidden, 1, states, func(t *Tape, x *Tensor, r Recurrence, _ []*Tensor) *Tensor {
		return t.Elman(x, Elman{Recurrence: r, Activation: a})
	}, func(x, product []float64, state [][]float64, _ []matrix) []float64 {
		for j := range state[0] {
			state[0][j] = f(x[j] + product[j])
		}
		return state[0]
	})
}

var recurrentRows = []opRow{
	lstmRow("", testSteps, 5, 0, false),
	lstmRow("states", testSteps, 17, 2, false),
	lstmRow("cells only", testSteps, 3, 2, true),
	lstmRow("one step", EqualSteps(1, 2), 4, 2, false),
	lstmRow("output given", testSteps, 4, 1, false),
	lstmVariantRow("coupled", 5, true, false),
	lstmVariantRow("peepholes", 17, false, true),
	lstmVariantRow("coupled, peepholes", 4, true, true),
	gruRow("", testSteps, 5, 0),
	gruRow("state", testSteps, 17, 1),
	gruRow("one step", EqualSteps(1, 2), 4, 1),
	elmanRow("tanh", Tanh, testSteps, 5, 1, math.Tanh),
	elmanRow("logistic", Logistic, testSteps, 16, 0, sigmoid),
	elmanRow("relu", ReLU, testSteps, 6, 1, func(x float64) float64 { return max(x, 0) }),
}
