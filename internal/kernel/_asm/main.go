// Command asm writes the assembly kernels of package kernel:
//
//	go run . -group gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel
//
// Every kernel exists once here and is emitted for AVX2 and for AVX-512.
package main

import (
	"flag"
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
)

var group = flag.String("group", "", "which kernels to write: gemm, pack or vector")

func main() {
	flag.Parse()
	ConstraintExpr("amd64,!noasm,!float64")
	emit, ok := map[string]func(isa){"gemm": gemmKernels, "pack": packKernels, "vector": vectorKernels}[*group]
	if !ok {
		fmt.Fprintf(os.Stderr, "asm: unknown group %q: want gemm, pack or vector\n", *group)
		os.Exit(2)
	}
	emit(avx2)
	emit(avx512)
	Generate()
}
