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
			mr: 6, nr: 16, kc: 256, lanes: 8,
			packRows: packRows1AVX2, packWide: packRows2AVX2, packColumns: packColumnsAVX2,
			columns: []tileKernel{
				nil,
				gemm1x16AVX2, gemm2x16AVX2, gemm3x16AVX2, gemm4x16AVX2,
				gemm5x16AVX2, gemm6x16AVX2,
			},
			rows: []tileKernel{
				nil,
				gemmRows1x16AVX2, gemmRows2x16AVX2, gemmRows3x16AVX2, gemmRows4x16AVX2,
				gemmRows5x16AVX2, gemmRows6x16AVX2,
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
			mr: 14, nr: 32, kc: 512, lanes: 16,
			packRows: packRows1AVX512, packWide: packRows2AVX512, packColumns: packColumnsAVX512,
			columns: []tileKernel{
				nil,
				gemm1x32AVX512, gemm2x32AVX512, gemm3x32AVX512, gemm4x32AVX512,
				gemm5x32AVX512, gemm6x32AVX512, gemm7x32AVX512, gemm8x32AVX512,
				gemm9x32AVX512, gemm10x32AVX512, gemm11x32AVX512, gemm12x32AVX512,
				gemm13x32AVX512, gemm14x32AVX512,
			},
			rows: []tileKernel{
				nil,
				gemmRows1x32AVX512, gemmRows2x32AVX512, gemmRows3x32AVX512, gemmRows4x32AVX512,
				gemmRows5x32AVX512, gemmRows6x32AVX512, gemmRows7x32AVX512, gemmRows8x32AVX512,
				gemmRows9x32AVX512, gemmRows10x32AVX512, gemmRows11x32AVX512, gemmRows12x32AVX512,
				gemmRows13x32AVX512, gemmRows14x32AVX512,
			},
		},
		vector:    vectorAVX512(),
		fmaPeak:   fmaPeakAVX512,
		peakFlops: 2 * 24 * 16,
	}
}

func vectorAVX2() vector {
	return vector{
		add:          addAVX2,
		addRows:      addRowsAVX2,
		scaleAdd:     scaleAddAVX2,
		axpy:         axpyAVX2,
		mulAdd:       mulAddAVX2,
		reluGrad:     reluGradAVX2,
		sum:          sumAVX2,
		dot:          dotAVX2,
		sumSquares:   sumSquaresAVX2,
		maximum:      maximumAVX2,
		expSum:       expSumAVX2,
		softmaxGrad:  softmaxGradAVX2,
		tanh:         tanhAVX2,
		gelu:         geluAVX2,
		geluGrad:     geluGradAVX2,
		geluTanh:     geluTanhAVX2,
		geluTanhGrad: geluTanhGradAVX2,
		swish:        swishAVX2,
		swishGrad:    swishGradAVX2,
		norm:         normAVX2,
		normGradSums: normGradSumsAVX2,
		normGrad:     normGradAVX2,
		drop:         dropAVX2,
		dropAdd:      dropAddAVX2,
		adam:         adamAVX2,
		logistic:     logisticAVX2,
		lstm:         lstmAVX2,
		lstmGrad:     lstmGradAVX2,
		gru:          gruAVX2,
		gruGrad:      gruGradAVX2,
		tanhGrad:     tanhGradAVX2,
		logisticGrad: logisticGradAVX2,
	}
}

func vectorAVX512() vector {
	return vector{
		add:          addAVX512,
		addRows:      addRowsAVX512,
		scaleAdd:     scaleAddAVX512,
		axpy:         axpyAVX512,
		mulAdd:       mulAddAVX512,
		reluGrad:     reluGradAVX512,
		sum:          sumAVX512,
		dot:          dotAVX512,
		sumSquares:   sumSquaresAVX512,
		maximum:      maximumAVX512,
		expSum:       expSumAVX512,
		softmaxGrad:  softmaxGradAVX512,
		tanh:         tanhAVX512,
		gelu:         geluAVX512,
		geluGrad:     geluGradAVX512,
		geluTanh:     geluTanhAVX512,
		geluTanhGrad: geluTanhGradAVX512,
		swish:        swishAVX512,
		swishGrad:    swishGradAVX512,
		norm:         normAVX512,
		normGradSums: normGradSumsAVX512,
		normGrad:     normGradAVX512,
		drop:         dropAVX512,
		dropAdd:      dropAddAVX512,
		adam:         adamAVX512,
		logistic:     logisticAVX512,
		lstm:         lstmAVX512,
		lstmGrad:     lstmGradAVX512,
		gru:          gruAVX512,
		gruGrad:      gruGradAVX512,
		tanhGrad:     tanhGradAVX512,
		logisticGrad: logisticGradAVX512,
	}
}
