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
	columnForm form = iota // k columns of mr elements, a stride apart
	rowForm                // mr rows of k elements, a stride apart
)

// elements tells where the elements of a tile of A are.
type elements struct {
	form   form
	mr     int
	bases  []reg.GPVirtual // every third column or row
	stride reg.GPVirtual   // bytes from a column or row to the next
	turn   reg.GPVirtual   // column form: bytes of gemmUnroll columns
}

func loadElements(f form, mr int) elements {
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	e := elements{form: f, mr: mr, bases: []reg.GPVirtual{a}}
	e.stride = Load(Param("lda"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), e.stride)
	lines := mr
	if f == columnForm {
		lines = gemmUnroll
		e.turn = GP64()
		LEAQ(Mem{Base: e.stride, Index: e.stride, Scale: 1}, e.turn)
		ADDQ(e.turn, e.turn)
	}
	for line := 3; line < lines; line += 3 {
		base, last := GP64(), e.bases[len(e.bases)-1]
		LEAQ(Mem{Base: last, Index: e.stride, Scale: 2}, base)
		ADDQ(e.stride, base)
		e.bases = append(e.bases, base)
	}
	return e
}

// at returns element i of the column u columns ahead.
func (e elements) at(i, u int) Mem {
	line, along := i, u
	if e.form == columnForm {
		line, along = u, i
	}
	m := Mem{Base: e.bases[line/3], Disp: 4 * along}
	if line%3 > 0 {
		m.Index, m.Scale = e.stride, uint8(line%3)
	}
	return m
}

// advance moves on by gemmUnroll columns.
func (e elements) advance() {
	for _, b := range e.bases {
		if e.form == columnForm {
			ADDQ(e.turn, b)
		} else {
			ADDQ(Imm(4*gemmUnroll), b)
		}
	}
}

// advanceOne moves on by one column, of which [elements.at] is for u = 0 then.
func (e elements) advanceOne() {
	if e.form == columnForm {
		ADDQ(e.stride, e.bases[0])
		return
	}
	for _, b := range e.bases {
		ADDQ(Imm(4), b)
	}
}

// panel tells where the rows of B are.
type panel struct {
	rows            reg.GPVirtual   // the next row
	stride, stride3 reg.GPVirtual   // bytes from a row to the next, and to the third
	near, far       reg.GPVirtual   // rows to fetch: gemmUnroll rows on, on AVX-512, and ahead
	pointers        []reg.GPVirtual // all that move
}

// loadPanel loads what tells where B is. On AVX-512, whose panels are larger than the
// first-level cache, the next rows are fetched too.
func loadPanel(s isa) panel {
	b := Load(Param("b"), GP64()).(reg.GPVirtual)
	p := panel{rows: b, stride3: GP64(), far: GP64()}
	p.stride = Load(Param("ldb"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), p.stride)
	LEAQ(Mem{Base: p.stride, Index: p.stride, Scale: 2}, p.stride3)
	Load(Param("ahead"), p.far)
	ADDQ(b, p.far)
	p.pointers = []reg.GPVirtual{p.rows, p.far}
	if s.lanes == 16 {
		p.near = GP64()
		LEAQ(Mem{Base: b, Index: p.stride, Scale: gemmUnroll}, p.near)
		p.pointers = append(p.pointers, p.near)
	}
	return p
}

// at returns what lies disp bytes after the start of the row u rows after base.
func (p panel) at(base reg.GPVirtual, u, disp int) Mem {
	switch u {
	case 0:
		return Mem{Base: base, Disp: disp}
	case 3:
		return Mem{Base: base, Index: p.stride3, Scale: 1, Disp: disp}
	}
	return Mem{Base: base, Index: p.stride, Scale: uint8(u), Disp: disp}
}

// advance moves on by gemmUnroll rows.
func (p panel) advance() {
	for _, r := range p.pointers {
		LEAQ(Mem{Base: r, Index: p.stride, Scale: gemmUnroll}, r)
	}
}

// advanceOne moves on by one row.
func (p panel) advanceOne() {
	for _, r := range p.pointers {
		ADDQ(p.stride, r)
	}
}

// fetch asks for what lies ahead of so many registers of row u.
func (p panel) fetch(s isa, u, registers int) {
	for line := 0; line < registers*s.bytes(); line += 64 {
		if s.lanes == 8 {
			PREFETCHT0(p.at(p.far, u, line))
			continue
		}
		PREFETCHT0(p.at(p.near, u, line))
		PREFETCHT1(p.at(p.far, u, line))
	}
}

// gemmTile writes the kernel of one mr x 2-register tile of C:
// mr·2 accumulators, two registers for a row of B, one for an element of A. A tile
// of no more columns than one register has takes half the time, and where half a register
// of AVX-512 will do, a quarter.
func gemmTile(s isa, mr int, f form) {
	nr := 2 * s.lanes
	name, where := fmt.Sprintf("gemm%dx%d%s", mr, nr, s.name), "a[k*lda+i]"
	if f == rowForm {
		name, where = fmt.Sprintf("gemmRows%dx%d%s", mr, nr, s.name), "a[i*lda+k]"
	}
	TEXT(name, NOSPLIT, "func(k int, a *float32, lda int, b *float32, ldb, ahead int, c *float32, ldc, n, flags int, bias *float32)")
	Doc(fmt.Sprintf("%s computes one %d x n tile of C, n <= %d:", name, mr, nr),
		fmt.Sprintf("for i, j: C[i*ldc+j] = sum over k of %s * b[k*ldb+j], by flags added to C,", where),
		fmt.Sprintf("plus bias[j], clamped at zero. It reads %d columns of b where n > %d, %d at most otherwise,", nr, s.lanes, s.lanes),
		"and fetches what lies ahead bytes after b.")
	k := Load(Param("k"), GP64()).(reg.GPVirtual)
	a := loadElements(f, mr)
	b := loadPanel(s)
	c := Load(Param("c"), GP64()).(reg.GPVirtual)
	ldc := Load(Param("ldc"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ldc)

	acc := make([][]reg.VecVirtual, mr)
	for i := range acc {
		acc[i] = []reg.VecVirtual{s.vec(), s.vec()}
		s.zero(acc[i][0])
		s.zero(acc[i][1])
	}
	prefetchTile(mr, s, c, ldc)

	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	CMPQ(n, U32(uint32(s.lanes)))
	JLE(LabelRef("narrow"))
	accumulate(s, "", k, a, b, acc)
	JMP(LabelRef("finish"))
	Label("narrow")
	first := make([][]reg.VecVirtual, mr)
	for i := range first {
		first[i] = acc[i][:1]
	}
	if s.lanes == 16 {
		CMPQ(n, U32(uint32(s.lanes/2)))
		JLE(LabelRef("half"))
	}
	accumulate(s, "narrow", k, a, b, first)
	if s.lanes == 16 {
		JMP(LabelRef("finish"))
		Label("half")
		accumulate(s, "half", k, a, b, halves(first))
	}
	Label("finish")
	finishTile(s, acc, c, ldc)
}

// halves returns the lower halves of registers, of which a processor that halves its
// registers for arithmetic multiplies two in the time of a whole one.
func halves(acc [][]reg.VecVirtual) [][]reg.VecVirtual {
	h := make([][]reg.VecVirtual, len(acc))
	for i, row := range acc {
		for _, v := range row {
			h[i] = append(h[i], v.AsY().(reg.VecVirtual))
		}
	}
	return h
}

// like returns a fresh register as wide as v.
func like(v reg.VecVirtual) reg.VecVirtual {
	if v.Size() == uint(avx512.bytes()) {
		return ZMM()
	}
	return YMM()
}

// accumulate adds the products of all k columns of a and rows of b, of which it
// takes as many registers as a row of acc has, to acc. Its labels begin with name.
func accumulate(s isa, name string, k reg.GPVirtual, a elements, b panel, acc [][]reg.VecVirtual) {
	bv, av := make([]reg.VecVirtual, len(acc[0])), like(acc[0][0])
	for j := range bv {
		bv[j] = like(av)
	}
	step := func(u int) {
		b.fetch(s, u, len(bv))
		if a.form == columnForm { // where A lies, its columns are far apart: fetch the tiles to come
			next := a.at(0, u)
			next.Disp += 128
			PREFETCHT1(next)
		}
		for j := range bv {
			VMOVUPS(b.at(b.rows, u, j*s.bytes()), bv[j])
		}
		for i := range acc {
			VBROADCASTSS(a.at(i, u), av)
			for j := range bv {
				VFMADD231PS(bv[j], av, acc[i][j])
			}
		}
	}
	SUBQ(Imm(gemmUnroll), k)
	JLT(LabelRef(name + "rest"))
	Label(name + "hot")
	for u := range gemmUnroll {
		step(u)
	}
	a.advance()
	b.advance()
	SUBQ(Imm(gemmUnroll), k)
	JGE(LabelRef(name + "hot"))
	Label(name + "rest")
	ADDQ(Imm(gemmUnroll), k)
	JZ(LabelRef(name + "end"))
	Label(name + "single")
	step(0)
	a.advanceOne()
	b.advanceOne()
	DECQ(k)
	JNZ(LabelRef(name + "single"))
	Label(name + "end")
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
func finishTile(s isa, acc [][]reg.VecVirtual, c, ldc reg.GPVirtual) {
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
	acc           [][]reg.VecVirtual
	c, ldc, flags reg.GPVirtual
	t             reg.VecVirtual // free
}

// emit writes the end for the lanes of masks, for all lanes without masks;
// labels begin with name.
func (f finish) emit(name string, masks []mask) {
	add := func(src Mem, j int, rows ...[]reg.VecVirtual) {
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
