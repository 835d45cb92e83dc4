package train

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

func TestWhatCannotBeTrainedIsRefused(t *testing.T) {
	o := smallConfig().Training
	o.Schedule, o.Warmup = "noam", 10
	if _, err := NewTrainer(o, 0, nil, nil); err == nil || !strings.Contains(err.Error(), "dimension 0") {
		t.Errorf("the schedule noam without a dimension: %v", err)
	}
	fit, valid := smallTexts()
	fit.Target = fit.Target[1:]
	if _, err := NewRunOf(t.TempDir(), smallConfig(), fit, valid); err == nil || !strings.Contains(err.Error(), "want as many") {
		t.Errorf("a side with a line less: %v", err)
	}
}

// TestAveragesForgetTheFirstWeights: their decay grows with the steps, up to what is asked for.
func TestAveragesForgetTheFirstWeights(t *testing.T) {
	x := tensor.New(1, 1)
	x.Data[0] = 1
	for step, decay := range map[int]float64{1: 2. / 11, 90: 0.91, 100_000: 0.999} {
		tr := &Trainer{Options: Options{EMA: 0.999}, params: []nn.Param{{Tensor: x}}, ema: [][]tensor.Float{{0}}}
		tr.state.Step = step
		tr.updateEMA()
		if got := float64(tr.ema[0][0]); math.Abs(got-(1-decay)) > 1e-6 {
			t.Errorf("step %d: the average of 0 and 1 is %v; want %v", step, got, 1-decay)
		}
	}
}

// TestStepsBelowTheFirstLossCountTwice: 150 steps above it and 10 below leave 130.
func TestStepsBelowTheFirstLossCountTwice(t *testing.T) {
	tr := &Trainer{}
	steps := func(n int, loss float64) error {
		for range n {
			if err := tr.diverged(loss, 1, 1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := errors.Join(steps(1, 4), steps(150, 6), steps(10, 4), steps(69, 6)); err != nil {
		t.Errorf("too early: %v", err)
	}
	if steps(1, 6) == nil {
		t.Error("no error after 200 steps above the first loss")
	}
}

// limited is a network that takes some tokens.
type limited struct {
	network
	most int
}

func (n limited) Limits() (start int32, maxLength int) { return 7, n.most }

func TestAnEnsembleTakesWhatAllOfItTake(t *testing.T) {
	e := ensemble{limited{most: 20}, []network{limited{most: 20}, limited{most: 8}, limited{most: 30}}}
	if start, most := e.Limits(); start != 7 || most != 8 {
		t.Errorf("begins with %d and takes %d tokens; want 7 and 8", start, most)
	}
}
