package kernel

import (
	"sync"
	"unsafe"
)

// alignment of kernel memory in bytes: a cache line, and a 512-bit register.
const alignment = 64

// slabFloats is the size of the slabs that small allocations are cut from.
const slabFloats = 8 << 20

// slab is what is left of the current slab.
var slab struct {
	sync.Mutex
	rest []Float
}

// Alloc returns n zeros that start on a cache line, on huge pages where the
// system has them: with 4 KiB pages a matrix's rows, kilobytes apart, would
// need a page table entry each. Small allocations share slabs, which live until
// nothing of them is in use: it is for memory that is kept.
func Alloc(n int) []Float {
	if n >= slabFloats/8 {
		return allocPages(n)
	}
	slab.Lock()
	defer slab.Unlock()
	const line = alignment / int(unsafe.Sizeof(Float(0)))
	whole := (n + line - 1) / line * line
	if len(slab.rest) < whole {
		slab.rest = allocPages(slabFloats)
	}
	buf := slab.rest[:n:n]
	slab.rest = slab.rest[whole:]
	return buf
}

// allocPages returns n zeros of their own.
func allocPages(n int) []Float {
	const size = int(unsafe.Sizeof(Float(0)))
	buf := make([]Float, n+alignment/size)
	off := 0
	if r := int(uintptr(unsafe.Pointer(&buf[0])) % alignment); r != 0 {
		off = (alignment - r) / size
	}
	preferHugePages(unsafe.Pointer(&buf[0]), len(buf)*size)
	return buf[off : off+n : off+n]
}

// grow returns a buffer of at least n floats, buf itself when it is large
// enough; its content is undefined.
func grow(buf []Float, n int) []Float {
	if n <= cap(buf) {
		return buf[:n]
	}
	return Alloc(n + n/4)[:n]
}
