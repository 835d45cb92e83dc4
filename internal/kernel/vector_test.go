package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// vectorSizes are lengths around the widths of the registers and the unrolled
// loops.
var vectorSizes = []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129, 1000}

// vectorCase runs a kernel on copies of four arrays and computes in float64
// what it should leave in them and return.
type vectorCase struct {
	name string
	run  func(x [4][]Float) Float
	want func(x [4][]float64) float64
}

const (
	tx, ty = 0.7, -0.3 // scalars of the cases
)

var vectorCases = []vectorCase{
	{
		"Add", func(x [4][]Float) Float { Add(x[0], x[1], x[2]); return 0 },
		each(func(v [4]float64) float64 { return v[1] + v[2] }),
	},
	{
		"ScaleAdd", func(x [4][]Float) Float { ScaleAdd(x[0], tx, ty); return 0 },
		each(func(v [4]float64) float64 { return v[0]*tx + ty }),
	},
	{
		"Axpy", func(x [4][]Float) Float { Axpy(x[0], x[1], tx); return 0 },
		each(func(v [4]float64) float64 { return v[0] + tx*v[1] }),
	},
	{
		"MulAdd", func(x [4][]Float) Float { MulAdd(x[0], x[1], x[2]); return 0 },
		each(func(v [4]float64) float64 { return v[0] + v[1]*v[2] }),
	},
	{
		"ReLUGrad", func(x [4][]Float) Float { ReLUGrad(x[0], x[1], tx); return 0 },
		each(func(v [4]float64) float64 {
			if v[1] > 0 {
				return v[0] * tx
			}
			return 0
		}),
	},
	{
		"Tanh", func(x [4][]Float) Float { Tanh(x[0], x[1]); return 0 },
		each(func(v [4]float64) float64 { return math.Tanh(v[1]) }),
	},
	{
		"Logistic", func(x [4][]Float) Float { Logistic(x[0], x[1]); return 0 },
		each(func(v [4]float64) float64 { return logistic64(v[1]) }),
	},
	{
		"TanhGrad", func(x [4][]Float) Float { TanhGrad(x[0], x[1]); return 0 },
		each(func(v [4]float64) float64 { return v[0] * (1 - v[1]*v[1]) }),
	},
	{
		"LogisticGrad", func(x [4][]Float) Float { LogisticGrad(x[0], x[1]); return 0 },
		each(func(v [4]float64) float64 { return v[0] * v[1] * (1 - v[1]) }),
	},
	{
		"GELU", func(x [4][]Float) Float { GELU(x[0], x[1]); return 0 },
		each(func(v [4]float64) float64 { return gelu64(v[1]) }),
	},
	{
		"GELUGrad", func(x [4][]Float) Float { GELUGrad(x[0], x[1], x[2]); return 0 },
		each(slope(gelu64)),
	},
	{
		"GELUTanh", func(x [4][]Float) Float { GELUTanh(x[0], x[1]); return 0 },
		each(func(v [4]float64) float64 { return geluTanh64(v[1]) }),
	},
	{
		"GELUTanhGrad", func(x [4][]Float) Float { GELUTanhGrad(x[0], x[1], x[2]); return 0 },
		each(slope(geluTanh64)),
	},
	{
		"Swish", func(x [4][]Float) Float { Swish(x[0], x[1]); return 0 },
		each(func(v [4]float64) float64 { return v[1] / (1 + math.Exp(-v[1])) }),
	},
	{
		"SwishGrad", func(x [4][]Float) Float { SwishGrad(x[0], x[1], x[2]); return 0 },
		each(func(v [4]float64) float64 {
			gate := 1 / (1 + math.Exp(-v[1]))
			return v[0] + v[2]*gate*(1+v[1]*(1-gate))
		}),
	},
	{
		"SoftmaxGrad", func(x [4][]Float) Float { SoftmaxGrad(x[0], x[1], x[2], tx, ty); return 0 },
		each(func(v [4]float64) float64 { return v[1] * (v[2] - tx) * ty }),
	},
	{
		"Norm", func(x [4][]Float) Float { Norm(x[0], x[1], x[2], x[3], tx, ty); return 0 },
		each(func(v [4]float64) float64 { return (v[1]-tx)*ty*v[2] + v[3] }),
	},
	{
		"Sum", func(x [4][]Float) Float { return Sum(x[0]) },
		total(func(v [4]float64) float64 { return v[0] }),
	},
	{
		"Dot", func(x [4][]Float) Float { return Dot(x[0], x[1]) },
		total(func(v [4]float64) float64 { return v[0] * v[1] }),
	},
	{
		"SumSquares", func(x [4][]Float) Float { return SumSquares(x[0], tx) },
		total(func(v [4]float64) float64 { return (v[0] - tx) * (v[0] - tx) }),
	},
	{"Max", func(x [4][]Float) Float { return Max(x[0]) }, func(x [4][]float64) float64 {
		top := math.Inf(-1)
		for _, v := range x[0] {
			top = max(top, v)
		}
		return top
	}},
	{"ExpSum", func(x [4][]Float) Float { return ExpSum(x[0], x[1], tx, ty) }, func(x [4][]float64) float64 {
		s := 0.0
		for i, v := range x[1] {
			x[0][i] = math.Exp(v*tx - ty)
			s += x[0][i]
		}
		return s
	}},
	{"NormGrad", func(x [4][]Float) Float {
		NormGrad(x[0], x[1], x[2], x[3], x[3], x[3], tx, ty)
		return 0
	}, normGrad64},
	{"Adam", func(x [4][]Float) Float {
		for i, v := range x[2] {
			x[2][i] = v * v // a second moment is not negative
		}
		adamCase.Apply(x[0], x[1], x[2], x[3])
		return 0
	}, adam64},
}

var adamCase = AdamStep{Scale: 0.5, Beta1: 0.9, Beta2: 0.98, Rate: 0.1, Root: 1.25, Epsilon: 1e-3, Decay: 0.99}

func adam64(x [4][]float64) float64 {
	s := adamCase
	for i, g := range x[3] {
		g *= float64(s.Scale)
		v := x[2][i] * x[2][i]
		x[1][i] = float64(s.Beta1)*x[1][i] + (1-float64(s.Beta1))*g
		x[2][i] = float64(s.Beta2)*v + (1-float64(s.Beta2))*g*g
		x[0][i] = x[0][i]*float64(s.Decay) - float64(s.Rate)*x[1][i]/(math.Sqrt(x[2][i])*float64(s.Root)+float64(s.Epsilon))
	}
	return 0
}

func normGrad64(x [4][]float64) float64 {
	n := float64(len(x[0]))
	var s0, s1 float64
	for _, v := range x[3] {
		s0 += v * v
		s1 += v * v * (v - tx) * ty
	}
	for i, v := range x[3] {
		h := (v - tx) * ty
		x[0][i] += ty * (v*v - s0/n - h*s1/n)
		x[1][i] += v * h
		x[2][i] += v
	}
	return 0
}

func gelu64(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }

func geluTanh64(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

// slope adds to the first array the derivative of f at the second, times the third.
func slope(f func(x float64) float64) func(v [4]float64) float64 {
	const h = 1e-5
	return func(v [4]float64) float64 { return v[0] + v[2]*(f(v[1]+h)-f(v[1]-h))/(2*h) }
}

// each writes f of the arrays' elements to the first array.
func each(f func(v [4]float64) float64) func([4][]float64) float64 {
	return func(x [4][]float64) float64 {
		for i := range x[0] {
			x[0][i] = f([4]float64{x[0][i], x[1][i], x[2][i], x[3][i]})
		}
		return 0
	}
}

// total returns the sum of f over the arrays' elements.
func total(f func(v [4]float64) float64) func([4][]float64) float64 {
	return func(x [4][]float64) float64 {
		s := 0.0
		for i := range x[0] {
			s += f([4]float64{x[0][i], x[1][i], x[2][i], x[3][i]})
		}
		return s
	}
}

func TestVectorKernels(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(11, 12))
		for _, c := range vectorCases {
			for _, n := range vectorSizes {
				var got [4][]Float
				var want [4][]float64
				for i := range got {
					// One element more than the kernel may touch.
					whole := random(r, n+1)
					got[i] = whole[:n]
					want[i] = make([]float64, n+1)
					for j, v := range whole {
						want[i][j] = float64(v)
					}
					want[i] = want[i][:n]
				}
				ret, wantRet := float64(c.run(got)), c.want(want)
				if !near(ret, wantRet, n) {
					t.Errorf("%s, n=%d: returns %v, want %v", c.name, n, ret, wantRet)
				}
				for i := range got {
					for j, w := range want[i][:n+1] {
						if g := float64(got[i][:n+1][j]); !near(g, w, n) {
							t.Fatalf("%s, n=%d: array %d element %d is %v, want %v", c.name, n, i, j, g, w)
						}
					}
				}
			}
		}
	})
}

// near allows for rounding in a sum of n terms of size one.
func near(got, want float64, n int) bool {
	return math.Abs(got-want) <= 2e-6*(math.Abs(want)+math.Sqrt(float64(n)))
}

// ulps is the distance of got from want in units of want's last place.
func ulps(got Float, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, e-24)
}

func exponential(dst, x []Float) { ExpSum(dst, x, 1, 0) }

func TestExpAndTanhAreWithinTwoUlps(t *testing.T) {
	if Float(1)/3 != Float(float32(1)/3) {
		t.Skip("the float64 build calls math.Exp and math.Tanh")
	}
	eachPath(t, func(t *testing.T) {
		const n = 1 << 16
		x, y := make([]Float, n), make([]Float, n)
		for _, f := range []struct {
			name   string
			low    float64
			high   float64
			run    func(dst, x []Float)
			want   func(float64) float64
			within float64
		}{{"exp", -87.3, 88.7, exponential, math.Exp, 2}, {"tanh", -10, 10, Tanh, math.Tanh, 3}} {
			for i := range x {
				x[i] = Float(f.low + (f.high-f.low)*float64(i)/n)
			}
			f.run(y, x)
			worst := 0.0
			for i := range x {
				worst = max(worst, ulps(y[i], f.want(float64(x[i]))))
			}
			t.Logf("%s: error up to %.2f ulp", f.name, worst)
			if worst > f.within {
				t.Errorf("%s is %.2f ulp off, more than %v", f.name, worst, f.within)
			}
		}
	})
}

func TestExpAtTheEdges(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		inf := Float(math.Inf(1))
		x := []Float{-inf, -1000, 0, 1000, inf, Float(math.NaN())}
		y := make([]Float, len(x))
		exponential(y, x)
		if y[0] != 0 || y[1] != 0 || y[2] != 1 || y[3] < 3e38 || y[4] < 3e38 || y[5] == y[5] {
			t.Errorf("exp of %v = %v", x, y)
		}
	})
}

func TestSoftmax(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		inf := Float(math.Inf(1))
		x := []Float{1, -inf, 3, 3000, 3000}
		y := make([]Float, len(x))
		Softmax(y, x, 0.5)
		if y[0] != 0 || y[1] != 0 || math.Abs(float64(y[3])-0.5) > 1e-6 || y[3] != y[4] {
			t.Errorf("softmax of %v / 2 = %v", x, y)
		}
		Softmax(y, []Float{-inf, -inf, -inf, -inf, -inf}, 1)
		if Sum(y) != 0 {
			t.Errorf("softmax of a row that is all masked = %v, want zeros", y)
		}
	})
}

func TestMaskDropsItsShareEverywhereAlike(t *testing.T) {
	const n = 100_000
	one, zero := make([]Float, n), make([]Float, n)
	for i := range one {
		one[i] = 1
	}
	var first []Float
	eachPath(t, func(t *testing.T) {
		for _, rate := range []float64{0, 0.1, 0.5} {
			m := Mask{Key: 0xfffffff0, Rate: rate}
			y, z := make([]Float, n), make([]Float, n)
			m.Drop(y, one)
			m.DropAdd(z[:100], zero, one)
			m.At(100).DropAdd(z[100:], zero[100:], one[100:])
			dropped := 0
			for i := range y {
				if y[i] != z[i] {
					t.Fatalf("rate %v: DropAdd in two parts differs from Drop at %d", rate, i)
				}
				if y[i] == 0 {
					dropped++
				} else if y[i] != m.Scale() {
					t.Fatalf("rate %v: element %d is %v, want 0 or %v", rate, i, y[i], m.Scale())
				}
			}
			// Five standard deviations of a binomial.
			if d := math.Abs(float64(dropped) - rate*n); d > 5*math.Sqrt(n*rate*(1-rate)) {
				t.Errorf("rate %v drops %d of %d", rate, dropped, n)
			}
			if rate == 0.1 {
				if first == nil {
					first = y
				}
				for i := range y {
					if (y[i] == 0) != (first[i] == 0) {
						t.Fatalf("the mask differs between paths at %d", i)
					}
				}
			}
		}
	})
}

func BenchmarkVector(b *testing.B) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, n := range []int{1 << 12, 1 << 22} {
		x := [4][]Float{random(r, n), random(r, n), random(r, n), random(r, n)}
		for _, c := range vectorCases {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				for b.Loop() {
					c.run(x)
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
			})
		}
	}
}
