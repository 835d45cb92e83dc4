package kernel

import "math"

// vector is one path's set of loops over slices; the exported functions say
// what each computes.
type vector struct {
	add          func(dst, a, b *Float, n int)
	addRows      func(dst, x *Float, n, rows, stride int)
	scaleAdd     func(dst *Float, n int, x, y Float)
	axpy         func(dst, a *Float, n int, x Float)
	mulAdd       func(dst, a, b *Float, n int)
	reluGrad     func(dy, y *Float, n int, scale Float)
	sum          func(x *Float, n int) Float
	dot          func(x, y *Float, n int) Float
	sumSquares   func(x *Float, n int, c Float) Float
	maximum      func(x *Float, n int) Float
	expSum       func(dst, x *Float, n int, scale, shift Float) Float
	softmaxGrad  func(dx, y, dy *Float, n int, dot, scale Float)
	tanh         func(dst, x *Float, n int)
	gelu         func(dst, x *Float, n, rows, stride int)
	geluGrad     func(dx, x, dy *Float, n int)
	geluTanh     func(dst, x *Float, n, rows, stride int)
	geluTanhGrad func(dx, x, dy *Float, n int)
	swish        func(dst, x *Float, n int)
	swishGrad    func(dx, x, dy *Float, n int)
	norm         func(dst, x, gain, shift *Float, n int, mean, rstd Float)
	normGradSums func(dy, x, gain *Float, n int, mean, rstd Float) (s0, s1 Float)
	normGrad     func(dx, dgain, dshift, dy, x, gain *Float, n int, mean, rstd, m0, m1 Float)
	drop         func(dst, x *Float, n int, scale Float, key, threshold uint32)
	dropAdd      func(dst, a, x *Float, n int, scale Float, key, threshold uint32)
	adam         func(p, m, v, g *Float, n int, scale, b1, c1, b2, c2, rate, root, eps, decay Float)
	logistic     func(dst, x *Float, n int)
	lstm         func(i, f, u, o, c, h, before *Float, n int)
	lstmGrad     func(i, f, u, o, dc, dh, c, before *Float, n int)
	gru          func(r, z, u, h, hr, hz, hu, before *Float, n int)
	gruGrad      func(r, z, u, hu, dh, before *Float, n int)
	tanhGrad     func(dy, y *Float, n int)
	logisticGrad func(dy, y *Float, n int)
}

// head returns the address of the first of n elements; it panics when x is
// shorter and returns nil when n is 0.
func head(x []Float, n int) *Float {
	if n == 0 {
		return nil
	}
	return &x[:n][0]
}

// Add computes dst = a + b over the length of dst.
func Add(dst, a, b []Float) {
	if n := len(dst); n > 0 {
		active.add(&dst[0], head(a, n), head(b, n), n)
	}
}

// AddRows adds rows of x, stride apart, to dst: dst[i] += x[r*stride+i].
func AddRows(dst, x []Float, rows, stride int) {
	if n := len(dst); n > 0 && rows > 0 {
		active.addRows(&dst[0], head(x, (rows-1)*stride+n), n, rows, stride)
	}
}

// ScaleAdd computes dst = dst*x + y.
func ScaleAdd(dst []Float, x, y Float) {
	if len(dst) > 0 {
		active.scaleAdd(&dst[0], len(dst), x, y)
	}
}

// Axpy computes dst += x*a over the length of dst.
func Axpy(dst, a []Float, x Float) {
	if n := len(dst); n > 0 {
		active.axpy(&dst[0], head(a, n), n, x)
	}
}

// MulAdd computes dst += a*b elementwise over the length of dst.
func MulAdd(dst, a, b []Float) {
	if n := len(dst); n > 0 {
		active.mulAdd(&dst[0], head(a, n), head(b, n), n)
	}
}

// ReLUGrad computes dy = dy*scale where y > 0 and 0 elsewhere, over the length
// of dy: the gradient of y = max(x, 0), and of dropout on it with that scale.
func ReLUGrad(dy, y []Float, scale Float) {
	if n := len(dy); n > 0 {
		active.reluGrad(&dy[0], head(y, n), n, scale)
	}
}

// Sum returns the sum of x.
func Sum(x []Float) Float { return active.sum(head(x, len(x)), len(x)) }

// Dot returns the sum of x*y over the length of x.
func Dot(x, y []Float) Float { return active.dot(head(x, len(x)), head(y, len(x)), len(x)) }

// SumSquares returns the sum of (x-c)².
func SumSquares(x []Float, c Float) Float { return active.sumSquares(head(x, len(x)), len(x), c) }

// Max returns the largest element of x, -Inf for none. NaN does not count.
func Max(x []Float) Float { return active.maximum(head(x, len(x)), len(x)) }

// ExpSum computes dst = e^(x*scale-shift) over the length of dst and returns
// the sum of dst. Results below the smallest normal number are 0, and those beyond the
// largest are the largest.
func ExpSum(dst, x []Float, scale, shift Float) Float {
	n := len(dst)
	return active.expSum(head(dst, n), head(x, n), n, scale, shift)
}

// Softmax computes dst = softmax(x*scale) over the length of dst. A row of
// which every element is -Inf gives zeros: nothing is attended to.
func Softmax(dst, x []Float, scale Float) {
	top := Max(x[:len(dst)])
	if math.IsInf(float64(top), -1) {
		clear(dst)
		return
	}
	s := ExpSum(dst, x, scale, top*scale)
	ScaleAdd(dst, 1/s, 0)
}

// SoftmaxGrad computes dx = y*(dy-dot)*scale over the length of dx, the
// gradient of y = softmax(x*scale) when dot is the sum of y*dy.
func SoftmaxGrad(dx, y, dy []Float, dot, scale Float) {
	if n := len(dx); n > 0 {
		active.softmaxGrad(&dx[0], head(y, n), head(dy, n), n, dot, scale)
	}
}

// Tanh computes dst = tanh x over the length of dst.
func Tanh(dst, x []Float) {
	if n := len(dst); n > 0 {
		active.tanh(&dst[0], head(x, n), n)
	}
}

// GELU computes dst = x/2·(1 + erf(x/√2)) over the length of dst (Hendrycks and
// Gimpel 2016, section 2).
func GELU(dst, x []Float) {
	if n := len(dst); n > 0 {
		active.gelu(&dst[0], head(x, n), n, 1, n)
	}
}

// GELUGrad adds to dx dy times the derivative of [GELU] at x.
func GELUGrad(dx, x, dy []Float) {
	if n := len(dx); n > 0 {
		active.geluGrad(&dx[0], head(x, n), head(dy, n), n)
	}
}

// GELUTanh computes dst = x/2·(1 + tanh(√(2/π)(x + 0.044715x³))) over the length
// of dst, their approximation of [GELU].
func GELUTanh(dst, x []Float) {
	if n := len(dst); n > 0 {
		active.geluTanh(&dst[0], head(x, n), n, 1, n)
	}
}

// GELUTanhGrad adds to dx dy times the derivative of [GELUTanh] at x.
func GELUTanhGrad(dx, x, dy []Float) {
	if n := len(dx); n > 0 {
		active.geluTanhGrad(&dx[0], head(x, n), head(dy, n), n)
	}
}

// Swish computes dst = x/(1 + e^-x) over the length of dst (Ramachandran et al.
// 2017, section 4, with β = 1; also called SiLU).
func Swish(dst, x []Float) {
	if n := len(dst); n > 0 {
		active.swish(&dst[0], head(x, n), n)
	}
}

// SwishGrad adds to dx dy times the derivative of [Swish] at x.
func SwishGrad(dx, x, dy []Float) {
	if n := len(dx); n > 0 {
		active.swishGrad(&dx[0], head(x, n), head(dy, n), n)
	}
}

// Norm computes dst = (x-mean)*rstd*gain + shift over the length of dst.
func Norm(dst, x, gain, shift []Float, mean, rstd Float) {
	if n := len(dst); n > 0 {
		active.norm(&dst[0], head(x, n), head(gain, n), head(shift, n), n, mean, rstd)
	}
}

// NormGrad adds the gradients of one row of [Norm] whose mean and reciprocal
// standard deviation were taken from the row itself.
func NormGrad(dx, dgain, dshift, dy, x, gain []Float, mean, rstd Float) {
	n := len(dx)
	if n == 0 {
		return
	}
	pdy, px, pg := head(dy, n), head(x, n), head(gain, n)
	s0, s1 := active.normGradSums(pdy, px, pg, n, mean, rstd)
	active.normGrad(&dx[0], head(dgain, n), head(dshift, n), pdy, px, pg, n, mean, rstd, s0/Float(n), s1/Float(n))
}

// Mask is a dropout mask that is never stored: element i is kept when a hash
// of Key and i reaches the threshold for Rate, so that the backward pass finds
// the mask of the forward pass again.
type Mask struct {
	Key  uint32
	Rate float64 // probability of dropping, in [0, 1)
}

// Scale is the factor 1/(1-Rate) of the elements that are kept.
func (m Mask) Scale() Float { return Float(1 / (1 - m.Rate)) }

func (m Mask) threshold() uint32 {
	// keepLanes keeps hash > threshold, hashes being 31 bits.
	return uint32(int64(m.Rate*(1<<31)) - 1)
}

// At returns the mask of the part of an array that starts at element i.
func (m Mask) At(i int) Mask { return Mask{Key: m.Key + uint32(i), Rate: m.Rate} }

// Drop computes dst = x*Scale where the mask keeps and 0 elsewhere, over the
// length of dst.
func (m Mask) Drop(dst, x []Float) {
	if n := len(dst); n > 0 {
		active.drop(&dst[0], head(x, n), n, m.Scale(), m.Key, m.threshold())
	}
}

// DropAdd computes dst = a + x*Scale where the mask keeps and a elsewhere.
func (m Mask) DropAdd(dst, a, x []Float) {
	if n := len(dst); n > 0 {
		active.dropAdd(&dst[0], head(a, n), head(x, n), n, m.Scale(), m.Key, m.threshold())
	}
}

// AdamStep holds the factors of one step of Adam (Kingma and Ba 2015,
// algorithm 1), bias corrections included.
type AdamStep struct {
	Scale        Float // of the gradient
	Beta1, Beta2 Float
	Rate         Float // step size over 1-Beta1^t
	Root         Float // 1/√(1-Beta2^t)
	Epsilon      Float
	Decay        Float // factor of the parameter: 1 - step size * weight decay
}

// Apply updates parameters p and moments m and v by gradients g.
func (s AdamStep) Apply(p, m, v, g []Float) {
	if n := len(p); n > 0 {
		active.adam(&p[0], head(m, n), head(v, n), head(g, n), n,
			s.Scale, s.Beta1, 1-s.Beta1, s.Beta2, 1-s.Beta2, s.Rate, s.Root, s.Epsilon, s.Decay)
	}
}
