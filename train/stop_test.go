package train

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// told is a task of one number whose validations are told beforehand, one a step.
type told struct {
	x      *tensor.Tensor
	losses []float64
	n      int // validations so far
}

func (t *told) Params() []nn.Param { return []nn.Param{{Names: []string{"x"}, Tensor: t.x}} }
func (t *told) Epoch(int) int      { return 1 }
func (t *told) Targets(int) int    { return 1 }

func (t *told) Loss(tape *tensor.Tape, _ *nn.Dropout, _ int, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	return tape.SquaredError(t.x, []tensor.Float{0}, scale), tensor.Likelihood{Tokens: 1}
}

func (t *told) Validate(context.Context) (Validation, error) {
	t.n++
	return Validation{Loss: t.losses[t.n-1]}, nil
}

// TestPatienceEndsRunsWithoutProgress is told losses of validations.
func TestPatienceEndsRunsWithoutProgress(t *testing.T) {
	for name, test := range map[string]struct {
		losses []float64
		steps  int // until the end
		best   float64
	}{
		"no progress":      {[]float64{3, 4, 5, 1}, 3, 3},
		"the same is none": {[]float64{3, 3, 3, 1}, 3, 3},
		"progress between": {[]float64{3, 4, 2, 3, 2.5, 1}, 5, 2},
		"to the last step": {[]float64{6, 5, 4, 3, 2, 1}, 6, 1},
	} {
		task := &told{x: nn.Uniform(1, 1, 1, rand.New(rand.NewPCG(1, 1))), losses: test.losses}
		o := Options{
			Optimizer: "sgd", Schedule: "constant", Rate: 0.1, Accumulate: 1, MaxSteps: 6, ValidateEvery: 1, Patience: 2, Clip: 1,
		}
		tr, err := NewTrainer(o, 1, task, nil)
		if err != nil {
			t.Fatal(err)
		}
		best, err := tr.Run(t.Context())
		if err != nil || task.n != test.steps || best.Loss != test.best {
			t.Errorf("%s: %d validations, the best of loss %v, %v; want %d and %v", name, task.n, best.Loss, err, test.steps, test.best)
		}
	}
}

func TestLimitsEndRuns(t *testing.T) {
	for name, test := range map[string]struct {
		o    Options
		s    state
		over bool
	}{
		"none":            {Options{}, state{Step: 1000, Epoch: 1000, Seconds: 1e6}, false},
		"before minutes":  {Options{MaxMinutes: 2}, state{Seconds: 119.9}, false},
		"after minutes":   {Options{MaxMinutes: 2}, state{Seconds: 120}, true},
		"before steps":    {Options{MaxSteps: 10}, state{Step: 9}, false},
		"after steps":     {Options{MaxSteps: 10}, state{Step: 10}, true},
		"before epochs":   {Options{MaxEpochs: 3}, state{Epoch: 2}, false},
		"after epochs":    {Options{MaxEpochs: 3}, state{Epoch: 3}, true},
		"one of them all": {Options{MaxEpochs: 3, MaxSteps: 10, MaxMinutes: 2}, state{Epoch: 1, Step: 10, Seconds: 1}, true},
	} {
		if got := (&Trainer{Options: test.o, state: test.s}).over(); got != test.over {
			t.Errorf("%s: over is %v", name, got)
		}
	}
}

// TestWhatEndsFirstIsTheLengthOfTheSchedule: steps or epochs.
func TestWhatEndsFirstIsTheLengthOfTheSchedule(t *testing.T) {
	for _, test := range []struct {
		steps, epochs, accumulate, want int // of epochs of 10 batches
	}{{100, 0, 1, 100}, {0, 3, 1, 30}, {100, 3, 1, 30}, {25, 3, 1, 25}, {0, 3, 4, 9}, {0, 0, 1, 0}} {
		o := Options{MaxSteps: test.steps, MaxEpochs: test.epochs, Accumulate: test.accumulate}
		if got := o.steps(10); got != test.want {
			t.Errorf("%+v: %d steps", test, got)
		}
	}
	o := smallConfig().Training
	o.MaxSteps, o.MaxEpochs, o.Schedule, o.Rate, o.Warmup, o.ValidateEvery = 1000, 4, "linear", 1, 1, 1
	task := &told{x: nn.Uniform(1, 1, 1, rand.New(rand.NewPCG(1, 2))), losses: []float64{4, 3, 2, 1}}
	rates := &rateLog{}
	tr, err := NewTrainer(o, 1, task, rates)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{1, 2. / 3, 1. / 3}, rates.rates[:3], cmpopts.EquateApprox(0, 1e-9)); diff != "" || len(rates.rates) != 4 {
		t.Errorf("four epochs of a step each have the rates %v", rates.rates)
	}
}

// rateLog keeps the learning rates of all steps.
type rateLog struct {
	silent
	rates []float64
}

func (l *rateLog) Stepped(p Progress) error {
	l.rates = append(l.rates, p.Rate)
	return nil
}

func TestValidationsAreCompared(t *testing.T) {
	low, high := 1.0, 2.0
	for name, test := range map[string]struct {
		v, than Validation
		better  bool
	}{
		"a lower loss":                {Validation{Loss: 1}, Validation{Loss: 2}, true},
		"the same loss":               {Validation{Loss: 1}, Validation{Loss: 1}, false},
		"a higher loss":               {Validation{Loss: 2}, Validation{Loss: 1}, false},
		"a higher BLEU":               {Validation{Loss: 2, BLEU: &high}, Validation{Loss: 1, BLEU: &low}, true},
		"a lower BLEU":                {Validation{Loss: 1, BLEU: &low}, Validation{Loss: 2, BLEU: &high}, false},
		"the same BLEU, a lower loss": {Validation{Loss: 1, BLEU: &low}, Validation{Loss: 2, BLEU: &low}, true},
		"a higher score":              {Validation{Loss: 2, Score: &high}, Validation{Loss: 1, Score: &low}, true},
		"a lower score":               {Validation{Loss: 1, Score: &low}, Validation{Loss: 2, Score: &high}, false},
		"the same score, higher loss": {Validation{Loss: 2, Score: &low}, Validation{Loss: 1, Score: &low}, false},
	} {
		if got := test.v.better(test.than); got != test.better {
			t.Errorf("%s: better is %v", name, got)
		}
	}
}
