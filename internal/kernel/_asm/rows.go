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

// addRows writes the kernel that adds the rows of a matrix to one. Sums stay in registers
// over all rows, so that each element is read once and nothing else is.
func addRows(s isa) {
	name := "addRows" + s.name
	TEXT(name, NOSPLIT, "func(dst, x *float32, n, rows, stride int)")
	Doc(name + " computes dst[i] += x[r*stride+i] for i < n and r < rows, rows in their order.")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	x := Load(Param("x"), GP64()).(reg.GPVirtual)
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), stride)
	ahead := GP64()
	IMUL3Q(U32(sumAhead), stride, ahead)

	// columns sums as many registers of columns, the last one by its mask where there is one.
	columns := func(label string, registers int, tail *mask) {
		acc := make([]reg.VecVirtual, registers)
		at := func(base reg.GPVirtual, i int) Mem { return Mem{Base: base, Disp: i * s.bytes()} }
		for i := range acc {
			acc[i] = s.vec()
			if tail != nil {
				s.loadMasked(at(dst, i), *tail, acc[i])
			} else {
				VMOVUPS(at(dst, i), acc[i])
			}
		}
		row, left := GP64(), GP64()
		MOVQ(x, row)
		MOVQ(rows, left)
		Label(label)
		for i := range acc {
			PREFETCHT0(Mem{Base: row, Index: ahead, Scale: 1, Disp: i * s.bytes()})
			if tail != nil {
				v := s.vec()
				s.loadMasked(at(row, i), *tail, v)
				VADDPS(v, acc[i], acc[i])
			} else {
				VADDPS(at(row, i), acc[i], acc[i])
			}
		}
		ADDQ(stride, row)
		DECQ(left)
		JNZ(LabelRef(label))
		for i := range acc {
			if tail != nil {
				s.storeMasked(acc[i], *tail, at(dst, i))
			} else {
				VMOVUPS(acc[i], at(dst, i))
			}
		}
	}
	turns := func(label string, registers int) {
		width := registers * s.lanes
		SUBQ(U32(uint32(width)), n)
		JLT(LabelRef(label + "end"))
		Label(label)
		columns(label+"rows", registers, nil)
		ADDQ(U32(uint32(registers*s.bytes())), dst)
		ADDQ(U32(uint32(registers*s.bytes())), x)
		SUBQ(U32(uint32(width)), n)
		JGE(LabelRef(label))
		Label(label + "end")
		ADDQ(U32(uint32(width)), n)
	}
	turns("many", sumRegisters)
	turns("one", 1)
	JZ(LabelRef("done"))
	m := s.firstLanes(n)
	columns("tail", 1, &m)
	Label("done")
	s.done()
}
