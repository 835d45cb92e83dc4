package kernel

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// atEndOfMemory returns n numbers after which no memory can be read.
func atEndOfMemory(t *testing.T, n int) []Float {
	page := os.Getpagesize()
	held := ceilDiv(n*size, page) * page
	m, err := unix.Mmap(-1, 0, held+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(m) })
	if err := unix.Mprotect(m[held:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*Float)(unsafe.Pointer(&m[held-n*size])), n)
}

// TestGemmReadsNothingBeyondB multiplies by matrices that end where memory does, as
// those of mapped files may, and by parts of larger ones.
func TestGemmReadsNothingBeyondB(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{1, 7, 8, 9, 16, 17, 31, 32, 33, 200} {
			for i, m := range []int{3, 30, 600, 3, 30, 600} {
				const k = 70
				room := k*n + i/3*32
				g := newGemmCase(r, m, n, k, false, false, Epilogue{})
				g.b = Matrix{Data: atEndOfMemory(t, room), Stride: n}
				copy(g.b.Data, random(r, room))
				got := slices.Clone(g.c)
				Gemm(m, n, k, g.a, g.b, got, g.ldc, g.e)
				g.check(t, got)
			}
		}
	})
}

// TestAddRows adds parts of rows of matrices that end where memory does, to the bit as
// Add does row by row.
func TestAddRows(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range vectorSizes {
			for _, rows := range []int{0, 1, 2, 17, 40} {
				stride := n + r.IntN(40)
				x := atEndOfMemory(t, max(rows-1, 0)*stride+n)
				copy(x, random(r, len(x)))
				got := random(r, n+1)
				want := slices.Clone(got)
				for i := range rows {
					Add(want[:n], want[:n], x[i*stride:])
				}
				AddRows(got[:n], x, rows, stride)
				if !slices.Equal(got, want) {
					t.Fatalf("%d rows of %d, %d apart: sums differ from those of Add", rows, n, stride)
				}
			}
		}
	})
}
