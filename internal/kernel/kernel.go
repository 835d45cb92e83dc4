// Package kernel holds the loops that everything else is built on: matrix
// products, and elementwise and row-wise functions of slices. It knows slices
// and sizes, never tensors.
//
// Each loop exists in pure Go and, on amd64, in assembly for AVX2 and AVX-512.
// The path is chosen when the program starts; see package cpu. On one path a
// result is the same bit for bit for any number of threads.
//
// Slices of one call must have the lengths that the call's doc comment gives;
// a longer one is used in part, a shorter one panics.
package kernel

//go:generate go -C _asm run . -group gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel
//go:generate go -C _asm run . -group pack -out ../pack_amd64.s -stubs ../pack_stubs_amd64.go -pkg kernel
//go:generate go -C _asm run . -group vector -out ../vector_amd64.s -stubs ../vector_stubs_amd64.go -pkg kernel

import (
	"github.com/kotoba-nlp/kotoba/internal/cpu"
)

// impl is one path's set of kernels.
type impl struct {
	tile tileKernels
	vector
	// fmaPeak runs n rounds of multiply-adds on registers alone and
	// peakFlops is what one round computes.
	fmaPeak   func(n int)
	peakFlops int
}

var (
	active     *impl
	activePath cpu.Path
)

func init() {
	// An unknown name in the environment is reported by the command; the
	// library then runs the fastest path.
	path, _ := cpu.Selected()
	Use(path)
}

// Use makes path the one that every kernel runs from now on and returns the
// one before. It is for tests and for start-up: no kernel may be running.
func Use(path cpu.Path) (before cpu.Path) {
	before = activePath
	activePath, active = path, implOf(path)
	return before
}

// Path returns the path in use.
func Path() cpu.Path { return activePath }
