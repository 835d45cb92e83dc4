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
	TEXT(name, NOSPLIT, "func(k int, a *float32, lda int, b *float32, ahead int, c *float32, ldc, n, flags int, bias *float32)")
	Doc(fmt.Sprintf("%s computes one %d x n tile of C, n <= %d, from packed panels:", name, mr, nr),
		fmt.Sprintf("for i, j: C[i*ldc+j] = sum over k of %s * b[k*%d+j], by flags added to C,", where, nr),
		"plus bias[j], clamped at zero. It fetches what lies ahead bytes after b.")
	k := Load(Param("k"), GP64()).(reg.GPVirtual)
	a := loadElements(f, mr)
	b := Load(Param("b"), GP64()).(reg.GPVirtual)
	ahead := Load(Param("ahead"), GP64()).(reg.GPVirtual)
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
		fetchAhead(s, b, ahead, u)
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

// fetchAhead asks for what lies ahead bytes after row u of b, and on AVX-512,
// whose panels are larger than the first-level cache, for the next rows too.
func fetchAhead(s isa, b, ahead reg.GPVirtual, u int) {
	row := 2 * s.bytes()
	for line := 0; line < row; line += 64 {
		far := Mem{Base: b, Index: ahead, Scale: 1, Disp: u*row + line}
		if s.lanes == 8 {
			PREFETCHT0(far)
			continue
		}
		PREFETCHT0(Mem{Base: b, Disp: (u+gemmUnroll)*row + line})
		PREFETCHT1(far)
	}
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

// finishTile applies the flags and stores the first n columns. Whole tiles have
// a path of their own: masked stores of AVX2 take AMD's processors ten times as
// long as plain ones.
func finishTile(s isa, acc [][2]reg.VecVirtual, c, ldc reg.GPVirtual) {
	f := finish{isa: s, acc: acc, c: c, ldc: ldc, t: s.vec()}
	f.flags = Load(Param("flags"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	CMPQ(n, U32(uint32(2*s.lanes)))
	JNE(LabelRef("part"))
	f.emit("whole", nil)
	Label("part")
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
	f.emit("part", []mask{s.firstLanes(n0), s.firstLanes(n1)})
}

// finish is the end of a tile kernel.
type finish struct {
	isa
	acc           [][2]reg.VecVirtual
	c, ldc, flags reg.GPVirtual
	t             reg.VecVirtual // free
}

// emit writes the end for the lanes of masks, for all lanes without masks;
// labels begin with name.
func (f finish) emit(name string, masks []mask) {
	add := func(src Mem, j int, rows ...[2]reg.VecVirtual) {
		if masks == nil && len(rows) == 1 {
			VADDPS(src, rows[0][j], rows[0][j])
			return
		}
		if masks == nil {
			VMOVUPS(src, f.t)
		} else {
			f.loadMasked(src, masks[j], f.t)
		}
		for _, row := range rows {
			VADDPS(f.t, row[j], row[j])
		}
	}
	TESTQ(U32(flagBias), f.flags)
	JZ(LabelRef(name + "nobias"))
	bias := Load(Param("bias"), GP64()).(reg.GPVirtual)
	for j := range 2 {
		add(Mem{Base: bias, Disp: j * f.bytes()}, j, f.acc...)
	}
	Label(name + "nobias")
	TESTQ(U32(flagAdd), f.flags)
	JZ(LabelRef(name + "noadd"))
	p := GP64()
	MOVQ(f.c, p)
	for _, row := range f.acc {
		for j := range 2 {
			add(Mem{Base: p, Disp: j * f.bytes()}, j, row)
		}
		ADDQ(f.ldc, p)
	}
	Label(name + "noadd")
	TESTQ(U32(flagReLU), f.flags)
	JZ(LabelRef(name + "norelu"))
	f.zero(f.t)
	for _, row := range f.acc {
		VMAXPS(f.t, row[0], row[0])
		VMAXPS(f.t, row[1], row[1])
	}
	Label(name + "norelu")
	for _, row := range f.acc {
		for j := range 2 {
			dst := Mem{Base: f.c, Disp: j * f.bytes()}
			if masks == nil {
				VMOVUPS(row[j], dst)
			} else {
				f.storeMasked(row[j], masks[j], dst)
			}
		}
		ADDQ(f.ldc, f.c)
	}
	f.done()
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
