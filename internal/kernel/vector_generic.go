package kernel

import (
	"math"
	"unsafe"
)

func genericVector() vector {
	return vector{
		add: func(dst, a, b *Float, n int) {
			d, x, y := unsafe.Slice(dst, n), unsafe.Slice(a, n), unsafe.Slice(b, n)
			for i := range d {
				d[i] = x[i] + y[i]
			}
		},
		addRows: addRowsGeneric,
		scaleAdd: func(dst *Float, n int, x, y Float) {
			for i, v := range unsafe.Slice(dst, n) {
				unsafe.Slice(dst, n)[i] = v*x + y
			}
		},
		axpy: func(dst, a *Float, n int, x Float) {
			d, s := unsafe.Slice(dst, n), unsafe.Slice(a, n)
			for i := range d {
				d[i] += x * s[i]
			}
		},
		mulAdd: func(dst, a, b *Float, n int) {
			d, x, y := unsafe.Slice(dst, n), unsafe.Slice(a, n), unsafe.Slice(b, n)
			for i := range d {
				d[i] += x[i] * y[i]
			}
		},
		reluGrad:     reluGradGeneric,
		sum:          sumGeneric,
		dot:          dotGeneric,
		sumSquares:   sumSquaresGeneric,
		maximum:      maximumGeneric,
		expSum:       expSumGeneric,
		softmaxGrad:  softmaxGradGeneric,
		tanh:         func(dst, x *Float, n int) { mapGeneric(dst, x, n, tanh) },
		gelu:         func(dst, x *Float, n, rows, stride int) { mapRowsGeneric(dst, x, n, rows, stride, gelu) },
		geluGrad:     geluGradGeneric,
		geluTanh:     func(dst, x *Float, n, rows, stride int) { mapRowsGeneric(dst, x, n, rows, stride, geluTanh) },
		geluTanhGrad: geluTanhGradGeneric,
		swish:        func(dst, x *Float, n int) { mapGeneric(dst, x, n, func(v Float) Float { return v * logistic(v) }) },
		swishGrad:    swishGradGeneric,
		norm:         normGeneric,
		normGradSums: normGradSumsGeneric,
		normGrad:     normGradGeneric,
		drop:         dropGeneric,
		dropAdd:      dropAddGeneric,
		adam:         adamGeneric,
		logistic:     func(dst, x *Float, n int) { mapGeneric(dst, x, n, logistic) },
		lstm:         lstmGeneric,
		lstmGrad:     lstmGradGeneric,
		gru:          gruGeneric,
		gruGrad:      gruGradGeneric,
		tanhGrad:     tanhGradGeneric,
		logisticGrad: logisticGradGeneric,
	}
}

func reluGradGeneric(dy, y *Float, n int, scale Float) {
	d, v := unsafe.Slice(dy, n), unsafe.Slice(y, n)
	for i := range d {
		if v[i] > 0 {
			d[i] *= scale
		} else {
			d[i] = 0
		}
	}
}

// The sums below are kept in float64: the vector paths add up many short sums,
// which is nearly as exact, and one long float32 sum is not.

func sumGeneric(x *Float, n int) Float {
	s := 0.0
	for _, v := range unsafe.Slice(x, n) {
		s += float64(v)
	}
	return Float(s)
}

func dotGeneric(x, y *Float, n int) Float {
	a, b, s := unsafe.Slice(x, n), unsafe.Slice(y, n), 0.0
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return Float(s)
}

func sumSquaresGeneric(x *Float, n int, c Float) Float {
	s := 0.0
	for _, v := range unsafe.Slice(x, n) {
		d := float64(v - c)
		s += d * d
	}
	return Float(s)
}

func maximumGeneric(x *Float, n int) Float {
	top := Float(math.Inf(-1))
	for _, v := range unsafe.Slice(x, n) {
		if v > top {
			top = v
		}
	}
	return top
}

func mapGeneric(dst, x *Float, n int, f func(Float) Float) {
	d, s := unsafe.Slice(dst, n), unsafe.Slice(x, n)
	for i := range d {
		d[i] = f(s[i])
	}
}

func mapRowsGeneric(dst, x *Float, n, rows, stride int, f func(Float) Float) {
	d, s := unsafe.Slice(dst, (rows-1)*stride+n), unsafe.Slice(x, (rows-1)*stride+n)
	for r := range rows {
		mapGeneric(&d[r*stride], &s[r*stride], n, f)
	}
}

func exp(x Float) Float { return Float(math.Exp(float64(x))) }

func tanh(x Float) Float { return Float(math.Tanh(float64(x))) }

const (
	geluRoot  = 0.7978845608028654 // √(2/π)
	geluCubic = 0.044715
)

func gelu(x Float) Float { return x * normal(x) }

// normal is the distribution function of the normal distribution.
func normal(x Float) Float { return Float(math.Erfc(-float64(x)/math.Sqrt2) / 2) }

func geluGradGeneric(dx, x, dy *Float, n int) {
	d, s, g := unsafe.Slice(dx, n), unsafe.Slice(x, n), unsafe.Slice(dy, n)
	for i, v := range s {
		d[i] += g[i] * (normal(v) + v*exp(-v*v/2)*geluRoot/2)
	}
}

func geluTanh(x Float) Float {
	return x / 2 * (1 + tanh(geluRoot*(x+geluCubic*x*x*x)))
}

func geluTanhGradGeneric(dx, x, dy *Float, n int) {
	d, s, g := unsafe.Slice(dx, n), unsafe.Slice(x, n), unsafe.Slice(dy, n)
	for i, v := range s {
		t := tanh(geluRoot * (v + geluCubic*v*v*v))
		d[i] += g[i] * ((1+t)/2 + v/2*(1-t*t)*geluRoot*(1+3*geluCubic*v*v))
	}
}

func logistic(x Float) Float { return 1 / (1 + exp(-x)) }

func swishGradGeneric(dx, x, dy *Float, n int) {
	d, s, g := unsafe.Slice(dx, n), unsafe.Slice(x, n), unsafe.Slice(dy, n)
	for i, v := range s {
		gate := logistic(v)
		d[i] += g[i] * (gate + v*gate*(1-gate))
	}
}

func expSumGeneric(dst, x *Float, n int, scale, shift Float) (s Float) {
	d, v := unsafe.Slice(dst, n), unsafe.Slice(x, n)
	for i := range d {
		d[i] = exp(v[i]*scale - shift)
		s += d[i]
	}
	return s
}

func softmaxGradGeneric(dx, y, dy *Float, n int, dot, scale Float) {
	d, p, g := unsafe.Slice(dx, n), unsafe.Slice(y, n), unsafe.Slice(dy, n)
	for i := range d {
		d[i] = p[i] * ((g[i] - dot) * scale)
	}
}

func normGeneric(dst, x, gain, shift *Float, n int, mean, rstd Float) {
	d, v, g, b := unsafe.Slice(dst, n), unsafe.Slice(x, n), unsafe.Slice(gain, n), unsafe.Slice(shift, n)
	for i := range d {
		d[i] = (v[i]-mean)*rstd*g[i] + b[i]
	}
}

func normGradSumsGeneric(dy, x, gain *Float, n int, mean, rstd Float) (s0, s1 Float) {
	d, v, g := unsafe.Slice(dy, n), unsafe.Slice(x, n), unsafe.Slice(gain, n)
	for i := range d {
		s0 += d[i] * g[i]
		s1 += d[i] * g[i] * (v[i] - mean) * rstd
	}
	return s0, s1
}

func normGradGeneric(dx, dgain, dshift, dy, x, gain *Float, n int, mean, rstd, m0, m1 Float) {
	d, dg, ds := unsafe.Slice(dx, n), unsafe.Slice(dgain, n), unsafe.Slice(dshift, n)
	e, v, g := unsafe.Slice(dy, n), unsafe.Slice(x, n), unsafe.Slice(gain, n)
	for i := range d {
		h := (v[i] - mean) * rstd
		d[i] += rstd * (e[i]*g[i] - m0 - h*m1)
		dg[i] += e[i] * h
		ds[i] += e[i]
	}
}

// kept says whether dropout keeps element i; see Mask.
func kept(key, threshold uint32, i int) bool {
	h := key + uint32(i)
	h ^= h >> 16
	h *= 0x7feb352d
	h ^= h >> 15
	h *= 0x846ca68b
	h ^= h >> 16
	return int32(h>>1) > int32(threshold)
}

func dropGeneric(dst, x *Float, n int, scale Float, key, threshold uint32) {
	d, v := unsafe.Slice(dst, n), unsafe.Slice(x, n)
	for i := range d {
		if kept(key, threshold, i) {
			d[i] = v[i] * scale
		} else {
			d[i] = 0
		}
	}
}

func addRowsGeneric(dst, x *Float, n, rows, stride int) {
	d, s := unsafe.Slice(dst, n), unsafe.Slice(x, (rows-1)*stride+n)
	for r := range rows {
		for i, v := range s[r*stride:][:n] {
			d[i] += v
		}
	}
}

func dropAddGeneric(dst, a, x *Float, n int, scale Float, key, threshold uint32) {
	d, u, v := unsafe.Slice(dst, n), unsafe.Slice(a, n), unsafe.Slice(x, n)
	for i := range d {
		if kept(key, threshold, i) {
			d[i] = u[i] + v[i]*scale
		} else {
			d[i] = u[i]
		}
	}
}

func adamGeneric(p, m, v, g *Float, n int, scale, b1, c1, b2, c2, rate, root, eps, decay Float) {
	ps, ms, vs, gs := unsafe.Slice(p, n), unsafe.Slice(m, n), unsafe.Slice(v, n), unsafe.Slice(g, n)
	for i := range ps {
		x := gs[i] * scale
		ms[i] = b1*ms[i] + c1*x
		vs[i] = b2*vs[i] + c2*x*x
		ps[i] = ps[i]*decay - rate*ms[i]/(Float(math.Sqrt(float64(vs[i])))*root+eps)
	}
}
