package kernel

// Logistic computes dst = 1/(1 + e^-x) over the length of dst.
func Logistic(dst, x []Float) {
	if n := len(dst); n > 0 {
		active.logistic(&dst[0], head(x, n), n)
	}
}

// LSTM computes one step of the units of an LSTM. gates holds what the input
// gate i, the forget gate f, the cell input u and the output gate o are computed
// from, len(h) elements each, and then they themselves:
//
//	i = σ(i), f = σ(f), u = tanh u, o = σ(o), c = f∘before + i∘u, h = o∘tanh c
func LSTM(gates, c, h, before []Float) {
	n := len(h)
	if n == 0 {
		return
	}
	g := gates[:4*n]
	active.lstm(&g[0], &g[n], &g[2*n], &g[3*n], head(c, n), &h[0], head(before, n), n)
}

// LSTMGrad is the way back through [LSTM]: it turns the gates into the gradient
// by what they were computed from. dh is the gradient by h, and dc that by c as
// far as it comes from later steps; dc becomes the gradient by before.
func LSTMGrad(gates, dc, dh, c, before []Float) {
	n := len(dh)
	if n == 0 {
		return
	}
	g := gates[:4*n]
	active.lstmGrad(&g[0], &g[n], &g[2*n], &g[3*n], head(dc, n), &dh[0], head(c, n), head(before, n), n)
}

// GRU computes one step of the units of a gated recurrent unit. gates holds what
// of the reset gate r, the update gate z and the candidate u comes from the
// input, len(h) elements each, and then they themselves; product holds what comes
// from the output before:
//
//	r = σ(r + product_r), z = σ(z + product_z), u = tanh(u + r∘product_u),
//	h = (1-z)∘u + z∘before
func GRU(gates, h, product, before []Float) {
	n := len(h)
	if n == 0 {
		return
	}
	g, p := gates[:3*n], product[:3*n]
	active.gru(&g[0], &g[n], &g[2*n], &h[0], &p[0], &p[n], &p[2*n], head(before, n), n)
}

// GRUGrad is the way back through [GRU]: it turns the gates into the gradient by
// what they were computed from, and the last third of product into the gradient
// by itself; that by the others is the same as by the gates. dh is the gradient
// by h and becomes that by before, as far as the update gate passes it on.
func GRUGrad(gates, dh, product, before []Float) {
	n := len(dh)
	if n == 0 {
		return
	}
	g := gates[:3*n]
	active.gruGrad(&g[0], &g[n], &g[2*n], &product[2*n : 3*n][0], &dh[0], head(before, n), n)
}

// TanhGrad computes dy = dy∘(1-y²) over the length of dy: the gradient of
// y = tanh x.
func TanhGrad(dy, y []Float) {
	if n := len(dy); n > 0 {
		active.tanhGrad(&dy[0], head(y, n), n)
	}
}

// LogisticGrad computes dy = dy∘y∘(1-y) over the length of dy: the gradient of
// y = σ(x).
func LogisticGrad(dy, y []Float) {
	if n := len(dy); n > 0 {
		active.logisticGrad(&dy[0], head(y, n), n)
	}
}
