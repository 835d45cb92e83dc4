// Package optim updates parameters by their gradients.
package optim

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Optimizer moves parameters by their gradients.
type Optimizer interface {
	// ZeroGrad makes all gradients count as zero.
	ZeroGrad()
	// GradNorm returns the Euclidean norm of all gradients together.
	GradNorm() float64
	// Step moves the parameters by the gradients times scale, at the given rate.
	Step(rate, scale float64)
	// State lists what a checkpoint has to hold beside the parameters.
	State() []Moment
	// Resume continues after the given number of steps, with the state of then.
	Resume(steps int)
}

// Moment is what an optimiser remembers of every parameter: Data[i] of parameter
// i, called Name followed by the parameter's.
type Moment struct {
	Name string
	Data [][]tensor.Float
}

// Gradients are the gradients of a model's parameters.
type Gradients struct {
	params []nn.Param
	blocks []block
	rows   [][]int32 // of each parameter, those whose gradient can be other than zero; nil for all
	norm   *normLoop
}

// block is the part of a parameter that one task works on.
type block struct{ param, lo, hi int }

// blockSize is the number of elements of a block.
const blockSize = 1 << 16

// blocksOf cuts parameters into blocks.
func blocksOf(params []nn.Param) (all []block) {
	for i, p := range params {
		n := len(p.Tensor.Data)
		for lo := 0; lo < n; lo += blockSize {
			all = append(all, block{i, lo, min(lo+blockSize, n)})
		}
	}
	return all
}

func newGradients(params []nn.Param) Gradients {
	g := Gradients{params: params, blocks: blocksOf(params), rows: make([][]int32, len(params))}
	g.norm = &normLoop{g: g, squares: make([]float64, len(g.blocks))}
	return g
}

// ZeroGrad makes all gradients count as zero.
func (g *Gradients) ZeroGrad() {
	for _, p := range g.params {
		p.Tensor.ZeroGrad()
	}
}

// compute makes the gradients of parameters that no operation used zeros, and finds out
// which rows there are to look at.
func (g *Gradients) compute() {
	for i, p := range g.params {
		g.rows[i] = nil
		if rows, few := p.Tensor.GradientRows(); few {
			g.rows[i] = rows
		}
	}
}

// parts are the parts of a block whose gradients can be other than zero.
func (g *Gradients) parts(b block) iter.Seq2[int, int] {
	return func(yield func(lo, hi int) bool) {
		rows, cols := g.rows[b.param], g.params[b.param].Tensor.Cols()
		if rows == nil {
			yield(b.lo, b.hi)
			return
		}
		first, _ := slices.BinarySearch(rows, int32(b.lo/cols))
		for _, r := range rows[first:] {
			lo := int(r) * cols
			if lo >= b.hi || !yield(max(lo, b.lo), min(lo+cols, b.hi)) {
				return
			}
		}
	}
}

// GradNorm returns the Euclidean norm of all gradients together.
func (g *Gradients) GradNorm() float64 {
	g.compute()
	par.For(len(g.blocks), g.norm)
	sum := 0.0
	for _, s := range g.norm.squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// normLoop sums the squares of each block.
type normLoop struct {
	g       Gradients
	squares []float64
}

// Do implements par.Task.
func (l *normLoop) Do(i int) {
	b := l.g.blocks[i]
	grad := l.g.params[b.param].Tensor.Grad
	l.squares[i] = 0
	for lo, hi := range l.g.parts(b) {
		l.squares[i] += float64(kernel.SumSquares(grad[lo:hi], 0))
	}
}

// Clip returns the factor that brings a gradient of the given norm to at most
// limit (Pascanu et al. 2013, algorithm 1); a limit of 0 is none.
func Clip(norm, limit float64) float64 {
	if limit <= 0 || norm <= limit {
		return 1
	}
	return limit / norm
}

// Schedule is a learning rate over the course of training.
type Schedule struct {
	Kind   string  // noam, inverse-sqrt, linear, bert, constant or staircase
	Rate   float64 // the peak; of noam a factor of the paper's formula
	Warmup int     // steps of linear growth to the peak
	Total  int     // step at which linear and bert have come down to zero
	Dim    int     // d_model, for noam

	// Of staircase: after Hold epochs, and then every Every epochs, the rate is
	// multiplied by Factor.
	Hold, Every, Factor float64
}

// Kinds lists the schedules.
var Kinds = []string{"noam", "inverse-sqrt", "linear", "bert", "constant", "staircase"}

// Validate says what of a schedule cannot be.
func (s Schedule) Validate() error {
	switch s.Kind {
	case "noam", "inverse-sqrt":
		if s.Kind == "noam" && s.Dim < 1 {
			return fmt.Errorf("optim: schedule noam is of a model of dimension %d; want at least 1", s.Dim)
		}
		if s.Warmup < 1 {
			return fmt.Errorf("optim: schedule %s has a warmup of %d steps; want at least 1", s.Kind, s.Warmup)
		}
	case "linear", "bert":
		if s.Total <= s.Warmup {
			return fmt.Errorf("optim: schedule %s ends at step %d, within its warmup of %d; give it more steps or less warmup", s.Kind, s.Total, s.Warmup)
		}
	case "staircase":
		if !(s.Hold >= 0 && s.Every > 0 && s.Factor > 0 && s.Factor <= 1) {
			return fmt.Errorf("optim: schedule staircase holds for %v epochs and then goes down every %v epochs by %v; want 0 or more, more than 0, and a factor of up to 1",
				s.Hold, s.Every, s.Factor)
		}
	case "constant":
	default:
		return fmt.Errorf("optim: unknown schedule %q; want one of %v", s.Kind, Kinds)
	}
	if !(s.Rate > 0 && s.Rate <= math.MaxFloat64) { // or NaN
		return fmt.Errorf("optim: learning rate %v; want more than 0", s.Rate)
	}
	return nil
}

// At returns the learning rate of a step, the first being 1, before which the
// given number of epochs has passed.
func (s Schedule) At(step int, epochs float64) float64 {
	t, w := float64(step), float64(max(s.Warmup, 1))
	switch s.Kind {
	case "noam": // Vaswani et al. 2017, equation 3
		return s.Rate * math.Pow(float64(s.Dim), -0.5) * min(math.Pow(t, -0.5), t*math.Pow(w, -1.5))
	case "inverse-sqrt":
		return s.Rate * min(t/w, math.Sqrt(w/t))
	case "staircase": // Zaremba et al. 2014, section 4.1; Sutskever et al. 2014, section 3.4
		if epochs < s.Hold {
			return s.Rate
		}
		return s.Rate * math.Pow(s.Factor, 1+math.Floor((epochs-s.Hold)/s.Every))
	case "bert": // of its authors' code: it counts steps from 0, and falls from there on
		if step <= s.Warmup {
			return s.Rate * (t - 1) / w
		}
		return s.Rate * max(0, 1-(t-1)/float64(s.Total))
	}
	warm := min(t/w, 1)
	if s.Kind == "linear" && step > s.Warmup {
		return s.Rate * max(0, float64(s.Total-step)/float64(s.Total-s.Warmup))
	}
	return s.Rate * warm
}
