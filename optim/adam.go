package optim

import (
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Adam is the optimiser of Kingma and Ba (2015, algorithm 1), with decoupled
// weight decay (Loshchilov and Hutter 2019) where asked for.
type Adam struct {
	Gradients
	Beta1, Beta2, Epsilon float64
	WeightDecay           float64 // of what has more than one row or is tagged as a matrix; gains, shifts, biases and the vectors of scores are left alone
	// Uncorrected leaves the moments as they are: they begin at 0 and are too small at
	// first. BERT was trained so (Devlin et al. 2018, appendix A.2, and its code).
	Uncorrected bool

	// M and V are the moments of each parameter, T the number of steps taken:
	// the state that a checkpoint holds.
	M, V [][]tensor.Float
	T    int

	loop adamLoop
}

// NewAdam returns an optimiser of params with moments zero.
func NewAdam(params []nn.Param, beta1, beta2, epsilon, weightDecay float64) *Adam {
	a := &Adam{Gradients: newGradients(params), Beta1: beta1, Beta2: beta2, Epsilon: epsilon, WeightDecay: weightDecay}
	for _, p := range params {
		n := len(p.Tensor.Data)
		a.M, a.V = append(a.M, kernel.Alloc(n)), append(a.V, kernel.Alloc(n))
	}
	a.loop.a = a
	return a
}

// Step moves the parameters by the gradients times scale, at the given rate.
func (a *Adam) Step(rate, scale float64) {
	a.loop.step = a.next(rate, scale)
	a.loop.decay = tensor.Float(1 - rate*a.WeightDecay)
	par.For(len(a.blocks), &a.loop)
}

// next begins a step and returns its factors, of what does not decay.
func (a *Adam) next(rate, scale float64) kernel.AdamStep {
	a.compute()
	a.T++
	correct1, correct2 := 1.0, 1.0
	if !a.Uncorrected {
		correct1, correct2 = 1-math.Pow(a.Beta1, float64(a.T)), 1-math.Pow(a.Beta2, float64(a.T))
	}
	return kernel.AdamStep{
		Scale: tensor.Float(scale),
		Beta1: tensor.Float(a.Beta1), Beta2: tensor.Float(a.Beta2), Epsilon: tensor.Float(a.Epsilon),
		Rate:  tensor.Float(rate / correct1),
		Root:  tensor.Float(1 / math.Sqrt(correct2)),
		Decay: 1,
	}
}

// decays says whether weight decay is for a parameter: matrices alone.
func decays(p nn.Param) bool { return p.Matrix || p.Tensor.Rows() > 1 }

// State returns the moments.
func (a *Adam) State() []Moment { return []Moment{{"adam.m.", a.M}, {"adam.v.", a.V}} }

// Resume continues after the given number of steps, with the moments of then.
func (a *Adam) Resume(steps int) { a.T = steps }

// adamLoop takes a step, block by block.
type adamLoop struct {
	a     *Adam
	step  kernel.AdamStep
	decay tensor.Float
}

// Do implements par.Task.
func (l *adamLoop) Do(i int) {
	b := l.a.blocks[i]
	p := l.a.params[b.param].Tensor
	step := l.step
	if decays(l.a.params[b.param]) {
		step.Decay = l.decay
	}
	step.Apply(p.Data[b.lo:b.hi], l.a.M[b.param][b.lo:b.hi], l.a.V[b.param][b.lo:b.hi], p.Grad[b.lo:b.hi])
}
