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

// GEMM measures products of matrices and hands each result to report.
func GEMM(report func(Result)) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, s := range gemmSizes {
		m, n, k := s[0], s[1], s[2]
		for _, l := range layouts {
			a, b := kernel.Alloc(m*k), kernel.Alloc(k*n)
			for _, x := range [][]kernel.Float{a, b} {
				for i := range x {
					x[i] = kernel.Float(r.NormFloat64())
				}
			}
			ma, mb := kernel.Matrix{Data: a, Stride: k}, kernel.Matrix{Data: b, Stride: n}
			if l.aTrans {
				ma = kernel.Matrix{Data: a, Stride: m, Trans: true}
			}
			if l.bTrans {
				mb = kernel.Matrix{Data: b, Stride: k, Trans: true}
			}
			c := kernel.Alloc(m * n)
			seconds, peak, runs := measure(800*time.Millisecond, func() {
				kernel.Gemm(m, n, k, ma, mb, c, n, kernel.Epilogue{})
			})
			x := result("gemm", 2*float64(m)*float64(n)*float64(k)/1e9, 1e9, "GFLOP/s", seconds, peak, runs)
			x.FlopsPerUnit, x.M, x.N, x.K, x.Layout = 1e9, m, n, k, l.name
			report(x)
		}
	}
}
