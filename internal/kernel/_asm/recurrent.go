package main

import (
	. "github.com/mmcloughlin/avo/build"
)

var recurrent = []loop{
	{
		name: "logistic", doc: "computes dst = 1 / (1 + e^-x).", in: []string{"x"}, out: []string{"dst"}, resident: true,
		body: func(b *body) vecs { return vecs{b.swishGate(b.in[0])} },
	},
	{
		name: "lstm", doc: "computes one step of an LSTM's units, the gates i, f and o and\nthe cell input u in place:\ni = σ(i), f = σ(f), u = tanh u, o = σ(o), c = f*before + i*u, h = o*tanh c.",
		in: []string{"i", "f", "u", "o", "before"}, out: []string{"i", "f", "u", "o", "c", "h"},
		body: func(b *body) vecs {
			i, f, g, o := b.swishGate(b.in[0]), b.swishGate(b.in[1]), b.tanh(b.in[2]), b.swishGate(b.in[3])
			c := b.in[4]
			VMULPS(f, c, c)
			VFMADD231PS(i, g, c)
			h := b.tanh(c)
			VMULPS(o, h, h)
			return vecs{i, f, g, o, c, h}
		},
	},
	{
		name: "lstmGrad", doc: "turns the gates i, f and o and the cell input u of one step of an LSTM's units into the\ngradients by what they were computed from, given dh and what of the gradient by c\ncomes from later steps, which becomes that by the cell before:\nt = tanh c, o = dh*t*o(1-o), dc += dh*o*(1-t²), i = dc*u*i(1-i), f = dc*before*f(1-f), u = dc*i*(1-u²), dc = dc*f.",
		in: []string{"i", "f", "u", "o", "dc", "dh", "c", "before"}, out: []string{"i", "f", "u", "o", "dc"},
		body: func(b *body) vecs {
			i, f, g, o, dc, dh, before := b.in[0], b.in[1], b.in[2], b.in[3], b.in[4], b.in[5], b.in[7]
			t := b.tanh(b.in[6])
			u, w := b.vec(), b.vec()
			// dc += dh·o·(1-t²)
			VMULPS(o, dh, u)
			VMULPS(t, t, w)
			VFNMADD213PS(u, u, w) // u - u·t²
			VADDPS(w, dc, dc)
			// o = u·t·(1-o)
			VMULPS(t, u, u)
			VFNMADD213PS(u, u, o)
			// before = dc·before·f(1-f), the gradient by f
			VMULPS(dc, before, before)
			VMULPS(f, before, before)
			VMOVAPS(f, w)
			VFNMADD213PS(before, before, w)
			// u = dc·i, g' = u·(1-g²), i' = u·g·(1-i)
			VMULPS(dc, i, u)
			VMULPS(g, u, before)
			VMULPS(g, g, g)
			VFNMADD213PS(u, u, g)
			VFNMADD213PS(before, before, i)
			VMULPS(f, dc, dc)
			return vecs{i, w, g, o, dc}
		},
	},
	{
		name: "gru", doc: "computes one step of the units of a GRU, the gates r and z and the candidate u\nin place, where the products with the step before are hr, hz and hu:\nr = σ(r+hr), z = σ(z+hz), u = tanh(u + r*hu), h = u + z*(before-u).",
		in: []string{"r", "z", "u", "hr", "hz", "hu", "before"}, out: []string{"r", "z", "u", "h"},
		body: func(b *body) vecs {
			r, z, u, hu, before := b.in[0], b.in[1], b.in[2], b.in[5], b.in[6]
			VADDPS(b.in[3], r, r)
			VADDPS(b.in[4], z, z)
			r, z = b.swishGate(r), b.swishGate(z)
			VFMADD231PS(r, hu, u)
			u = b.tanh(u)
			VSUBPS(u, before, before)
			VFMADD213PS(u, z, before)
			return vecs{r, z, u, before}
		},
	},
	{
		name: "gruGrad", doc: "turns r, z and u of one step of the units of a GRU into the gradients by\nwhat they were computed from, and hu into that by itself, given dh, which becomes that by the\noutput before as far as z passes it on:\nz = dh*(before-u)*z(1-z), u = dh*(1-z)*(1-u²), r = u*hu*r(1-r), hu = u*r, dh = dh*z.",
		in: []string{"r", "z", "u", "hu", "dh", "before"}, out: []string{"r", "z", "u", "hu", "dh"},
		body: func(b *body) vecs {
			r, z, u, hu, dh, before := b.in[0], b.in[1], b.in[2], b.in[3], b.in[4], b.in[5]
			pass, stay := b.vec(), b.vec()
			VMULPS(z, dh, pass) // dh·z
			VSUBPS(pass, dh, stay)
			VSUBPS(u, before, before)
			VMULPS(pass, before, before) // dh·(before-u)·z
			VFNMADD213PS(before, before, z)
			VMULPS(u, u, u)
			VFNMADD213PS(stay, stay, u)
			VMULPS(u, hu, hu)
			VMULPS(r, hu, hu) // u·hu·r
			t := b.vec()
			VMULPS(u, r, t)
			VFNMADD213PS(hu, hu, r)
			return vecs{r, z, u, t, pass}
		},
	},
	{
		name: "tanhGrad", doc: "computes dy = dy*(1-y²).", in: []string{"dy", "y"}, out: []string{"dy"},
		body: func(b *body) vecs {
			VMULPS(b.in[1], b.in[1], b.in[1])
			VFNMADD213PS(b.in[0], b.in[0], b.in[1])
			return b.in[1:]
		},
	},
	{
		name: "logisticGrad", doc: "computes dy = dy*y(1-y).", in: []string{"dy", "y"}, out: []string{"dy"},
		body: func(b *body) vecs {
			VMULPS(b.in[1], b.in[0], b.in[0])
			VFNMADD213PS(b.in[0], b.in[0], b.in[1])
			return b.in[1:]
		},
	},
}
