package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columnsAhead is how many blocks of columns packColumns prefetches ahead.
const columnsAhead = 4

// rowsAhead is how many rows packRows prefetches ahead, into the second-level
// cache: rows lie a stride apart, in a page of their own, where the hardware
// does not prefetch. It also prefetches what the panel after the next needs.
const rowsAhead = 24

func packKernels(s isa) {
	packRows(s, 1)
	packRows(s, 2)
	packColumns(s)
}

// packRows writes the kernel that packs a matrix whose rows run along the
// panel: it copies, one row of the given number of registers a turn.
func packRows(s isa, registers int) {
	width := registers * s.lanes
	name := fmt.Sprintf("packRows%d%s", registers, s.name)
	TEXT(name, NOSPLIT, "func(dst, src *float32, k, ld, n, stride int)")
	Doc(fmt.Sprintf("%s copies n <= %d columns of k rows: dst[p*stride+i] = src[p*ld+i]. It", name, width),
		fmt.Sprintf("writes %d lanes of every row, the ones from n on zero and, where stride is less,", width),
		"overwritten by the next row.")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	k := Load(Param("k"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	in := make([]mask, registers)
	for i := range registers {
		in[i] = s.lanesFrom(n, i)
	}
	SHLQ(U8(2), ld)
	SHLQ(U8(2), stride)
	ahead := GP64()
	IMUL3Q(U32(rowsAhead), ld, ahead)
	ADDQ(src, ahead)
	v := s.vec()
	Label("loop")
	for i := range registers {
		PREFETCHT1(Mem{Base: ahead, Disp: i * s.bytes()})
		PREFETCHT0(Mem{Base: src, Disp: 2*width*4 + i*s.bytes()})
		s.loadMasked(Mem{Base: src, Disp: i * s.bytes()}, in[i], v)
		VMOVUPS(v, Mem{Base: dst, Disp: i * s.bytes()})
	}
	ADDQ(ld, src)
	ADDQ(ld, ahead)
	ADDQ(stride, dst)
	DECQ(k)
	JNZ(LabelRef("loop"))
	s.done()
}

// lanesFrom returns the mask of the lanes of register i of a row of the given
// width.
func (s isa) lanesFrom(width reg.GPVirtual, i int) mask {
	n, full, zero := GP64(), GP64(), GP64()
	MOVQ(width, n)
	MOVQ(U32(uint32(s.lanes)), full)
	XORQ(zero, zero)
	SUBQ(U32(uint32(i*s.lanes)), n)
	CMOVQLT(zero, n)
	CMPQ(n, full)
	CMOVQGT(full, n)
	return s.firstLanes(n)
}

// packColumns writes the kernel that packs a matrix whose columns run along
// the panel: it transposes blocks of lanes x lanes in registers.
func packColumns(s isa) {
	TEXT("packColumns"+s.name, NOSPLIT, "func(dst, src *float32, k, ld, n, stride int)")
	Doc(fmt.Sprintf("packColumns%s transposes n <= %d rows of k columns, dst[p*stride+i] = src[i*ld+p],", s.name, s.lanes),
		fmt.Sprintf("and clears the rest of %d lanes.", s.lanes))
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	src := Load(Param("src"), GP64()).(reg.GPVirtual)
	k := Load(Param("k"), GP64()).(reg.GPVirtual)
	ld := Load(Param("ld"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), ld)
	SHLQ(U8(2), stride)

	// One turn packs cols = min(k, lanes) columns.
	cols, full, none := GP64(), GP64(), s.vec()
	MOVQ(U32(uint32(s.lanes)), full)
	s.zero(none)
	Label("block")
	MOVQ(k, cols)
	CMPQ(cols, full)
	CMOVQGT(full, cols)
	in := s.firstLanes(cols)
	rows := make([]reg.VecVirtual, s.lanes)
	p := GP64()
	MOVQ(src, p)
	for i := range rows {
		rows[i] = s.vec()
		VMOVAPS(none, rows[i])
	}
	for i := range rows {
		CMPQ(n, U32(uint32(i)))
		JLE(LabelRef("loaded"))
		PREFETCHT0(Mem{Base: p, Disp: columnsAhead * s.bytes()})
		s.loadMasked(Mem{Base: p}, in, rows[i])
		ADDQ(ld, p)
	}
	Label("loaded")
	for i, v := range s.transpose(rows) {
		CMPQ(cols, U32(uint32(i)))
		JLE(LabelRef("stored"))
		VMOVUPS(v, Mem{Base: dst})
		ADDQ(stride, dst)
	}
	Label("stored")
	ADDQ(U32(uint32(s.bytes())), src)
	SUBQ(full, k)
	JGT(LabelRef("block"))
	s.done()
}

// transpose returns the registers that hold the columns of rows.
func (s isa) transpose(r []reg.VecVirtual) []reg.VecVirtual {
	n := s.lanes
	// Within 128-bit lanes: pairs of floats, then pairs of pairs.
	t := make([]reg.VecVirtual, n)
	for i := 0; i < n; i += 2 {
		t[i], t[i+1] = s.vec(), s.vec()
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	u := make([]reg.VecVirtual, n) // u[4g+c]: column 4l+c of rows 4g..4g+3 in lane l
	for g := 0; g < n; g += 4 {
		for c := range 4 {
			u[g+c] = s.vec()
		}
		VUNPCKLPD(t[g+2], t[g], u[g])
		VUNPCKHPD(t[g+2], t[g], u[g+1])
		VUNPCKLPD(t[g+3], t[g+1], u[g+2])
		VUNPCKHPD(t[g+3], t[g+1], u[g+3])
	}
	out := make([]reg.VecVirtual, n)
	for i := range out {
		out[i] = s.vec()
	}
	for c := range 4 {
		if n == 8 {
			VPERM2F128(U8(0x20), u[4+c], u[c], out[c])
			VPERM2F128(U8(0x31), u[4+c], u[c], out[4+c])
			continue
		}
		// 4 x 4 transposition of 128-bit lanes across the four groups.
		v := [4]reg.VecVirtual{s.vec(), s.vec(), s.vec(), s.vec()}
		VSHUFF32X4(U8(0x44), u[4+c], u[c], v[0])
		VSHUFF32X4(U8(0xee), u[4+c], u[c], v[1])
		VSHUFF32X4(U8(0x44), u[12+c], u[8+c], v[2])
		VSHUFF32X4(U8(0xee), u[12+c], u[8+c], v[3])
		VSHUFF32X4(U8(0x88), v[2], v[0], out[c])
		VSHUFF32X4(U8(0xdd), v[2], v[0], out[4+c])
		VSHUFF32X4(U8(0x88), v[3], v[1], out[8+c])
		VSHUFF32X4(U8(0xdd), v[3], v[1], out[12+c])
	}
	return out
}
