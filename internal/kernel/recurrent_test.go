package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func logistic64(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// lstmUnit is one unit of an LSTM in float64: its gates, cell and output.
type lstmUnit struct{ i, f, u, o, c, h float64 }

func newLSTMUnit(x [4]float64, before float64) (y lstmUnit) {
	y.i, y.f, y.u, y.o = logistic64(x[0]), logistic64(x[1]), math.Tanh(x[2]), logistic64(x[3])
	y.c = y.f*before + y.i*y.u
	y.h = y.o * math.Tanh(y.c)
	return y
}

// lstmArrays are the arrays of n units, each with a guard at its end.
type lstmArrays struct{ gates, c, h, before, dc, dh []Float }

const guard = 77

func newLSTMArrays(r *rand.Rand, n int) lstmArrays {
	guarded := func(n int) []Float {
		x := random(r, n+1)
		x[n] = guard
		return x[:n]
	}
	return lstmArrays{guarded(4 * n), guarded(n), guarded(n), guarded(n), guarded(n), guarded(n)}
}

func (a lstmArrays) checkGuards(t *testing.T) {
	t.Helper()
	for _, x := range [][]Float{a.gates, a.c, a.h, a.before, a.dc, a.dh} {
		if got := x[:len(x)+1][len(x)]; got != guard {
			t.Fatalf("n=%d: wrote %v beyond the end of an array", len(a.h), got)
		}
	}
}

// inputs returns what the gates of unit j are computed from.
func (a lstmArrays) inputs(j int) (x [4]float64) {
	for k := range x {
		x[k] = float64(a.gates[k*len(a.h)+j])
	}
	return x
}

func TestLSTM(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 22))
		for _, n := range vectorSizes {
			a := newLSTMArrays(r, n)
			var want []lstmUnit
			for j := range n {
				want = append(want, newLSTMUnit(a.inputs(j), float64(a.before[j])))
			}
			LSTM(a.gates, a.c, a.h, a.before)
			a.checkGuards(t)
			for j, w := range want {
				g := a.inputs(j)
				for k, pair := range [][2]float64{{g[0], w.i}, {g[1], w.f}, {g[2], w.u}, {g[3], w.o}, {float64(a.c[j]), w.c}, {float64(a.h[j]), w.h}} {
					if !near(pair[0], pair[1], 1) {
						t.Fatalf("n=%d: unit %d: value %d of i, f, u, o, c, h is %v, want %v", n, j, k, pair[0], pair[1])
					}
				}
			}
		}
	})
}

// TestLSTMGrad compares with central differences of dh·h + dc·c.
func TestLSTMGrad(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(23, 24))
		for _, n := range vectorSizes {
			a := newLSTMArrays(r, n)
			var want [][5]float64
			for j := range n {
				x, before := a.inputs(j), float64(a.before[j])
				objective := func(k int, d float64) float64 {
					y, b := x, before
					if k < 4 {
						y[k] += d
					} else {
						b += d
					}
					u := newLSTMUnit(y, b)
					return float64(a.dh[j])*u.h + float64(a.dc[j])*u.c
				}
				var w [5]float64
				for k := range w {
					const h = 1e-5
					w[k] = (objective(k, h) - objective(k, -h)) / (2 * h)
				}
				want = append(want, w)
			}
			LSTM(a.gates, a.c, a.h, a.before)
			LSTMGrad(a.gates, a.dc, a.dh, a.c, a.before)
			a.checkGuards(t)
			for j, w := range want {
				g := a.inputs(j)
				for k, got := range []float64{g[0], g[1], g[2], g[3], float64(a.dc[j])} {
					if !near(got, w[k], 1) {
						t.Fatalf("n=%d: unit %d: gradient %d by i, f, u, o and the cell before is %v, want %v", n, j, k, got, w[k])
					}
				}
			}
		}
	})
}

// gru64 returns the output of one unit of a GRU, given the inputs of r, z and u
// and their products with the output before.
func gru64(x, product [3]float64, before float64) float64 {
	r, z := logistic64(x[0]+product[0]), logistic64(x[1]+product[1])
	u := math.Tanh(x[2] + r*product[2])
	return (1-z)*u + z*before
}

// TestGRU compares the output with its definition and the gradients with central
// differences.
func TestGRU(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(25, 26))
		for _, n := range vectorSizes {
			gates, product, h, before, dh := random(r, 3*n), random(r, 3*n), random(r, n), random(r, n), random(r, n)
			var want [][6]float64 // h, and the gradients by r, z, u, product_u and before
			for j := range n {
				x := [7]float64{6: float64(before[j])}
				for k := range 3 {
					x[k], x[3+k] = float64(gates[k*n+j]), float64(product[k*n+j])
				}
				output := func(k int, d float64) float64 {
					y := x
					y[k] += d
					return gru64([3]float64(y[:3]), [3]float64(y[3:6]), y[6])
				}
				w := [6]float64{0: output(0, 0)}
				for i, k := range []int{0, 1, 2, 5, 6} {
					w[1+i] = float64(dh[j]) * (output(k, 1e-5) - output(k, -1e-5)) / 2e-5
				}
				want = append(want, w)
			}
			GRU(gates, h, product, before)
			GRUGrad(gates, dh, product, before)
			for j, w := range want {
				got := []Float{h[j], gates[j], gates[n+j], gates[2*n+j], product[2*n+j], dh[j]}
				for k, g := range got {
					if !near(float64(g), w[k], 1) {
						t.Fatalf("n=%d: unit %d: value %d of h and its gradients is %v, want %v", n, j, k, g, w[k])
					}
				}
			}
		}
	})
}
