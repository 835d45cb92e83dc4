package tokenizer

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// doubleArray is a trie over bytes in the format of Darts-clone, which is the
// format of the normalisation rules inside a SentencePiece model: a node is
// the index of a 32-bit unit, and the child of node n for byte c is the unit
// n ^ offset(n) ^ c, provided that its label is c. The value of a node is kept
// in its child of label 0, marked by bit 31.
//
// A zero doubleArray holds no key.
type doubleArray []uint32

const (
	daRoot     uint32 = 0
	daHasValue uint32 = 1 << 8
	daIsValue  uint32 = 1 << 31
	daBlock           = 256 // units whose indices differ in the label byte only
)

// daOffset returns the distance, by exclusive or, from a node to its children.
func daOffset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// step returns the child of node for byte c.
func (d doubleArray) step(node uint32, c byte) (child uint32, ok bool) {
	if node >= uint32(len(d)) {
		return 0, false
	}
	child = node ^ daOffset(d[node]) ^ uint32(c)
	if child >= uint32(len(d)) || d[child]&(daIsValue|0xff) != uint32(c) {
		return 0, false
	}
	return child, true
}

// value returns the value of the key that ends at node.
func (d doubleArray) value(node uint32) (v int32, ok bool) {
	unit := d[node]
	if unit&daHasValue == 0 {
		return 0, false
	}
	leaf := node ^ daOffset(unit)
	if leaf >= uint32(len(d)) || d[leaf]&daIsValue == 0 {
		return 0, false
	}
	return int32(d[leaf] &^ daIsValue), true
}

// longest returns the longest key that begins text: its length in bytes, zero
// when there is none, and its value.
func longest[T string | []byte](d doubleArray, text T) (size int, v int32) {
	node := daRoot
	for i := range len(text) {
		child, ok := d.step(node, text[i])
		if !ok {
			break
		}
		node = child
		if w, ok := d.value(node); ok {
			size, v = i+1, w
		}
	}
	return size, v
}

// doubleArrayFromBytes reads little-endian units.
func doubleArrayFromBytes(b []byte) doubleArray {
	d := make(doubleArray, len(b)/4)
	for i := range d {
		d[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return d
}

// daOpenBlocks bounds the search for free units to the last blocks, which
// keeps building linear in the size of the trie at a small loss of density.
const daOpenBlocks = 16

// daBuilder places the nodes of a trie. Free units of the open blocks form a
// circular list through next and prev.
type daBuilder struct {
	keys       []string
	values     []int32
	units      doubleArray
	taken      []bool // unit holds a node or a value
	isBase     []bool // some node has its children at this unit ^ label
	next, prev []uint32
	free       uint32 // a free unit, or noFree
	labels     []byte
	err        error
}

const noFree = ^uint32(0)

// buildDoubleArray makes a trie of keys, which must be sorted, distinct, not
// empty and free of NUL bytes, with their values, which must not be negative.
func buildDoubleArray(keys []string, values []int32) (doubleArray, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	b := &daBuilder{keys: keys, values: values, free: noFree}
	b.grow()
	b.take(daRoot)
	b.units[daRoot] = 0
	b.isBase[0] = true // or the root would be a child for byte 0
	b.build(0, len(keys), 0, daRoot)
	return b.units, b.err
}

// grow adds a block of free units and closes the oldest open one.
func (b *daBuilder) grow() {
	begin := uint32(len(b.units))
	for i := range uint32(daBlock) {
		b.units = append(b.units, daIsValue) // matches no label
		b.taken = append(b.taken, false)
		b.isBase = append(b.isBase, false)
		b.next = append(b.next, begin+i+1)
		b.prev = append(b.prev, begin+i-1)
	}
	last := begin + daBlock - 1
	if b.free == noFree {
		b.free = begin
		b.next[last], b.prev[begin] = begin, last
	} else {
		tail := b.prev[b.free]
		b.next[tail], b.prev[begin] = begin, tail
		b.next[last], b.prev[b.free] = b.free, last
	}
	if closed := int(begin) - daOpenBlocks*daBlock; closed >= 0 {
		for i := closed; i < closed+daBlock; i++ {
			if !b.taken[i] {
				b.unlink(uint32(i))
			}
		}
	}
}

func (b *daBuilder) unlink(i uint32) {
	if b.next[i] == i {
		b.free = noFree
		return
	}
	b.next[b.prev[i]], b.prev[b.next[i]] = b.next[i], b.prev[i]
	if b.free == i {
		b.free = b.next[i]
	}
}

func (b *daBuilder) take(i uint32) {
	b.unlink(i)
	b.taken[i] = true
}

// build places the children of node, whose subtree is keys[lo:hi], all equal
// in their first depth bytes.
func (b *daBuilder) build(lo, hi, depth int, node uint32) {
	if b.err != nil {
		return
	}
	b.labels = b.labels[:0]
	for i := lo; i < hi; i++ {
		c := byte(0)
		if depth < len(b.keys[i]) {
			c = b.keys[i][depth]
		}
		if n := len(b.labels); n == 0 || b.labels[n-1] != c {
			b.labels = append(b.labels, c)
		}
	}
	base := b.findBase(node)
	if !b.setOffset(node, node^base) {
		b.err = errors.New("the pieces are too many for a double array")
		return
	}
	b.isBase[base] = true
	for _, c := range b.labels {
		child := base ^ uint32(c)
		b.take(child)
		b.units[child] = uint32(c)
	}
	if len(b.keys[lo]) == depth {
		b.units[base] = uint32(b.values[lo]) | daIsValue
		b.units[node] |= daHasValue
		lo++
	}
	for lo < hi {
		c := b.keys[lo][depth]
		end := lo + 1
		for end < hi && b.keys[end][depth] == c {
			end++
		}
		b.build(lo, end, depth+1, base^uint32(c))
		lo = end
	}
}

// findBase returns a base whose units for all labels are free, adding a block
// when no open one has room.
func (b *daBuilder) findBase(node uint32) uint32 {
	if b.free != noFree {
		for i := b.free; ; {
			base := i ^ uint32(b.labels[0])
			if b.fits(base, node) {
				return base
			}
			if i = b.next[i]; i == b.free {
				break
			}
		}
	}
	base := uint32(len(b.units)) | node&0xff
	b.grow()
	return base
}

func (b *daBuilder) fits(base, node uint32) bool {
	if b.isBase[base] {
		return false
	}
	if rel := base ^ node; bits.Len32(rel) > 21 && rel&0xff != 0 {
		return false // an offset is 21 bits, or 29 of which the low 8 are zero
	}
	for _, c := range b.labels[1:] {
		if b.taken[base^uint32(c)] {
			return false
		}
	}
	return true
}

func (b *daBuilder) setOffset(node, rel uint32) bool {
	switch {
	case bits.Len32(rel) <= 21:
		b.units[node] |= rel << 10
	case bits.Len32(rel) <= 29 && rel&0xff == 0:
		b.units[node] |= rel<<2 | 1<<9
	default:
		return false
	}
	return true
}
