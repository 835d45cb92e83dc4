package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vecs = []reg.VecVirtual

func vectorKernels(s isa) {
	for _, group := range [][]loop{arithmetic, reductions, exponentials, normalisation, dropout, optimisers, recurrent} {
		for _, l := range group {
			l.emit(s)
		}
	}
	addRows(s)
}

var arithmetic = []loop{
	{
		name: "add", doc: "computes dst = a + b.", in: []string{"a", "b"}, out: []string{"dst"},
		body: func(b *body) vecs { VADDPS(b.in[0], b.in[1], b.in[1]); return b.in[1:] },
	},
	{
		name: "scaleAdd", doc: "computes dst = dst*x + y.", in: []string{"dst"}, out: []string{"dst"}, scalars: []string{"x", "y"},
		body: func(b *body) vecs { VFMADD213PS(b.scalars[1], b.scalars[0], b.in[0]); return b.in[:1] },
	},
	{
		name: "axpy", doc: "computes dst += x*a.", in: []string{"dst", "a"}, out: []string{"dst"}, scalars: []string{"x"},
		body: func(b *body) vecs { VFMADD231PS(b.in[1], b.scalars[0], b.in[0]); return b.in[:1] },
	},
	{
		name: "mulAdd", doc: "computes dst += a*b.", in: []string{"dst", "a", "b"}, out: []string{"dst"},
		body: func(b *body) vecs { VFMADD231PS(b.in[1], b.in[2], b.in[0]); return b.in[:1] },
	},
	{
		name: "reluGrad", doc: "computes dy = dy*scale where y > 0 and 0 elsewhere.", in: []string{"dy", "y"}, out: []string{"dy"}, scalars: []string{"scale"},
		body: func(b *body) vecs {
			zero := b.vec()
			b.zero(zero)
			VMULPS(b.scalars[0], b.in[0], b.in[0])
			b.keep(b.greater(b.in[1], zero), b.in[0], b.in[0])
			return b.in[:1]
		},
	},
}

var reductions = []loop{
	{
		name: "sum", doc: "returns the sum of x.", in: []string{"x"}, sums: []string{"ret"}, unroll: 4,
		body: func(b *body) vecs { VADDPS(b.in[0], b.acc[0], b.acc[0]); return nil },
	},
	{
		name: "dot", doc: "returns the sum of x*y.", in: []string{"x", "y"}, sums: []string{"ret"}, unroll: 4,
		body: func(b *body) vecs { VFMADD231PS(b.in[0], b.in[1], b.acc[0]); return nil },
	},
	{
		name: "sumSquares", doc: "returns the sum of (x-c)².", in: []string{"x"}, sums: []string{"ret"}, scalars: []string{"c"}, unroll: 4,
		body: func(b *body) vecs {
			VSUBPS(b.scalars[0], b.in[0], b.in[0])
			if b.tail != nil {
				b.keep(*b.tail, b.in[0], b.in[0])
			}
			VFMADD231PS(b.in[0], b.in[0], b.acc[0])
			return nil
		},
	},
	{
		name: "maximum", doc: "returns the largest element of x.", in: []string{"x"}, max: "ret", unroll: 4,
		body: func(b *body) vecs {
			if b.tail != nil {
				t := b.vec()
				b.choose(*b.tail, b.in[0], b.acc[0], t)
				VMAXPS(b.acc[0], t, b.acc[0])
				return nil
			}
			VMAXPS(b.acc[0], b.in[0], b.acc[0])
			return nil
		},
	},
}

var normalisation = []loop{
	{
		name: "norm", doc: "computes dst = (x-mean)*rstd*gain + shift.",
		in: []string{"x", "gain", "shift"}, out: []string{"dst"}, scalars: []string{"mean", "rstd"},
		body: func(b *body) vecs {
			VSUBPS(b.scalars[0], b.in[0], b.in[0])
			VMULPS(b.scalars[1], b.in[0], b.in[0])
			VFMADD213PS(b.in[2], b.in[1], b.in[0])
			return b.in[:1]
		},
	},
	{
		name: "normGradSums", doc: "returns the sums of dy*gain and of dy*gain*(x-mean)*rstd.",
		in: []string{"dy", "x", "gain"}, scalars: []string{"mean", "rstd"}, sums: []string{"s0", "s1"}, unroll: 2,
		body: func(b *body) vecs {
			dy, x, gain := b.in[0], b.in[1], b.in[2]
			VSUBPS(b.scalars[0], x, x)
			VMULPS(b.scalars[1], x, x)
			VMULPS(gain, dy, dy)
			VADDPS(dy, b.acc[0], b.acc[0])
			VFMADD231PS(dy, x, b.acc[1])
			return nil
		},
	},
	{
		name: "normGrad", doc: "adds the gradients of one normalised row: with h = (x-mean)*rstd,\ndx += rstd*(dy*gain - m0 - h*m1), dgain += dy*h, dshift += dy.",
		in: []string{"dx", "dgain", "dshift", "dy", "x", "gain"}, out: []string{"dx", "dgain", "dshift"},
		scalars: []string{"mean", "rstd", "m0", "m1"},
		body: func(b *body) vecs {
			dx, dgain, dshift, dy, h, gain := b.in[0], b.in[1], b.in[2], b.in[3], b.in[4], b.in[5]
			VSUBPS(b.scalars[0], h, h)
			VMULPS(b.scalars[1], h, h)
			VADDPS(dy, dshift, dshift)
			VFMADD231PS(dy, h, dgain)
			VFMSUB213PS(b.scalars[2], dy, gain)
			VFNMADD231PS(b.scalars[3], h, gain)
			VFMADD231PS(b.scalars[1], gain, dx)
			return vecs{dx, dgain, dshift}
		},
	},
}

var optimisers = []loop{
	{
		name: "adam", doc: "updates p, m and v by the scaled gradient g' = g*scale:\nm = b1*m + (1-b1)*g', v = b2*v + (1-b2)*g'², p = p*decay - rate*m/(sqrt(v)*root + eps).",
		in: []string{"p", "m", "v", "grad"}, out: []string{"p", "m", "v"},
		scalars: []string{"scale", "b1", "c1", "b2", "c2", "rate", "root", "eps", "decay"},
		body: func(b *body) vecs {
			p, m, v, g := b.in[0], b.in[1], b.in[2], b.in[3]
			scale, b1, c1, b2, c2 := b.scalars[0], b.scalars[1], b.scalars[2], b.scalars[3], b.scalars[4]
			VMULPS(scale, g, g)
			VMULPS(b1, m, m)
			VFMADD231PS(c1, g, m)
			VMULPS(g, g, g)
			VMULPS(b2, v, v)
			VFMADD231PS(c2, g, v)
			VSQRTPS(v, g)
			VFMADD213PS(b.scalars[7], b.scalars[6], g)
			t := b.vec()
			VMULPS(b.scalars[5], m, t)
			VDIVPS(g, t, t)
			VFMSUB132PS(b.scalars[8], t, p)
			return vecs{p, m, v}
		},
	},
}

// keepLanes computes the lanes that dropout keeps: those whose number, mixed
// with the key, hashes to at least the threshold. The hash is the 32-bit
// finaliser "lowbias32" of Wellons' hash prospector; its top bit is dropped so
// that signed comparison serves.
func keepLanes(b *body) mask {
	key, threshold := b.ints[0], b.ints[1]
	h, t := b.vec(), b.vec()
	xor := func(x, y, dst reg.VecVirtual) {
		if b.lanes == 16 {
			VPXORD(x, y, dst)
		} else {
			VPXOR(x, y, dst)
		}
	}
	shifted := func(n uint8) {
		VPSRLD(U8(n), h, t)
		xor(t, h, h)
	}
	VPADDD(key, b.index, h)
	shifted(16)
	VPMULLD(b.bits(0x7feb352d), h, h)
	shifted(15)
	VPMULLD(b.bits(0x846ca68b), h, h)
	shifted(16)
	VPSRLD(U8(1), h, h)
	if b.lanes == 16 {
		k := K()
		VPCMPGTD(threshold, h, k)
		return mask{k: k}
	}
	v := b.vec()
	VPCMPGTD(threshold, h, v)
	return mask{v: v}
}

var dropout = []loop{
	{
		name: "drop", doc: "computes dst = x*scale in the lanes that dropout keeps and 0 elsewhere.",
		in: []string{"x"}, out: []string{"dst"}, scalars: []string{"scale"}, ints: []string{"key", "threshold"}, index: true,
		body: func(b *body) vecs {
			VMULPS(b.scalars[0], b.in[0], b.in[0])
			b.keep(keepLanes(b), b.in[0], b.in[0])
			return b.in[:1]
		},
	},
	{
		name: "dropAdd", doc: "computes dst = a + x*scale in the lanes that dropout keeps and a elsewhere.",
		in: []string{"a", "x"}, out: []string{"dst"}, scalars: []string{"scale"}, ints: []string{"key", "threshold"}, index: true,
		body: func(b *body) vecs {
			VMULPS(b.scalars[0], b.in[1], b.in[1])
			b.keep(keepLanes(b), b.in[1], b.in[1])
			VADDPS(b.in[0], b.in[1], b.in[1])
			return b.in[1:]
		},
	},
}
