package par

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// currentCPU returns the processor that the calling thread runs on, -1 if that
// cannot be told.
func currentCPU() int {
	var cpu uint32
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); errno != 0 {
		return -1
	}
	return int(cpu)
}

// leaveCPU moves the calling thread, which must be locked to its goroutine, to
// another processor that it may use, if there is one. The kernel puts a thread
// that is woken up on the processor of the one that woke it and may take
// milliseconds to separate the two.
func leaveCPU(cpu int) {
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 || !all.IsSet(cpu) {
		return
	}
	others := all
	others.Clear(cpu)
	if unix.SchedSetaffinity(0, &others) == nil {
		_ = unix.SchedSetaffinity(0, &all) // allowed before, so allowed again
	}
}
