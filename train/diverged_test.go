package train

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// plainLM is a small run of plain units at one rate.
func plainLM(t *testing.T, units int) LMConfig {
	t.Helper()
	c, err := LanguageModels.Preset("rnnlm-small")
	if err != nil {
		t.Fatal(err)
	}
	fit, _ := smallTexts()
	c.Data.Text, c.Data.Streams = filepath.Join(t.TempDir(), "text"), 3
	if err := os.WriteFile(c.Data.Text, []byte(strings.Join(fit.Target, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Model.Dim, c.Model.Hidden = units, units
	c.Training.Schedule, c.Training.MaxEpochs = "constant", 0
	return c
}

// exploding is a run whose loss leaves its range on the way to a rate of 2000.
func exploding(t *testing.T) LMConfig {
	t.Helper()
	c := plainLM(t, 8)
	c.Training.Warmup, c.Training.Rate = 200, 2000
	c.Training.MaxSteps, c.Training.ValidateEvery = 300, 1
	return c
}

// explode trains a run that has to end with an error. It returns the best validation, the
// loss of the first step and the first step at which it is three times as large.
func explode(t *testing.T, dir string, c LMConfig) (best Validation, began float64, high int, err error) {
	t.Helper()
	run, err := NewLMRun(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	best, err = run.Train(t.Context(), func(p Progress, _ *Validation) {
		if began == 0 {
			began = p.Loss
		}
		if high == 0 && p.Loss > 3*began {
			high = p.Step
		}
	})
	if err == nil {
		t.Fatal("no error for a rate of 2000")
	}
	return best, began, high, err
}

// TestDivergedRunKeepsWhatItHad: the loss is far above the first for some steps before the
// run is given up, and validations come more often than that. What is kept is better than
// the beginning. The same command then meets the same end, and does not go on with weights
// that are worth nothing.
func TestDivergedRunKeepsWhatItHad(t *testing.T) {
	dir, c := t.TempDir(), exploding(t)
	_, _, high, _ := explode(t, filepath.Join(dir, "first"), c)
	for name, steps := range map[string]int{"given up": 300, "over before that": high + doubtfulSteps + 1} {
		c.Training.MaxSteps = steps
		run := filepath.Join(dir, name)
		best, began, _, first := explode(t, run, c)
		if best.Loss > began || !strings.Contains(first.Error(), "kept are the weights of step ") {
			t.Errorf("%s: the best has a loss of %v, and the beginning %v: %v", name, best.Loss, began, first)
		}
		if _, _, _, again := explode(t, run, c); again.Error() != first.Error() {
			t.Errorf("%s: the same command ends with\n%v\nand before with\n%v", name, again, first)
		}
		m, err := OpenLM(run)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := m.Score([]string{"a b"}, 1); err != nil || s.Nats > 2*began {
			t.Errorf("%s: the model that is kept has %v nats a token, and the beginning %v; %v", name, s.Nats, began, err)
		}
	}
}

// TestNothingIsKeptOnceTheLossHasLeftItsRange: the first validation would come a step after
// that, or some steps.
func TestNothingIsKeptOnceTheLossHasLeftItsRange(t *testing.T) {
	dir, c := t.TempDir(), exploding(t)
	_, _, high, _ := explode(t, filepath.Join(dir, "first"), c)
	for _, later := range []int{1, doubtfulSteps + 2} {
		c.Training.ValidateEvery = high + later
		run := filepath.Join(dir, fmt.Sprint(later))
		if _, _, _, err := explode(t, run, c); !strings.Contains(err.Error(), "nothing of the run is kept") {
			t.Errorf("%d steps after step %d: %v", later, high, err)
		}
		if m, err := OpenLM(run); err == nil {
			t.Errorf("%d steps after step %d there is a model: %v", later, high, m)
		}
	}
}

// TestRunThatForgetsIsStopped: at the rate of an LSTM, plain units end up worse than they
// began, by less than it takes to be far above it.
func TestRunThatForgetsIsStopped(t *testing.T) {
	for _, x := range []struct {
		rate  float64 // 0: the preset's
		stops bool
	}{{0, false}, {20, true}} {
		c := plainLM(t, 32)
		if x.rate > 0 {
			c.Training.Rate = x.rate
		}
		c.Training.MaxSteps = 400
		run, err := NewLMRun(filepath.Join(t.TempDir(), "run"), c)
		if err != nil {
			t.Fatal(err)
		}
		highest, last := 0.0, 0.0
		best, err := run.Train(context.Background(), func(p Progress, _ *Validation) { highest, last = max(highest, p.Loss), p.Loss })
		t.Logf("rate %v: loss up to %.3g, at last %.3g, validation %.3g: %v", x.rate, highest, last, best.Loss, err)
		if stopped := err != nil; stopped != x.stops {
			t.Errorf("rate %v: stopped is %v, want %v", x.rate, stopped, x.stops)
		}
	}
}

func TestWeightsThatAreNoNumbersAreRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := trainSmall(context.Background(), dir, func(c *Config) { c.Training.MaxSteps = 12 }); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	params := m.network.Params()
	broken := params[1]
	broken.Tensor.Data[3] = tensor.Float(math.Inf(-1))
	if err := saveWeights(dir, bestFile, params, Validation{}, map[string]string{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "element 3 of "+broken.Name()+" is -Inf; the model is damaged") {
		t.Errorf("error %v for an infinite weight", err)
	}
}
