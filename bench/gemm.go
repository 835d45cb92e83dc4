package bench

import (
	"math/rand/v2"
	"time"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
)

// gemmSizes are m, n, k: squares, and products of a Transformer's step.
var gemmSizes = [][3]int{
	{512, 512, 512},
	{1024, 1024, 1024},
	{2048, 2048, 2048},
	{1024, 2048, 512},
	{1024, 512, 2048},
	{800, 8000, 256},
	{800, 256, 8000},
}

// layouts are the products that training needs: forwards, and the gradients
// by either operand.
var layouts = []struct {
	name           string
	aTrans, bTrans bool
}{{"A·B", false, false}, {"A·Bᵀ", false, true}, {"Aᵀ·B", true, false}}

// gemmRounds is how often all products are measured in turn: other work on the
// machine comes and goes over seconds.
const gemmRounds = 3

// gemmCase is one product.
type gemmCase struct {
	m, n, k int
	layout  string
	a, b    kernel.Matrix
	c       []kernel.Float
	best    Result
}

func newGemmCases() []*gemmCase {
	r := rand.New(rand.NewPCG(1, 1))
	operand := func(rows, cols int, trans bool) kernel.Matrix {
		x := kernel.Matrix{Data: kernel.Alloc(rows * cols), Stride: cols, Trans: trans}
		if trans {
			x.Stride = rows
		}
		for i := range x.Data {
			x.Data[i] = kernel.Float(r.NormFloat64())
		}
		return x
	}
	var all []*gemmCase
	for _, s := range gemmSizes {
		m, n, k := s[0], s[1], s[2]
		for _, l := range layouts {
			all = append(all, &gemmCase{
				m: m, n: n, k: k, layout: l.name,
				a: operand(m, k, l.aTrans), b: operand(k, n, l.bTrans), c: kernel.Alloc(m * n),
			})
		}
	}
	return all
}

// run measures the product and keeps the better of this and earlier rounds.
func (g *gemmCase) run() {
	seconds, peak, runs := measure(250*time.Millisecond, func() {
		kernel.Gemm(g.m, g.n, g.k, g.a, g.b, g.c, g.n, kernel.Epilogue{})
	})
	gflop := 2 * float64(g.m) * float64(g.n) * float64(g.k) / 1e9
	peak = max(peak, g.best.PeakGFLOPS)
	seconds = min(seconds, gflop/max(g.best.Value, 1e-9))
	x := result("gemm", gflop, 1e9, "GFLOP/s", seconds, peak, runs+g.best.Runs)
	x.M, x.N, x.K, x.Layout = g.m, g.n, g.k, g.layout
	g.best = x
}

// GEMM measures products of matrices and hands each result to report.
func GEMM(report func(Result)) {
	cases := newGemmCases()
	for range gemmRounds {
		for _, g := range cases {
			g.run()
		}
	}
	for _, g := range cases {
		report(g.best)
	}
}
