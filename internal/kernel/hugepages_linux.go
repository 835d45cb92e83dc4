package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// preferHugePages asks for huge pages below the n bytes at p. It is advice:
// where the system refuses, nothing changes but the speed.
func preferHugePages(p unsafe.Pointer, n int) {
	skip := int(-uintptr(p) & (hugePage - 1))
	if n < skip+hugePage {
		return
	}
	whole := (n - skip) &^ (hugePage - 1)
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), whole), unix.MADV_HUGEPAGE)
}
