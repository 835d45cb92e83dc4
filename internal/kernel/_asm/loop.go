package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// loop describes a kernel that walks over arrays of n floats side by side.
type loop struct {
	name, doc string
	in        []string // arrays read
	out       []string // arrays written; one may be read too
	scalars   []string // float32 arguments, in all lanes
	ints      []string // uint32 arguments, in all lanes
	sums      []string // results: sums over all elements
	max       string   // result: the maximum, NaN not counted
	index     bool     // the body wants the elements' numbers
	rows      bool     // arrays are matrices with rows of n floats, a stride apart
	resident  bool     // constants are kept in registers where there are 32
	unroll    int      // vectors a turn, with accumulators of their own
	body      func(b *body) []reg.VecVirtual
}

// body is what one vector's worth of a loop works with.
type body struct {
	isa
	in      []reg.VecVirtual
	scalars []reg.VecVirtual
	ints    []reg.VecVirtual
	acc     []reg.VecVirtual // one for each sum, or the maximum
	index   reg.VecVirtual
	tail    *mask // lanes that exist, nil for all
}

// add accumulates v into sum i, leaving out lanes beyond the end.
func (b *body) add(i int, v reg.VecVirtual) {
	if b.tail != nil {
		b.keep(*b.tail, v, v)
	}
	VADDPS(v, b.acc[i], b.acc[i])
}

// keep copies the lanes of m from v and clears the others.
func (s isa) keep(m mask, v, dst reg.VecVirtual) {
	if s.lanes == 16 {
		VMOVAPS_Z(v, m.k, dst)
	} else {
		VANDPS(m.v, v, dst)
	}
}

// choose sets dst to yes in the lanes of m and to no elsewhere.
func (s isa) choose(m mask, yes, no, dst reg.VecVirtual) {
	if s.lanes == 16 {
		VBLENDMPS(yes, no, m.k, dst)
	} else {
		VBLENDVPS(m.v, yes, no, dst)
	}
}

// greater returns the lanes where a > b.
func (s isa) greater(a, b reg.VecVirtual) mask {
	const gt = 30 // ordered, quiet
	if s.lanes == 16 {
		k := K()
		VCMPPS(U8(gt), b, a, k)
		return mask{k: k}
	}
	v := s.vec()
	VCMPPS(U8(gt), b, a, v)
	return mask{v: v}
}

// constants holds one memory vector for each constant of each set.
var constants = map[isa]map[uint32]Mem{avx2: {}, avx512: {}}

// constant returns x in all lanes, as an operand.
func (s isa) constant(x float64) Op { return s.bits(math.Float32bits(float32(x))) }

// bits returns the bit pattern x in all lanes, as an operand.
func (s isa) bits(x uint32) Op {
	m, ok := constants[s][x]
	if !ok {
		m = GLOBL(fmt.Sprintf("const%s%08x", s.name, x), 8|16)
		for i := range s.lanes {
			DATA(4*i, U32(x))
		}
		constants[s][x] = m
	}
	return s.resident(m)
}

// residents are the vectors that the kernel being written keeps in registers, nil where it
// reads them from memory.
var residents *residentVectors

// residentVectors are registers, and the memory that they are loaded from.
type residentVectors struct {
	memory    []Mem
	registers []reg.VecVirtual
}

// resident returns what holds the same as m: a register, where there are such.
func (s isa) resident(m Mem) Op {
	if residents == nil {
		return m
	}
	i := slices.Index(residents.memory, m)
	if i < 0 {
		i = len(residents.memory)
		residents.memory = append(residents.memory, m)
		residents.registers = append(residents.registers, s.vec())
	}
	return residents.registers[i]
}

// constantIn returns x in all lanes, in a register.
func (s isa) constantIn(x float64) reg.VecVirtual {
	v := s.vec()
	VMOVUPS(s.constant(x), v)
	return v
}

// argument returns the place of a parameter on the stack.
func argument(name string) Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

func (l loop) signature() string {
	sig := "func("
	for _, a := range l.arrays() {
		sig += a + ", "
	}
	sig = sig[:len(sig)-2] + " *float32, n int"
	if l.rows {
		sig += ", rows, stride int"
	}
	for _, x := range l.scalars {
		sig += ", " + x + " float32"
	}
	for _, x := range l.ints {
		sig += ", " + x + " uint32"
	}
	sig += ")"
	results := l.results()
	if len(results) > 0 {
		sig += " ("
		for i, x := range results {
			if i > 0 {
				sig += ", "
			}
			sig += x
		}
		sig += " float32)"
	}
	return sig
}

func (l loop) results() []string {
	if l.max != "" {
		return []string{l.max}
	}
	return l.sums
}

// arrays lists every array once, outputs first.
func (l loop) arrays() []string {
	var all []string
	seen := map[string]bool{}
	for _, a := range append(append([]string{}, l.out...), l.in...) {
		if !seen[a] {
			seen[a] = true
			all = append(all, a)
		}
	}
	return all
}

func (l loop) emit(s isa) {
	TEXT(l.name+s.name, NOSPLIT, l.signature())
	Doc(strings.Split(l.name+s.name+" "+l.doc, "\n")...)
	ptr := map[string]reg.GPVirtual{}
	for _, a := range l.arrays() {
		ptr[a] = Load(Param(a), GP64()).(reg.GPVirtual)
	}
	n := Load(Param("n"), GP64()).(reg.GPVirtual)
	b := &body{isa: s}
	for _, x := range l.scalars {
		v := s.vec()
		VBROADCASTSS(argument(x), v)
		b.scalars = append(b.scalars, v)
	}
	for _, x := range l.ints {
		v := s.vec()
		VBROADCASTSS(argument(x), v)
		b.ints = append(b.ints, v)
	}
	if l.index {
		b.index = s.firstIndices()
	}
	acc := l.accumulators(s, max(l.unroll, 1))
	if l.resident && s.lanes == 16 {
		// Which constants there are is known at the end: they are loaded there.
		residents = new(residentVectors)
		JMP(LabelRef("constants"))
		Label("begin")
	}
	if l.rows {
		l.eachRow(b, acc, ptr, n)
	} else {
		l.row(b, acc, ptr, n)
	}
	l.reduce(s, acc)
	s.done()
	if residents != nil {
		Label("constants")
		for i, m := range residents.memory {
			VMOVUPS(m, residents.registers[i])
		}
		JMP(LabelRef("begin"))
		residents = nil
	}
}

// eachRow walks over the rows of matrices.
func (l loop) eachRow(b *body, acc [][]reg.VecVirtual, ptr map[string]reg.GPVirtual, n reg.GPVirtual) {
	rows := Load(Param("rows"), GP64()).(reg.GPVirtual)
	stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), stride)
	Label("row")
	at, left := map[string]reg.GPVirtual{}, GP64()
	for _, a := range l.arrays() {
		at[a] = GP64()
		MOVQ(ptr[a], at[a])
		ADDQ(stride, ptr[a])
	}
	MOVQ(n, left)
	l.row(b, acc, at, left)
	DECQ(rows)
	JNZ(LabelRef("row"))
}

// row walks over n floats from the pointers on, which it moves.
func (l loop) row(b *body, acc [][]reg.VecVirtual, ptr map[string]reg.GPVirtual, n reg.GPVirtual) {
	s, unroll := b.isa, len(acc)
	if unroll > 1 {
		SUBQ(U32(uint32(unroll*s.lanes)), n)
		JLT(LabelRef("few"))
		Label("many")
		for u := range unroll {
			b.acc = acc[u]
			l.vector(b, ptr, u)
		}
		l.advance(ptr, unroll*s.bytes())
		SUBQ(U32(uint32(unroll*s.lanes)), n)
		JGE(LabelRef("many"))
		Label("few")
		ADDQ(U32(uint32(unroll*s.lanes)), n)
	}
	b.acc = acc[0]
	SUBQ(U32(uint32(s.lanes)), n)
	JLT(LabelRef("tail"))
	Label("one")
	l.vector(b, ptr, 0)
	l.advance(ptr, s.bytes())
	SUBQ(U32(uint32(s.lanes)), n)
	JGE(LabelRef("one"))
	Label("tail")
	ADDQ(U32(uint32(s.lanes)), n)
	JZ(LabelRef("done"))
	m := s.firstLanes(n)
	b.tail = &m
	l.vector(b, ptr, 0)
	b.tail = nil
	Label("done")
}

// accumulators returns cleared registers for each of unroll vectors.
func (l loop) accumulators(s isa, unroll int) [][]reg.VecVirtual {
	acc := make([][]reg.VecVirtual, unroll)
	for u := range acc {
		for range l.results() {
			v := s.vec()
			if l.max != "" {
				VMOVUPS(s.constant(math.Inf(-1)), v)
			} else {
				s.zero(v)
			}
			acc[u] = append(acc[u], v)
		}
	}
	return acc
}

// vector runs the body on vector u from the pointers.
func (l loop) vector(b *body, ptr map[string]reg.GPVirtual, u int) {
	b.in = nil
	for _, a := range l.in {
		v := b.vec()
		src := Mem{Base: ptr[a], Disp: u * b.bytes()}
		if b.tail != nil {
			b.loadMasked(src, *b.tail, v)
		} else {
			VMOVUPS(src, v)
		}
		b.in = append(b.in, v)
	}
	for i, v := range l.body(b) {
		dst := Mem{Base: ptr[l.out[i]], Disp: u * b.bytes()}
		if b.tail != nil {
			b.storeMasked(v, *b.tail, dst)
		} else {
			VMOVUPS(v, dst)
		}
	}
	if l.index {
		VPADDD(b.bits(uint32(b.lanes)), b.index, b.index)
	}
}

func (l loop) advance(ptr map[string]reg.GPVirtual, bytes int) {
	for _, a := range l.arrays() {
		ADDQ(U32(uint32(bytes)), ptr[a])
	}
}

// reduce adds up, or takes the maximum of, the accumulators and returns it.
func (l loop) reduce(s isa, acc [][]reg.VecVirtual) {
	join := func(a, b reg.VecVirtual) { VADDPS(a, b, b) }
	if l.max != "" {
		join = func(a, b reg.VecVirtual) { VMAXPS(a, b, b) }
	}
	for i, name := range l.results() {
		for span := len(acc) / 2; span > 0; span /= 2 {
			for u := range span {
				join(acc[u+span][i], acc[u][i])
			}
		}
		v := acc[0][i]
		if s.lanes == 16 {
			half := YMM()
			VEXTRACTF32X8(U8(1), v, half)
			low := YMM()
			VMOVAPS(v.AsY(), low)
			join(half, low)
			v = low
		}
		half, low := XMM(), XMM()
		VEXTRACTF128(U8(1), v, half)
		VMOVAPS(v.AsX(), low)
		join(half, low)
		VMOVHLPS(low, low, half)
		join(half, low)
		VMOVSHDUP(low, half)
		join(half, low)
		Store(low, Return(name))
	}
}

// indices holds 0, 1, 2 ... for the width of each set.
var indices = map[isa]Mem{}

// firstIndices returns 0, 1, 2 ... in the lanes.
func (s isa) firstIndices() reg.VecVirtual {
	if _, ok := indices[s]; !ok {
		indices[s] = GLOBL("indices"+s.name, 8|16)
		for i := range s.lanes {
			DATA(4*i, U32(uint32(i)))
		}
	}
	v := s.vec()
	VMOVUPS(indices[s], v)
	return v
}
