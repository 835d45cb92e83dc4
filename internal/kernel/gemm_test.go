package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kotoba-nlp/kotoba/internal/cpu"
	"github.com/kotoba-nlp/kotoba/internal/par"
)

// eachPath runs a test on every path that this machine has.
func eachPath(t *testing.T, f func(t *testing.T)) {
	for _, p := range cpu.Supported() {
		t.Run(p.String(), func(t *testing.T) {
			defer Use(Use(p))
			f(t)
		})
	}
}

func random(r *rand.Rand, n int) []Float {
	x := Alloc(n)
	for i := range x {
		x[i] = Float(r.NormFloat64())
	}
	return x
}

// gemmCase is a product with operands in any layout.
type gemmCase struct {
	m, n, k, ldc int
	a, b         Matrix
	c            []Float
	e            Epilogue
}

func newGemmCase(r *rand.Rand, m, n, k int, ta, tb bool, e Epilogue) gemmCase {
	g := gemmCase{m: m, n: n, k: k, ldc: n + 3, e: e, c: random(r, m*(n+3))}
	rows := func(r0, c0 int, trans bool) Matrix {
		if trans {
			r0, c0 = c0, r0
		}
		return Matrix{Data: random(r, r0*(c0+2)), Stride: c0 + 2, Trans: trans}
	}
	g.a, g.b = rows(m, k, ta), rows(k, n, tb)
	return g
}

func (x Matrix) at(i, j int) float64 {
	if x.Trans {
		i, j = j, i
	}
	return float64(x.Data[i*x.Stride+j])
}

// want is the product in float64.
func (g gemmCase) want() []float64 {
	out := make([]float64, len(g.c))
	for i, v := range g.c {
		out[i] = float64(v)
	}
	for i := range g.m {
		for j := range g.n {
			var s float64
			for p := range g.k {
				s += g.a.at(i, p) * g.b.at(p, j)
			}
			if g.e.Bias != nil {
				s += float64(g.e.Bias[j])
			}
			if g.e.Add {
				s += out[i*g.ldc+j]
			}
			switch g.e.Activation {
			case ReLU:
				s = math.Max(s, 0)
			case GELUExact:
				s = gelu64(s)
			case GELUApprox:
				s = geluTanh64(s)
			}
			out[i*g.ldc+j] = s
		}
	}
	return out
}

func (g gemmCase) check(t *testing.T, got []Float) {
	t.Helper()
	want := g.want()
	for i := range want {
		// Rounding errors grow with the square root of k.
		if d := math.Abs(float64(got[i]) - want[i]); d > 2e-6*(1+math.Sqrt(float64(g.k)))*(1+math.Abs(want[i])) {
			t.Fatalf("m=%d n=%d k=%d Aᵀ=%v Bᵀ=%v add=%v bias=%v activation %d: C[%d,%d] = %v, want %v", g.m, g.n, g.k,
				g.a.Trans, g.b.Trans, g.e.Add, g.e.Bias != nil, g.e.Activation, i/g.ldc, i%g.ldc, got[i], want[i])
		}
	}
}

func TestGemm(t *testing.T) {
	sizes := [][3]int{
		{1, 1, 1},
		{1, 33, 5},
		{2, 15, 16},
		{13, 17, 31},
		{14, 32, 4},
		{15, 31, 3},
		{16, 64, 17},
		{29, 100, 385},
		{70, 47, 800},
		{3, 300, 40},
		{300, 3, 40},
		{40, 257, 64},
		{600, 40, 50},
	}
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, s := range sizes {
			for layout := range 4 {
				for flags := range 16 {
					if layout != 0 && flags != 0 && flags != 15 {
						continue // one layout shows what each flag does
					}
					e := Epilogue{Add: flags&1 != 0, Activation: Activation(flags >> 1 & 3)}
					if flags&8 != 0 {
						e.Bias = random(r, s[1])
					}
					g := newGemmCase(r, s[0], s[1], s[2], layout&1 != 0, layout&2 != 0, e)
					got := append([]Float(nil), g.c...)
					Gemm(g.m, g.n, g.k, g.a, g.b, got, g.ldc, e)
					g.check(t, got)
					copy(got, g.c)
					GemmPacked(g.m, g.a, PackB(g.k, g.n, g.b), got, g.ldc, e)
					g.check(t, got)
				}
			}
		}
	})
}

// TestGemmKeepsWhatIsActivated compares the result of an activation, in memory of its
// own, with that in place, and what it is of with a product without.
func TestGemmKeepsWhatIsActivated(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, a := range []Activation{GELUExact, GELUApprox} {
			g := newGemmCase(r, 31, 70, 800, false, true, Epilogue{Activation: a})
			plain, kept, to, inPlace := slices.Clone(g.c), slices.Clone(g.c), slices.Clone(g.c), slices.Clone(g.c)
			Gemm(g.m, g.n, g.k, g.a, g.b, plain, g.ldc, Epilogue{})
			Gemm(g.m, g.n, g.k, g.a, g.b, kept, g.ldc, Epilogue{Activation: a, Activated: to})
			Gemm(g.m, g.n, g.k, g.a, g.b, inPlace, g.ldc, Epilogue{Activation: a})
			if !slices.Equal(plain, kept) || !slices.Equal(to, inPlace) {
				t.Errorf("activation %d: what it is of, or its result, differs with memory of its own", a)
			}
			g.check(t, to)
		}
	})
}

// TestGELUEverywhere follows both forms to where they are 0 and x.
func TestGELUEverywhere(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		var x []Float
		for v := -120.0; v <= 120; v += 0.01 {
			x = append(x, Float(v))
		}
		y := make([]Float, len(x))
		for _, f := range []struct {
			run  func(dst, x []Float)
			want func(float64) float64
		}{{GELU, gelu64}, {GELUTanh, geluTanh64}} {
			f.run(y, x)
			for i, v := range x {
				if want := f.want(float64(v)); math.Abs(float64(y[i])-want) > 4e-7*(1+math.Abs(float64(v))) {
					t.Fatalf("gelu of %v is %v; want %v", v, y[i], want)
				}
			}
		}
	})
}

// TestGemmInGroups makes small products be shared out as large ones are: by
// groups of panels on one thread, which must give the same as cells on several.
func TestGemmInGroups(t *testing.T) {
	defer par.SetThreads(par.Threads())
	defer func(a, b, whole, near int) { aMax, bMax, wholeMax, nearMax = a, b, whole, near }(aMax, bMax, wholeMax, nearMax)
	aMax, bMax, wholeMax, nearMax = 1000, 3000, 4000, 1000
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 10))
		for _, transposed := range []bool{false, true} {
			e := Epilogue{Add: true, Activation: ReLU, Bias: random(r, 1090)}
			g := newGemmCase(r, 21, 1090, 600, false, transposed, e)
			var all [2][]Float
			for i, threads := range []int{1, 5} {
				par.SetThreads(threads)
				all[i] = append([]Float(nil), g.c...)
				Gemm(g.m, g.n, g.k, g.a, g.b, all[i], g.ldc, e)
			}
			g.check(t, all[0])
			if !slices.Equal(all[0], all[1]) {
				t.Error("products on 1 and 5 threads differ")
			}
		}
	})
}

func TestGemmIsTheSameOnAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, s := range [][3]int{{500, 70, 410}, {33, 900, 410}, {257, 257, 257}} {
			g := newGemmCase(r, s[0], s[1], s[2], true, false, Epilogue{})
			var first []Float
			for _, threads := range []int{1, 2, 5} {
				par.SetThreads(threads)
				got := append([]Float(nil), g.c...)
				Gemm(g.m, g.n, g.k, g.a, g.b, got, g.ldc, g.e)
				if first == nil {
					first = got
				}
				for i := range got {
					if got[i] != first[i] {
						t.Fatalf("%v: element %d is %v on one thread and %v on %d", s, i, first[i], got[i], threads)
					}
				}
			}
		}
	})
}

func TestGemmAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	g := newGemmCase(r, 200, 200, 200, false, false, Epilogue{})
	n := math.Inf(1)
	for range 4 { // the runtime allocates now and then, a product would every time
		n = min(n, testing.AllocsPerRun(20, func() { Gemm(g.m, g.n, g.k, g.a, g.b, g.c, g.ldc, g.e) }))
	}
	if n != 0 {
		t.Errorf("a product allocates %v times", n)
	}
}

func BenchmarkGemm(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, s := range [][3]int{
		{512, 512, 512},
		{1024, 1024, 1024},
		{2048, 2048, 2048},
		{1024, 2048, 512},
		{1024, 512, 2048},
		{1600, 256, 1024},
		{1600, 1024, 256},
		{256, 1024, 1600},
		{800, 8000, 256},
		{800, 256, 8000},
		{8000, 256, 800},
		{32, 2048, 512},
		{128, 512, 512},
	} {
		for layout, name := range []string{"AB", "AtB", "ABt"} {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", s[0], s[1], s[2], name), func(b *testing.B) {
				g := newGemmCase(r, s[0], s[1], s[2], layout == 1, layout == 2, Epilogue{})
				g.c, g.ldc = Alloc(s[0]*s[1]), s[1]
				peak := PeakGFLOPS(5)
				best := math.Inf(1)
				for b.Loop() {
					start := time.Now()
					Gemm(g.m, g.n, g.k, g.a, g.b, g.c, g.ldc, g.e)
					best = min(best, time.Since(start).Seconds())
				}
				rate := 2 * float64(g.m) * float64(g.n) * float64(g.k) / best / 1e9
				b.ReportMetric(rate, "GFLOP/s")
				b.ReportMetric(100*rate/peak, "%peak")
			})
		}
	}
}
