package train

import (
	"fmt"
	"math"
)

// A run has diverged when the loss of so many steps in a row is so many times that of the
// first, when it has not been below that of the first, and a margin, for so many steps, each
// step below counting twice, or when it is no number.
const (
	divergedSteps = 10
	divergedTimes = 100
	doubtfulSteps = 5 // above it, after which nothing is kept until there have been steps below
	doubtfulTimes = 2 // the first, at which nothing is kept either
	aboveSteps    = 200
	aboveTimes    = 1.2
	aboveBy       = 0.5
)

// diverged says whether the run has; nothing of it is to be kept then. The losses that are
// compared are of one prediction, and the given one is of so many on average.
func (t *Trainer) diverged(loss, predictions, norm float64) error {
	one := loss / predictions
	if t.state.First == 0 {
		t.state.First = one
	}
	if t.state.High++; one <= divergedTimes*(t.state.First+1) {
		t.state.High = 0
	}
	if t.state.Above++; one <= aboveTimes*t.state.First+aboveBy {
		t.state.Above = max(t.state.Above-3, 0)
	}
	t.state.Far = one > doubtfulTimes*(t.state.First+1)
	if isFinite(loss) && isFinite(norm) && t.state.High < divergedSteps && t.state.Above < aboveSteps {
		return nil
	}
	return t.divergence(loss, norm)
}

// Divergence is the error of a training whose loss has exploded.
type Divergence struct {
	Step       int
	Loss, Norm float64 // of the gradient
	Best       int     // the step of the best validation, whose weights are kept; 0 where there was none
}

func (d *Divergence) Error() string {
	kept := "nothing of the run is kept"
	if d.Best > 0 {
		kept = fmt.Sprintf("kept are the weights of step %d, the best before", d.Best)
	}
	return fmt.Sprintf("train: at step %d the loss is %.4g and the norm of its gradient %.4g; %s: train in another folder, with a lower rate, a longer warmup or a smaller clip",
		d.Step, d.Loss, d.Norm, kept)
}

func (t *Trainer) divergence(loss, norm float64) error {
	return &Divergence{t.state.Step, loss, norm, t.state.BestAt}
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// doubtful says whether the run may be diverging.
func (t *Trainer) doubtful() bool { return t.state.High > 0 || t.state.Above > doubtfulSteps }
