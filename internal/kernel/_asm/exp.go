package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exp returns e to the power of x, which it overwrites, and 0 below -87.33.
func (s isa) exp(x reg.VecVirtual) reg.VecVirtual {
	alive := s.notLess(x, s.constant(expLow))
	y := s.expClamped(x)
	s.keep(alive, y, y)
	return y
}

// expLow is where results begin to be less than the smallest normal number.
const expLow = -87.33654

// expClamped returns e to the power of x, which it overwrites: 2^n · e^r with
// n = round(x/ln 2) and |r| <= ln 2 / 2, ln 2 in two parts and e^r by the
// polynomial of Cephes' expf (Moshier), in Estrin's order: what limits the
// kernel is how many steps wait for one another. Below -87.33 the result is
// 1.2e-38, the smallest normal number, and from 88.7228 on it is 3.4e38, the
// largest; NaN stays NaN.
func (s isa) expClamped(x reg.VecVirtual) reg.VecVirtual {
	low := s.constantIn(expLow)
	high := s.constantIn(88.722831)
	VMAXPS(x, low, low)
	VMINPS(low, high, x)
	// To add 1.5·2^23 rounds, and leaves n in the low bits.
	n, whole := s.vec(), s.constantIn(1.4426950408889634)
	VFMADD213PS(s.constant(12582912), x, whole)
	VSUBPS(s.constant(12582912), whole, n)
	VFNMADD231PS(s.constant(0.693359375), n, x)
	VFNMADD231PS(s.constant(-2.12194440e-4), n, x)
	r2, y, p, q := s.vec(), s.constantIn(1.9875691500e-4), s.constantIn(8.3334519073e-3), s.constantIn(1.6666665459e-1)
	VMULPS(x, x, r2)
	VFMADD213PS(s.constant(1.3981999507e-3), x, y)
	VFMADD213PS(s.constant(4.1665795894e-2), x, p)
	VFMADD213PS(s.constant(5.0000001201e-1), x, q)
	VFMADD213PS(p, r2, y)
	VFMADD213PS(q, r2, y)
	VFMADD213PS(x, r2, y)
	VADDPS(s.constant(1), y, y)
	VPSLLD(U8(23), whole, whole)
	VPADDD(whole, y, y) // n to the exponent
	return y
}

// notLess returns the lanes where !(a < b).
func (s isa) notLess(a reg.VecVirtual, b Op) mask {
	const nlt = 21 // unordered, quiet
	if s.lanes == 16 {
		k := K()
		VCMPPS(U8(nlt), b, a, k)
		return mask{k: k}
	}
	v := s.vec()
	VCMPPS(U8(nlt), b, a, v)
	return mask{v: v}
}

// tanh returns the hyperbolic tangent of x: near zero by Cephes' odd
// polynomial, elsewhere 1 - 2/(e^2|x|+1) with the sign of x.
func (s isa) tanh(x reg.VecVirtual) reg.VecVirtual {
	size, sign := s.vec(), s.vec()
	VANDPS(s.bits(0x7fffffff), x, size)
	VANDPS(s.bits(0x80000000), x, sign)
	twice := s.vec()
	VADDPS(size, size, twice)
	e := s.expClamped(twice)
	VADDPS(s.constant(1), e, e)
	far := s.constantIn(2)
	VDIVPS(e, far, far)
	one := s.constantIn(1)
	VSUBPS(far, one, far)
	VORPS(sign, far, far)

	z, p := s.vec(), s.vec()
	VMULPS(x, x, z)
	VMOVUPS(s.constant(-5.70498872745e-3), p)
	for _, c := range []float64{2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1} {
		VFMADD213PS(s.constant(c), z, p)
	}
	VMULPS(z, p, p)
	VFMADD213PS(x, x, p)
	out := s.vec()
	s.choose(s.greater(size, s.constantIn(0.625)), far, p, out)
	return out
}

// Coefficients of a rational approximation of erf(z)/z by z² on |z| <= 4, lowest power
// first: those of Eigen's generic_fast_erf_float. The error is under 2.5e-7.
var (
	erfOver = []float64{
		-1.60960333262415e-02, -2.95459980854025e-03, -7.34990630326855e-04, -5.69250639462346e-05,
		-2.10102402082508e-06, 2.77068142495902e-08, -2.72614225801306e-10,
	}
	erfUnder = []float64{
		-1.42647390514189e-02, -7.37332916720468e-03, -1.68282697438203e-03, -2.13374055278905e-04, -1.45660718464996e-05,
	}
)

// geluGate returns the gate of gelu(x) = x·gate, the normal distribution function
// Φ(x) = (1 + erf(x/√2))/2. It leaves x.
func (s isa) geluGate(x reg.VecVirtual) reg.VecVirtual {
	if s.lanes == 16 {
		return s.normalTable(x)
	}
	z, x2 := s.constantIn(-4*math.Sqrt2), s.constantIn(4*math.Sqrt2)
	VMAXPS(x, z, z)
	VMINPS(x2, z, z)
	VMULPS(z, z, x2)
	// By powers of x² instead of z² = x²/2, the upper ones with x for z and halved.
	over := s.polynomial(x2, erfOver, 0.5/math.Sqrt2)
	under := s.polynomial(x2, erfUnder, 1)
	VMULPS(z, over, over)
	VDIVPS(under, over, over)
	VADDPS(s.constant(0.5), over, over)
	return over
}

// Segments of |x| in which Φ(|x|) - 1/2 is a polynomial each: one for every lane of a
// register, so that an instruction looks their coefficients up.
const (
	normalSegments = 16
	normalWidth    = 11. / 32
	normalDegree   = 4
)

// normalTables has the coefficients of the segments, lowest power first.
var normalTables []Mem

// normalTable returns Φ(x) by a polynomial around the middle of x's segment, and leaves x.
// The error is under 2e-7, and there is no division.
func (s isa) normalTable(x reg.VecVirtual) reg.VecVirtual {
	if normalTables == nil {
		normalTables = normalCoefficients(s)
	}
	size, segment, middle := s.vec(), s.constantIn(1/normalWidth), s.vec()
	VANDPS(s.bits(0x7fffffff), x, size)
	VMINPS(s.constant((normalSegments-0.5)*normalWidth-1e-6), size, size)
	// To add 1.5·2^23 rounds, and leaves the number of the segment in the low bits.
	VFMADD213PS(s.constant(12582912), size, segment)
	VSUBPS(s.constant(12582912), segment, middle)
	VFNMADD231PS(s.constant(normalWidth), middle, size)
	sum := s.vec()
	VPERMPS(s.resident(normalTables[normalDegree]), segment, sum)
	for i := normalDegree - 1; i >= 0; i-- {
		c := s.vec()
		VPERMPS(s.resident(normalTables[i]), segment, c)
		VFMADD213PS(c, size, sum)
	}
	const orAnd = 0xf8 // a | b&c
	VPTERNLOGD(U8(orAnd), s.bits(0x80000000), x, sum)
	VADDPS(s.constant(0.5), sum, sum)
	return sum
}

// normalCoefficients interpolates Φ(|x|) - 1/2 in each segment at the nodes of Chebyshev,
// in powers of the distance from its middle.
func normalCoefficients(s isa) []Mem {
	var c [normalDegree + 1][normalSegments]float64
	for segment := range normalSegments {
		nodes, values := make([]float64, normalDegree+1), make([]float64, normalDegree+1)
		for i := range nodes {
			nodes[i] = normalWidth / 2 * math.Cos((float64(i)+0.5)*math.Pi/(normalDegree+1))
			values[i] = math.Erf((float64(segment)*normalWidth+nodes[i])/math.Sqrt2) / 2
		}
		for power, v := range interpolate(nodes, values) {
			c[power][segment] = v
		}
	}
	tables := make([]Mem, len(c))
	for power, row := range c {
		tables[power] = GLOBL(fmt.Sprintf("normal%d%s", power, s.name), 8|16)
		for i, v := range row {
			DATA(4*i, U32(math.Float32bits(float32(v))))
		}
	}
	return tables
}

// interpolate returns the coefficients of the polynomial through the points, by Newton's
// divided differences, lowest power first.
func interpolate(x, y []float64) []float64 {
	n := len(x)
	d := append([]float64{}, y...)
	for order := 1; order < n; order++ {
		for i := n - 1; i >= order; i-- {
			d[i] = (d[i] - d[i-1]) / (x[i] - x[i-order])
		}
	}
	c := make([]float64, n)
	for i := n - 1; i >= 0; i-- { // c = c·(t - x[i]) + d[i]
		for j := n - 1; j > 0; j-- {
			c[j] = c[j-1] - x[i]*c[j]
		}
		c[0] = d[i] - x[i]*c[0]
	}
	return c
}

// polynomial returns Σ scale·c[i]·(x2/2)^i.
func (s isa) polynomial(x2 reg.VecVirtual, c []float64, scale float64) reg.VecVirtual {
	last := len(c) - 1
	at := func(i int) float64 { return scale * c[i] / math.Exp2(float64(i)) }
	sum := s.constantIn(at(last))
	for i := last - 1; i >= 0; i-- {
		VFMADD213PS(s.constant(at(i)), x2, sum)
	}
	return sum
}

// geluTanhGate returns the gate of geluTanh(x) = x·gate, which is (1+tanh u)/2 =
// 1/(1+e^-2u) with u = √(2/π)·(x + 0.044715x³). It leaves x.
func (s isa) geluTanhGate(x reg.VecVirtual) reg.VecVirtual {
	x2, u := s.vec(), s.constantIn(-2*0.044715*geluRoot)
	VMULPS(x, x, x2)
	VFMADD213PS(s.constant(-2*geluRoot), x2, u)
	VMULPS(x, u, u)
	return s.gate(u)
}

// gate returns 1/(1+e^x), the logistic function of -x. It overwrites x.
func (s isa) gate(x reg.VecVirtual) reg.VecVirtual {
	e := s.expClamped(x)
	VADDPS(s.constant(1), e, e)
	one := s.constantIn(1)
	VDIVPS(e, one, one)
	return one
}

// swishGate returns the gate of swish(x) = x·gate, 1/(1+e^-x). It leaves x.
func (s isa) swishGate(x reg.VecVirtual) reg.VecVirtual {
	u := s.vec()
	s.zero(u)
	VSUBPS(x, u, u)
	return s.gate(u)
}

// geluRoot is √(2/π).
const geluRoot = 0.7978845608028654

var exponentials = []loop{
	{
		name: "expSum", doc: "computes dst = e^(x*scale-shift) and returns the sum of dst.",
		in: []string{"x"}, out: []string{"dst"}, resident: true, scalars: []string{"scale", "shift"}, sums: []string{"ret"}, unroll: 2,
		body: func(b *body) vecs {
			VFMSUB213PS(b.scalars[1], b.scalars[0], b.in[0])
			y := b.exp(b.in[0])
			b.add(0, y)
			return vecs{y}
		},
	},
	{
		name: "softmaxGrad", doc: "computes dx = y*(dy-dot)*scale.",
		in: []string{"y", "dy"}, out: []string{"dx"}, scalars: []string{"dot", "scale"},
		body: func(b *body) vecs {
			VSUBPS(b.scalars[0], b.in[1], b.in[1])
			VMULPS(b.scalars[1], b.in[1], b.in[1])
			VMULPS(b.in[0], b.in[1], b.in[1])
			return b.in[1:]
		},
	},
	{
		name: "tanh", doc: "computes dst = tanh x.", in: []string{"x"}, out: []string{"dst"},
		body: func(b *body) vecs { return vecs{b.tanh(b.in[0])} },
	},
	{
		name: "geluTanh", doc: "computes dst = x/2 * (1 + tanh(√(2/π)(x + 0.044715x³))).", in: []string{"x"}, out: []string{"dst"}, rows: true, resident: true,
		body: func(b *body) vecs {
			gate := b.geluTanhGate(b.in[0])
			VMULPS(b.in[0], gate, gate)
			return vecs{gate}
		},
	},
	{
		name: "geluTanhGrad", doc: "computes dx += dy times the derivative of geluTanh at x.", in: []string{"dx", "x", "dy"}, out: []string{"dx"}, resident: true,
		body: func(b *body) vecs {
			dx, x, dy := b.in[0], b.in[1], b.in[2]
			gate := b.geluTanhGate(x)
			// geluTanh' = gate + x·gate·(1-gate)·2u', u' = √(2/π)(1 + 3·0.044715x²)
			u, w := b.vec(), b.constantIn(1)
			VMULPS(x, x, u)
			VFMADD213PS(b.constant(2*geluRoot), b.constantIn(2*3*0.044715*geluRoot), u)
			VMULPS(x, u, u)
			VSUBPS(gate, w, w)
			VMULPS(w, u, u)
			VFMADD213PS(gate, gate, u)
			VFMADD231PS(u, dy, dx)
			return vecs{dx}
		},
	},
	{
		name: "gelu", doc: "computes dst = x/2 * (1 + erf(x/√2)).", in: []string{"x"}, out: []string{"dst"}, rows: true, resident: true,
		body: func(b *body) vecs {
			gate := b.geluGate(b.in[0])
			VMULPS(b.in[0], gate, gate)
			return vecs{gate}
		},
	},
	{
		name: "geluGrad", doc: "computes dx += dy times the derivative of gelu at x.", in: []string{"dx", "x", "dy"}, out: []string{"dx"},
		body: func(b *body) vecs {
			dx, x, dy := b.in[0], b.in[1], b.in[2]
			gate := b.geluGate(x)
			// gelu' = gate + x·e^(-x²/2)/√(2π)
			u := b.constantIn(-0.5)
			VMULPS(x, u, u)
			VMULPS(x, u, u)
			e := b.exp(u)
			VMULPS(x, e, e)
			VFMADD231PS(b.constant(geluRoot/2), e, gate)
			VFMADD231PS(gate, dy, dx)
			return vecs{dx}
		},
	},
	{
		name: "swish", doc: "computes dst = x / (1 + e^-x).", in: []string{"x"}, out: []string{"dst"}, resident: true,
		body: func(b *body) vecs {
			gate := b.swishGate(b.in[0])
			VMULPS(b.in[0], gate, gate)
			return vecs{gate}
		},
	},
	{
		name: "swishGrad", doc: "computes dx += dy times the derivative of swish at x.", in: []string{"dx", "x", "dy"}, out: []string{"dx"}, resident: true,
		body: func(b *body) vecs {
			dx, x, dy := b.in[0], b.in[1], b.in[2]
			gate := b.swishGate(x)
			// swish' = gate + x·gate·(1-gate)
			u := b.constantIn(1)
			VSUBPS(gate, u, u)
			VMULPS(x, u, u)
			VFMADD213PS(gate, gate, u)
			VFMADD231PS(u, dy, dx)
			return vecs{dx}
		},
	},
}
