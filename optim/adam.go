// Package optim updates parameters by their gradients.
package optim

import (
	"fmt"
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Adam is the optimiser of Kingma and Ba (2015, algorithm 1), with decoupled
// weight decay (Loshchilov and Hutter 2019) where asked for.
type Adam struct {
	Beta1, Beta2, Epsilon float64
	WeightDecay           float64 // of matrices; gains, shifts and biases are left alone

	params []nn.Param
	// M and V are the moments of each parameter, T the number of steps taken:
	// the state that a checkpoint holds.
	M, V [][]tensor.Float
	T    int

	blocks []block
	loop   adamLoop
}

// block is the part of a parameter that one task works on.
type block struct{ param, lo, hi int }

// blockSize is the number of elements of a block.
const blockSize = 1 << 16

// NewAdam returns an optimiser of params with moments zero.
func NewAdam(params []nn.Param, beta1, beta2, epsilon, weightDecay float64) *Adam {
	a := &Adam{Beta1: beta1, Beta2: beta2, Epsilon: epsilon, WeightDecay: weightDecay, params: params}
	for i, p := range params {
		n := len(p.Tensor.Data)
		a.M, a.V = append(a.M, kernel.Alloc(n)), append(a.V, kernel.Alloc(n))
		for lo := 0; lo < n; lo += blockSize {
			a.blocks = append(a.blocks, block{i, lo, min(lo+blockSize, n)})
		}
	}
	a.loop.a = a
	a.loop.squares = make([]float64, len(a.blocks))
	return a
}

// ZeroGrad makes all gradients count as zero.
func (a *Adam) ZeroGrad() {
	for _, p := range a.params {
		p.Tensor.ZeroGrad()
	}
}

// GradNorm returns the Euclidean norm of all gradients together.
func (a *Adam) GradNorm() float64 {
	for _, p := range a.params {
		p.Tensor.Gradient()
	}
	a.loop.norm = true
	par.For(len(a.blocks), &a.loop)
	sum := 0.0
	for _, s := range a.loop.squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// Step moves the parameters by the gradients times scale, at the given rate.
func (a *Adam) Step(rate, scale float64) {
	for _, p := range a.params {
		p.Tensor.Gradient()
	}
	a.T++
	t := float64(a.T)
	a.loop.norm = false
	a.loop.step = kernel.AdamStep{
		Scale: tensor.Float(scale),
		Beta1: tensor.Float(a.Beta1), Beta2: tensor.Float(a.Beta2), Epsilon: tensor.Float(a.Epsilon),
		Rate:  tensor.Float(rate / (1 - math.Pow(a.Beta1, t))),
		Root:  tensor.Float(1 / math.Sqrt(1-math.Pow(a.Beta2, t))),
		Decay: 1,
	}
	a.loop.decay = tensor.Float(1 - rate*a.WeightDecay)
	par.For(len(a.blocks), &a.loop)
}

// adamLoop runs over the blocks of all parameters.
type adamLoop struct {
	a       *Adam
	norm    bool // sum squares instead of taking a step
	squares []float64
	step    kernel.AdamStep
	decay   tensor.Float
}

// Do implements par.Task.
func (l *adamLoop) Do(i int) {
	b := l.a.blocks[i]
	p := l.a.params[b.param].Tensor
	g := p.Grad[b.lo:b.hi]
	if l.norm {
		l.squares[i] = float64(kernel.SumSquares(g, 0))
		return
	}
	step := l.step
	if p.Rows() > 1 {
		step.Decay = l.decay
	}
	step.Apply(p.Data[b.lo:b.hi], l.a.M[b.param][b.lo:b.hi], l.a.V[b.param][b.lo:b.hi], g)
}

// Clip returns the factor that brings a gradient of the given norm to at most
// limit (Pascanu et al. 2013, algorithm 1); a limit of 0 is none.
func Clip(norm, limit float64) float64 {
	if limit <= 0 || norm <= limit {
		return 1
	}
	return limit / norm
}

// Schedule is a learning rate by step, the first being 1.
type Schedule struct {
	Kind   string  // noam, inverse-sqrt, linear or constant
	Rate   float64 // the peak; of noam a factor of the paper's formula
	Warmup int     // steps of linear growth to the peak
	Total  int     // step at which linear has come down to zero
	Dim    int     // d_model, for noam
}

// Kinds lists the schedules.
var Kinds = []string{"noam", "inverse-sqrt", "linear", "constant"}

// Validate says what of a schedule cannot be.
func (s Schedule) Validate() error {
	switch s.Kind {
	case "noam", "inverse-sqrt":
		if s.Warmup < 1 {
			return fmt.Errorf("optim: schedule %s has a warmup of %d steps; want at least 1", s.Kind, s.Warmup)
		}
	case "linear":
		if s.Total <= s.Warmup {
			return fmt.Errorf("optim: schedule linear ends at step %d, within its warmup of %d; give it more steps", s.Total, s.Warmup)
		}
	case "constant":
	default:
		return fmt.Errorf("optim: unknown schedule %q; want one of %v", s.Kind, Kinds)
	}
	if s.Rate <= 0 {
		return fmt.Errorf("optim: learning rate %v; want more than 0", s.Rate)
	}
	return nil
}

// At returns the learning rate of a step.
func (s Schedule) At(step int) float64 {
	t, w := float64(step), float64(max(s.Warmup, 1))
	switch s.Kind {
	case "noam": // Vaswani et al. 2017, equation 3
		return s.Rate * math.Pow(float64(s.Dim), -0.5) * min(math.Pow(t, -0.5), t*math.Pow(w, -1.5))
	case "inverse-sqrt":
		return s.Rate * min(t/w, math.Sqrt(w/t))
	}
	warm := min(t/w, 1)
	if s.Kind == "linear" && step > s.Warmup {
		return s.Rate * max(0, float64(s.Total-step)/float64(s.Total-s.Warmup))
	}
	return s.Rate * warm
}
