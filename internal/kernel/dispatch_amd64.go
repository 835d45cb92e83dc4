//go:build amd64 && !noasm && !float64

package kernel

import "github.com/kotoba-nlp/kotoba/internal/cpu"

var (
	genericImpl = newGenericImpl()
	avx2Impl    = newAVX2Impl()
	avx512Impl  = newAVX512Impl()
)

func implOf(path cpu.Path) *impl {
	switch path {
	case cpu.AVX512:
		return avx512Impl
	case cpu.AVX2:
		return avx2Impl
	default:
		return genericImpl
	}
}

func newAVX2Impl() *impl {
	return &impl{
		tile: tileKernels{
			mr: 6, nr: 16, lanes: 8,
			packRows: packRowsAVX2, packColumns: packColumnsAVX2,
			run: []func(k int, a, b, c *Float, ldc, n, flags int, bias *Float){
				nil,
				gemm1x16AVX2,
				gemm2x16AVX2,
				gemm3x16AVX2,
				gemm4x16AVX2,
				gemm5x16AVX2,
				gemm6x16AVX2,
			},
		},
		vector:    vectorAVX2(),
		fmaPeak:   fmaPeakAVX2,
		peakFlops: 2 * 24 * 8,
	}
}

func newAVX512Impl() *impl {
	return &impl{
		tile: tileKernels{
			mr: 14, nr: 32, lanes: 16,
			packRows: packRowsAVX512, packColumns: packColumnsAVX512,
			run: []func(k int, a, b, c *Float, ldc, n, flags int, bias *Float){
				nil,
				gemm1x32AVX512,
				gemm2x32AVX512,
				gemm3x32AVX512,
				gemm4x32AVX512,
				gemm5x32AVX512,
				gemm6x32AVX512,
				gemm7x32AVX512,
				gemm8x32AVX512,
				gemm9x32AVX512,
				gemm10x32AVX512,
				gemm11x32AVX512,
				gemm12x32AVX512,
				gemm13x32AVX512,
				gemm14x32AVX512,
			},
		},
		vector:    vectorAVX512(),
		fmaPeak:   fmaPeakAVX512,
		peakFlops: 2 * 24 * 16,
	}
}
