package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// Elman is a plain recurrent layer.
type Elman struct {
	Recurrence            // Weight is (H, H)
	Activation Activation // Tanh, Logistic or ReLU
}

type elmanOp struct {
	loop[elmanOp]
	scan
	activation Activation
	x, dh      *Tensor
}

var elmanOps pool[elmanOp]

// Elman returns the outputs of all steps, (rows, H), given what the input adds,
// (rows, H) (Elman 1990):
//
//	h = f(x + W·h')
//
// where h' is the output of the step before. It overwrites x as
// CrossEntropy does logits.
func (t *Tape) Elman(x *Tensor, l Elman) *Tensor {
	if a := l.Activation; a != Tanh && a != Logistic && a != ReLU {
		misfit("Elman", "activation %d; want Tanh, Logistic or ReLU", a)
	}
	l.check("Elman", x, 1)
	x = t.loosen(x)
	o := elmanOps.Get()
	o.begin(t, l.Recurrence)
	o.x, o.activation = x, l.Activation
	for o.step = 0; o.step < o.Steps.Len(); o.step++ {
		if !o.first(o.step) {
			o.product(o.step, x.Data[o.Steps[o.step]*x.cols:], kernel.Epilogue{Add: true})
		}
		o.each(o, o.Steps.Width(o.step), unitGrain(o.h.cols), (*elmanOp).forward)
	}
	h := o.h
	t.done(o)
	return h
}

func (o *elmanOp) result() *Tensor { return o.h }

func (o *elmanOp) release() {
	o.end()
	o.x, o.dh = nil, nil
	elmanOps.Put(o)
}

// span returns where rows lo to hi of the current step are.
func (o *elmanOp) span(lo, hi int) (from, to int) {
	first, n := o.Steps[o.step], o.h.cols
	return (first + lo) * n, (first + hi) * n
}

func (o *elmanOp) forward(lo, hi int) {
	from, to := o.span(lo, hi)
	h, x := o.h.Data[from:to], o.x.Data[from:to]
	switch o.activation {
	case Tanh:
		kernel.Tanh(h, x)
	case Logistic:
		kernel.Logistic(h, x)
	case ReLU:
		for i, v := range x {
			h[i] = max(v, 0)
		}
	}
}

func (o *elmanOp) backward(t *Tape) {
	o.dh = o.beginBack(t)
	for o.step = o.Steps.Len() - 1; o.step >= 0; o.step-- {
		o.addLater(o.dh, o.h)
		o.each(o, o.Steps.Width(o.step), unitGrain(o.h.cols), (*elmanOp).grad)
		o.productBack(o.dh, o.x.Data, kernel.Epilogue{})
	}
	o.endBack(t, o.dh, o.x.Data)
	takeGradient(o.x)
}

// grad leaves the gradient by what the activation is of in x.
func (o *elmanOp) grad(lo, hi int) {
	from, to := o.span(lo, hi)
	h, dx := o.h.Data[from:to], o.x.Data[from:to]
	copy(dx, o.dh.Data[lo*o.h.cols:])
	switch o.activation {
	case Tanh:
		kernel.TanhGrad(dx, h)
	case Logistic:
		kernel.LogisticGrad(dx, h)
	case ReLU:
		kernel.ReLUGrad(dx, h, 1)
	}
}
