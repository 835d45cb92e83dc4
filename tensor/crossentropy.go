package tensor

import (
	"math"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
)

// Ignore is the target of a row that does not count.
const Ignore int32 = -1

// CrossEntropy is how far predicted distributions are from targets.
type CrossEntropy struct {
	Smoothing float64 // ε of label smoothing (Szegedy et al. 2016, section 7)
	Scale     float64 // factor of the loss, 1/tokens for the mean
	// LogProbs, if set, receives the log-probability of each row's target, 0
	// where the row does not count.
	LogProbs []float64
}

// Likelihood is what a loss says beyond its value.
type Likelihood struct {
	LogProb float64 // sum of the targets' log-probabilities, natural logarithm
	Tokens  int     // targets that count
	Correct int     // of them, how many had the highest probability
}

// Add adds the targets of another batch.
func (l *Likelihood) Add(other Likelihood) {
	l.LogProb += other.LogProb
	l.Tokens += other.Tokens
	l.Correct += other.Correct
}

type crossEntropyOp struct {
	loop[crossEntropyOp]
	CrossEntropy
	logits, loss *Tensor
	rows         *Tensor // (rows, 3): loss, log-probability, 1 if right
	targets      []int32
}

var crossEntropyOps pool[crossEntropyOp]

// CrossEntropy returns the loss of softmax(logits) against targets, one a row:
// Scale · Σ -Σ_v q(v)·log p(v) with q = (1-ε)·[v = target] + ε/V. It overwrites
// logits with their gradient where what computed them does not need them any more; no
// other operation may read them.
func (t *Tape) CrossEntropy(logits *Tensor, targets []int32, c CrossEntropy) (loss *Tensor, l Likelihood) {
	if len(targets) != logits.rows {
		misfit("CrossEntropy", "%d targets for %d rows", len(targets), logits.rows)
	}
	if c.LogProbs != nil && len(c.LogProbs) != logits.rows {
		misfit("CrossEntropy", "room for %d log-probabilities of %d rows", len(c.LogProbs), logits.rows)
	}
	for i, id := range targets {
		if id < Ignore || int(id) >= logits.cols {
			misfit("CrossEntropy", "target %d at %d; there are %d classes", id, i, logits.cols)
		}
	}
	logits = t.loosen(logits)
	o := crossEntropyOps.Get()
	o.CrossEntropy, o.logits, o.targets = c, logits, targets
	o.loss, o.rows = t.new(1, 1), t.new(logits.rows, 3)
	o.each(o, logits.rows, rowGrain(logits.cols), (*crossEntropyOp).forward)
	var sum float64
	for r, id := range targets {
		if c.LogProbs != nil {
			c.LogProbs[r] = 0
		}
		if id == Ignore {
			continue
		}
		row := o.rows.Row(r)
		if c.LogProbs != nil {
			c.LogProbs[r] = float64(row[1])
		}
		sum += float64(row[0])
		l.LogProb += float64(row[1])
		l.Correct += int(row[2])
		l.Tokens++
	}
	o.loss.Data[0] = Float(sum * c.Scale)
	loss = o.loss
	t.done(o)
	return loss, l
}

func (o *crossEntropyOp) result() *Tensor { return o.loss }
func (o *crossEntropyOp) release()        { crossEntropyOps.put(o) }

func (o *crossEntropyOp) forward(lo, hi int) {
	classes := Float(o.logits.cols)
	eps, scale := Float(o.Smoothing), Float(o.Scale)
	for r := lo; r < hi; r++ {
		x, target := o.logits.Row(r), o.targets[r]
		if target == Ignore {
			clear(x)
			continue
		}
		top, right := kernel.Max(x), Float(0)
		if x[target] == top {
			right = 1
		}
		at := x[target] - top
		mean := Float(0)
		if eps > 0 {
			mean = kernel.Sum(x)/classes - top
		}
		sum := kernel.ExpSum(x, x, 1, top)
		logZ := Float(math.Log(float64(sum)))
		copy(o.rows.Row(r), []Float{logZ - (1-eps)*at - eps*mean, at - logZ, right})
		kernel.ScaleAdd(x, scale/sum, -scale*eps/classes)
		x[target] -= scale * (1 - eps)
	}
}

// backward hands the gradient that forward has left in the logits on: their
// memory becomes that of their gradient.
func (o *crossEntropyOp) backward(*Tape) {
	x := o.logits
	takeGradient(x)
	if d := o.loss.Grad[0]; d != 1 {
		kernel.ScaleAdd(x.Grad, d, 0)
	}
}
