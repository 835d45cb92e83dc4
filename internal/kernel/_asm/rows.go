package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	// sumRegisters is how many registers of columns addRows sums at a time.
	sumRegisters = 8
	// sumAhead is how many rows addRows prefetches ahead: each lies in a page of its own,
	// where the hardware does not prefetch.
	sumAhead = 16
)

// rowsSum adds columns of a matrix that lie at x to dst, over all rows.
type rowsSum struct {
	isa
	dst, x, rows, stride, ahead reg.GPVirtual
}

// addRows writes the kernel that adds the rows of a matrix to one. Sums stay in registers
// over all rows, so that each element is read once and nothing else is.
func addRows(s isa) {
	name := "addRows" + s.name
	TEXT(name, NOSPLIT, "func(dst, x *float32, n, rows, stride int)")
	Doc(name + " computes dst[i] += x[r*stride+i] for i < n and r < rows, rows in their order.")
	r := rowsSum{isa: s}
	r.dst = Load(Param("dst"), GP64()).(reg.GPVirtual)
	r.x = Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	r.rows = Load(Param("rows"), GP64()).(reg.GPVirtual)
	r.stride = Load(Param("stride"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), r.stride)
	r.ahead = GP64()
	IMUL3Q(U32(sumAhead), r.stride, r.ahead)
	r.turns("many", sumRegisters, n)
	r.turns("one", 1, n)
	JZ(LabelRef("done"))
	m := s.firstLanes(n)
	r.columns("tail", 1, &m)
	Label("done")
	s.done()
}

// turns sums as many registers of columns at a time as long as there are so many of n, and
// leaves the flags of what is left of n.
func (r rowsSum) turns(label string, registers int, n reg.GPVirtual) {
	width := registers * r.lanes
	SUBQ(U32(uint32(width)), n)
	JLT(LabelRef(label + "end"))
	Label(label)
	r.columns(label+"rows", registers, nil)
	ADDQ(U32(uint32(registers*r.bytes())), r.dst)
	ADDQ(U32(uint32(registers*r.bytes())), r.x)
	SUBQ(U32(uint32(width)), n)
	JGE(LabelRef(label))
	Label(label + "end")
	ADDQ(U32(uint32(width)), n)
}

// columns sums registers of columns, those of the mask alone where there is one.
func (r rowsSum) columns(label string, registers int, tail *mask) {
	at := func(base reg.GPVirtual, i int) Mem { return Mem{Base: base, Disp: i * r.bytes()} }
	acc := make([]reg.VecVirtual, registers)
	for i := range acc {
		acc[i] = r.vec()
		if tail != nil {
			r.loadMasked(at(r.dst, i), *tail, acc[i])
		} else {
			VMOVUPS(at(r.dst, i), acc[i])
		}
	}
	row, left := GP64(), GP64()
	MOVQ(r.x, row)
	MOVQ(r.rows, left)
	Label(label)
	for i := range acc {
		PREFETCHT0(Mem{Base: row, Index: r.ahead, Scale: 1, Disp: i * r.bytes()})
		if tail != nil {
			v := r.vec()
			r.loadMasked(at(row, i), *tail, v)
			VADDPS(v, acc[i], acc[i])
		} else {
			VADDPS(at(row, i), acc[i], acc[i])
		}
	}
	ADDQ(r.stride, row)
	DECQ(left)
	JNZ(LabelRef(label))
	for i := range acc {
		if tail != nil {
			r.storeMasked(acc[i], *tail, at(r.dst, i))
		} else {
			VMOVUPS(acc[i], at(r.dst, i))
		}
	}
}
