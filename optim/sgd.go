package optim

import (
	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// SGD is stochastic gradient descent without momentum.
type SGD struct {
	Gradients
	loop sgdLoop
}

// NewSGD returns an optimiser of params.
func NewSGD(params []nn.Param) *SGD {
	s := &SGD{Gradients: newGradients(params)}
	s.loop.s = s
	return s
}

// Step moves the parameters by the gradients times scale, at the given rate.
func (s *SGD) Step(rate, scale float64) {
	s.compute()
	s.loop.factor = tensor.Float(-rate * scale)
	par.For(len(s.blocks), &s.loop)
}

// State returns nothing: the method has no memory.
func (s *SGD) State() []Moment { return nil }

// Resume does nothing.
func (s *SGD) Resume(int) {}

type sgdLoop struct {
	s      *SGD
	factor tensor.Float
}

// Do implements par.Task.
func (l *sgdLoop) Do(i int) {
	b := l.s.blocks[i]
	p := l.s.params[b.param].Tensor
	for lo, hi := range l.s.parts(b) {
		kernel.Axpy(p.Data[lo:hi], p.Grad[lo:hi], l.factor)
	}
}
