//go:build amd64 && !noasm && !float64

package cpu

import "golang.org/x/sys/cpu"

var supported = detect()

func detect() []Path {
	paths := []Path{Generic}
	x := cpu.X86
	if x.HasAVX2 && x.HasFMA {
		paths = append(paths, AVX2)
	}
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		paths = append(paths, AVX512)
	}
	return paths
}
