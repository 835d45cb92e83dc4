package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Flags of a tile kernel; package kernel has the same.
const (
	flagAdd  = 1 // C += A·B, otherwise C = A·B
	flagBias = 2 // add the bias row
	flagReLU = 4 // clamp at zero at the end
)

// gemmUnroll is the number of steps along k in one turn of the hot loop.
const gemmUnroll = 4

func gemmKernels(s isa) {
	rows := 6
	if s.lanes == 16 {
		rows = 14
	}
	for mr := 1; mr <= rows; mr++ {
		gemmTile(s, mr, columnForm)
		gemmTile(s, mr, rowForm)
	}
	fmaPeak(s)
}

// A form is the way in which the elements of A lie.
type form int

const (
	columnForm form = iota // k columns of mr elements
	rowForm                // mr rows of k elements, a stride apart
)

// elements tells where the elements of a tile of A are.
type elements struct {
	form   form
	mr     int
	bases  []reg.GPVirtual // column form: the tile; row form: every third row
	stride reg.GPVirtual   // row form: bytes from a row to the next
}

func loadElements(f form, mr int) elements {
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	e := elements{form: f, mr: mr, bases: []reg.GPVirtual{a}}
	if f == columnForm {
		return e
	}
	e.stride = Load(Param("lda"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), e.stride)
	for row := 3; row < mr; row += 3 {
		base, last := GP64(), e.bases[len(e.bases)-1]
		LEAQ(Mem{Base: last, Index: e.stride, Scale: 2}, base)
		ADDQ(e.stride, base)
		e.bases = append(e.bases, base)
	}
	return e
}

// at returns element i of the column u columns ahead.
func (e elements) at(i, u int) Mem {
	if e.form == columnForm {
		return Mem{Base: e.bases[0], Disp: (u*e.mr + i) * 4}
	}
	m := Mem{Base: e.bases[i/3], Disp: 4 * u}
	if i%3 > 0 {
		m.Index, m.Scale = e.stride, uint8(i%3)
	}
	return m
}

// advance moves on by n columns.
func (e elements) advance(n int) {
	bytes := 4 * n
	if e.form == columnForm {
		bytes *= e.mr
	}
	for _, b := range e.bases {
		ADDQ(U32(uint32(bytes)), b)
	}
}

// gemmTile writes the kernel of one mr x 2-register tile of C:
// mr·2 accumulators, two registers for a row of B, one for an element of A.
func gemmTile(s isa, mr int, f form) {
	nr := 2 * s.lanes
	name, where := fmt.Sprintf("gemm%dx%d%s", mr, nr, s.name), fmt.Sprintf("a[k*%d+i]", mr)
	if f == rowForm {
		name, where = fmt.Sprintf("gemmRows%dx%d%s", mr, nr, s.name), "a[i*lda+k]"
	}
	TEXT(name, NOSPLIT, "func(k int, a *float32, lda int, b, c *float32, ldc, n, flags int, bias *float32)")
	Doc(fmt.Sprintf("%s computes one %d x n tile of C, n <= %d, from packed panels:", name, mr, nr),
		fmt.Sprintf("for i, j: C[i*ldc+j] = sum over k of %s * b[k*%d+j], by flags added to C,", where, nr),
		"plus bias[j], clamped at zero.")
	k := Load(Param("k"), GP64()).(reg.GPVirtual)
	a := loadElements(f, mr)
	b := Load(Param("b"), GP64()).(reg.GPVirtual)
	c := Load(Param("c"), GP64()).(reg.GPVirtual)
	ldc := Load(Param("ldc"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ldc)

	acc := make([][2]reg.VecVirtual, mr)
	for i := range acc {
		acc[i] = [2]reg.VecVirtual{s.vec(), s.vec()}
		s.zero(acc[i][0])
		s.zero(acc[i][1])
	}
	prefetchTile(mr, s, c, ldc)

	b0, b1, av := s.vec(), s.vec(), s.vec()
	step := func(u int) {
		for line := 0; line < nr*4; line += 64 {
			PREFETCHT0(Mem{Base: b, Disp: (u+gemmUnroll)*nr*4 + line})
		}
		VMOVUPS(Mem{Base: b, Disp: u * nr * 4}, b0)
		VMOVUPS(Mem{Base: b, Disp: u*nr*4 + s.bytes()}, b1)
		for i := range mr {
			VBROADCASTSS(a.at(i, u), av)
			VFMADD231PS(b0, av, acc[i][0])
			VFMADD231PS(b1, av, acc[i][1])
		}
	}
	SUBQ(Imm(gemmUnroll), k)
	JLT(LabelRef("rest"))
	Label("hot")
	for u := range gemmUnroll {
		step(u)
	}
	a.advance(gemmUnroll)
	ADDQ(U32(uint32(gemmUnroll*nr*4)), b)
	SUBQ(Imm(gemmUnroll), k)
	JGE(LabelRef("hot"))
	Label("rest")
	ADDQ(Imm(gemmUnroll), k)
	JZ(LabelRef("finish"))
	Label("single")
	step(0)
	a.advance(1)
	ADDQ(U32(uint32(nr*4)), b)
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("finish")
	finishTile(s, acc, c, ldc)
}

// prefetchTile asks for the lines of C that finishTile will touch.
func prefetchTile(mr int, s isa, c, ldc reg.GPVirtual) {
	p := GP64()
	MOVQ(c, p)
	for range mr {
		PREFETCHT0(Mem{Base: p})
		PREFETCHT0(Mem{Base: p, Disp: 2*s.bytes() - 4})
		ADDQ(ldc, p)
	}
}

// finishTile applies the flags and stores the first n columns.
func finishTile(s isa, acc [][2]reg.VecVirtual, c, ldc reg.GPVirtual) {
	flags := Load(Param("flags"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	// Lanes of the two registers of a row: min(n, lanes) and the rest.
	n0, n1, zero, full := GP64(), GP64(), GP64(), GP64()
	MOVQ(U32(uint32(s.lanes)), full)
	XORQ(zero, zero)
	MOVQ(n, n0)
	CMPQ(n0, full)
	CMOVQGT(full, n0)
	MOVQ(n, n1)
	SUBQ(full, n1)
	CMOVQLT(zero, n1)
	m := [2]mask{s.firstLanes(n0), s.firstLanes(n1)}
	t := s.vec()

	TESTQ(U32(flagBias), flags)
	JZ(LabelRef("nobias"))
	bias := Load(Param("bias"), GP64()).(reg.GPVirtual)
	for j := range 2 {
		s.loadMasked(Mem{Base: bias, Disp: j * s.bytes()}, m[j], t)
		for i := range acc {
			VADDPS(t, acc[i][j], acc[i][j])
		}
	}
	Label("nobias")
	TESTQ(U32(flagAdd), flags)
	JZ(LabelRef("noadd"))
	p := GP64()
	MOVQ(c, p)
	for i := range acc {
		for j := range 2 {
			s.loadMasked(Mem{Base: p, Disp: j * s.bytes()}, m[j], t)
			VADDPS(t, acc[i][j], acc[i][j])
		}
		ADDQ(ldc, p)
	}
	Label("noadd")
	TESTQ(U32(flagReLU), flags)
	JZ(LabelRef("norelu"))
	s.zero(t)
	for i := range acc {
		VMAXPS(t, acc[i][0], acc[i][0])
		VMAXPS(t, acc[i][1], acc[i][1])
	}
	Label("norelu")
	for i := range acc {
		for j := range 2 {
			s.storeMasked(acc[i][j], m[j], Mem{Base: c, Disp: j * s.bytes()})
		}
		ADDQ(ldc, c)
	}
	s.done()
}

// peakChains is the number of independent sums of the peak loop: enough to
// cover four cycles of latency on two ports.
const peakChains = 12

// fmaPeak writes a loop of fused multiply-adds on registers alone, the limit
// that the other kernels are compared with.
func fmaPeak(s isa) {
	name := "fmaPeak" + s.name
	TEXT(name, NOSPLIT, "func(n int)")
	Doc(fmt.Sprintf("%s runs n rounds of %d fused multiply-adds of %d lanes on registers alone.", name, 2*peakChains, s.lanes))
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	x := s.vec()
	s.zero(x)
	var sums [peakChains]reg.VecVirtual
	for i := range sums {
		sums[i] = s.vec()
		s.zero(sums[i])
	}
	Label("loop")
	for range 2 {
		for i := range sums {
			VFMADD231PS(x, x, sums[i])
		}
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	s.done()
}
