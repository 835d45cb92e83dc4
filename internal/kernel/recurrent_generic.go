package kernel

import "unsafe"

func lstmGeneric(i, f, u, o, c, h, before *Float, n int) {
	gi, gf, gg, gout := unsafe.Slice(i, n), unsafe.Slice(f, n), unsafe.Slice(u, n), unsafe.Slice(o, n)
	cell, out, old := unsafe.Slice(c, n), unsafe.Slice(h, n), unsafe.Slice(before, n)
	for j := range out {
		gi[j], gf[j], gg[j], gout[j] = logistic(gi[j]), logistic(gf[j]), tanh(gg[j]), logistic(gout[j])
		cell[j] = gf[j]*old[j] + gi[j]*gg[j]
		out[j] = gout[j] * tanh(cell[j])
	}
}

func lstmGradGeneric(i, f, u, o, dc, dh, c, before *Float, n int) {
	gi, gf, gg, gout := unsafe.Slice(i, n), unsafe.Slice(f, n), unsafe.Slice(u, n), unsafe.Slice(o, n)
	dcell, dout, cell, old := unsafe.Slice(dc, n), unsafe.Slice(dh, n), unsafe.Slice(c, n), unsafe.Slice(before, n)
	for j := range dout {
		in, forget, input, out, t := gi[j], gf[j], gg[j], gout[j], tanh(cell[j])
		d := dcell[j] + dout[j]*out*(1-t*t)
		gi[j] = d * input * in * (1 - in)
		gf[j] = d * old[j] * forget * (1 - forget)
		gg[j] = d * in * (1 - input*input)
		gout[j] = dout[j] * t * out * (1 - out)
		dcell[j] = d * forget
	}
}

func gruGeneric(r, z, u, h, hr, hz, hu, before *Float, n int) {
	gr, gz, gu, out := unsafe.Slice(r, n), unsafe.Slice(z, n), unsafe.Slice(u, n), unsafe.Slice(h, n)
	pr, pz, pu, old := unsafe.Slice(hr, n), unsafe.Slice(hz, n), unsafe.Slice(hu, n), unsafe.Slice(before, n)
	for j := range out {
		gr[j], gz[j] = logistic(gr[j]+pr[j]), logistic(gz[j]+pz[j])
		gu[j] = tanh(gu[j] + gr[j]*pu[j])
		out[j] = gu[j] + gz[j]*(old[j]-gu[j])
	}
}

func gruGradGeneric(r, z, u, hu, dh, before *Float, n int) {
	gr, gz, gu := unsafe.Slice(r, n), unsafe.Slice(z, n), unsafe.Slice(u, n)
	pu, d, old := unsafe.Slice(hu, n), unsafe.Slice(dh, n), unsafe.Slice(before, n)
	for j := range d {
		reset, update, candidate := gr[j], gz[j], gu[j]
		du := d[j] * (1 - update) * (1 - candidate*candidate)
		gz[j] = d[j] * (old[j] - candidate) * update * (1 - update)
		gr[j] = du * pu[j] * reset * (1 - reset)
		gu[j] = du
		pu[j] = du * reset
		d[j] *= update
	}
}

func tanhGradGeneric(dy, y *Float, n int) {
	d, v := unsafe.Slice(dy, n), unsafe.Slice(y, n)
	for i := range d {
		d[i] *= 1 - v[i]*v[i]
	}
}

func logisticGradGeneric(dy, y *Float, n int) {
	d, v := unsafe.Slice(dy, n), unsafe.Slice(y, n)
	for i := range d {
		d[i] *= v[i] * (1 - v[i])
	}
}
