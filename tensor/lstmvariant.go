package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// isVariant says whether the layer is more than the kernels of LSTM compute.
func (o *lstmOp) isVariant() bool { return o.coupled || o.peephole != nil }

// variant is kernel.LSTM with coupled gates, peepholes or both.
func (o *lstmOp) variant(gates, c, h, before []Float) {
	n := len(h)
	i, f, u, out := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:]
	if o.peephole != nil {
		kernel.MulAdd(i, o.peephole.Row(0), before)
		kernel.MulAdd(f, o.peephole.Row(1), before)
	}
	kernel.Logistic(i, i)
	kernel.Tanh(u, u)
	if o.coupled {
		for j, x := range i {
			f[j] = 1 - x
		}
	} else {
		kernel.Logistic(f, f)
	}
	for j := range c {
		c[j] = f[j]*before[j] + i[j]*u[j]
	}
	if o.peephole != nil {
		kernel.MulAdd(out, o.peephole.Row(2), c)
	}
	kernel.Logistic(out, out)
	kernel.Tanh(h, c)
	for j := range h {
		h[j] *= out[j]
	}
}

// variantGrad is kernel.LSTMGrad for variant, given the outputs h instead of the cells.
func (o *lstmOp) variantGrad(gates, dc, dh, h, before []Float) {
	n := len(dh)
	i, f, u, out := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:]
	var pi, pf, po Float
	for j := range dh {
		if p := o.peephole; p != nil {
			pi, pf, po = p.Data[j], p.Data[n+j], p.Data[2*n+j]
		}
		gi, gf, gu, gate := i[j], f[j], u[j], out[j]
		squashed := Float(0) // tanh c; a closed gate passes nothing, whatever it is
		if gate > 0 {
			squashed = h[j] / gate
		}
		do := dh[j] * squashed * gate * (1 - gate)
		d := dc[j] + dh[j]*gate*(1-squashed*squashed) + po*do
		di, df := d*gu, d*before[j]
		if o.coupled {
			di, df = di-df, 0
		}
		i[j], f[j] = di*gi*(1-gi), df*gf*(1-gf)
		u[j], out[j] = d*gi*(1-gu*gu), do
		dc[j] = d*gf + pi*i[j] + pf*f[j]
	}
}

// peepholeGrad adds the gradient by columns lo to hi of the peepholes, given that by
// what the gates are computed from.
func (o *lstmOp) peepholeGrad(lo, hi int) {
	n, dp := o.h.cols, o.peephole.Grad
	for step := range o.Steps.Len() {
		before := o.state(o.cell, o.c, step)
		for r := range o.Steps.Width(step) {
			row := o.Steps[step] + r
			d, c := o.x.Row(row), o.c.Row(row)
			kernel.MulAdd(dp[lo:hi], d[lo:hi], before[r*n+lo:r*n+hi])
			kernel.MulAdd(dp[n+lo:n+hi], d[n+lo:n+hi], before[r*n+lo:r*n+hi])
			kernel.MulAdd(dp[2*n+lo:2*n+hi], d[3*n+lo:3*n+hi], c[lo:hi])
		}
	}
}
