package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is one vector instruction set: the differences between AVX2 and AVX-512
// that the kernels would otherwise each spell out.
type isa struct {
	name  string // suffix of the kernels' names
	lanes int    // float32 lanes of a register
}

var (
	avx2   = isa{"AVX2", 8}
	avx512 = isa{"AVX512", 16}
)

// vec returns a fresh vector register.
func (s isa) vec() reg.VecVirtual {
	if s.lanes == 16 {
		return ZMM()
	}
	return YMM()
}

// bytes is the size of a register.
func (s isa) bytes() int { return 4 * s.lanes }

// zero clears v.
func (s isa) zero(v reg.VecVirtual) {
	if s.lanes == 16 {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
}

// mask is a set of leading lanes: an opmask register or a vector of sign bits.
type mask struct {
	k reg.OpmaskVirtual
	v reg.VecVirtual
}

// firstLanes returns the mask of the first n lanes, 0 <= n <= lanes; it does
// not change n.
func (s isa) firstLanes(n reg.GPVirtual) mask {
	if s.lanes == 16 {
		bits, one := GP32(), GP32()
		XORL(bits, bits)
		MOVL(U32(1), one)
		SHLXL(n.As32(), one, bits)
		SUBL(U8(1), bits)
		k := K()
		KMOVW(bits, k)
		return mask{k: k}
	}
	// The table holds eight set and eight clear lanes: start n before the border.
	at, off := GP64(), GP64()
	LEAQ(maskTable(), at)
	MOVQ(U32(8), off)
	SUBQ(n, off)
	v := YMM()
	VMOVUPS(Mem{Base: at, Index: off, Scale: 4}, v)
	return mask{v: v}
}

var maskTableRef *Mem

func maskTable() Mem {
	if maskTableRef == nil {
		m := GLOBL("laneMasks", 8|16) // RODATA | NOPTR
		for i := range 16 {
			v := U32(0)
			if i < 8 {
				v = U32(0xffffffff)
			}
			DATA(4*i, v)
		}
		maskTableRef = &m
	}
	return *maskTableRef
}

// loadMasked sets the lanes of m from memory and clears the others.
func (s isa) loadMasked(src Mem, m mask, dst reg.VecVirtual) {
	if s.lanes == 16 {
		VMOVUPS_Z(src, m.k, dst)
	} else {
		VMASKMOVPS(src, m.v, dst)
	}
}

// storeMasked writes the lanes of m to memory.
func (s isa) storeMasked(src reg.VecVirtual, m mask, dst Mem) {
	if s.lanes == 16 {
		VMOVUPS(src, m.k, dst)
	} else {
		VMASKMOVPS(src, m.v, dst)
	}
}

// done ends a kernel.
func (s isa) done() {
	VZEROUPPER()
	RET()
}
