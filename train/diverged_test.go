package train

import (
	"context"
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

// TestDivergedRunKeepsWhatItHad: the loss is far above the first for some steps before the
// run is given up, and validations come more often than that. The same command then meets
// the same end, and does not go on with weights that are worth nothing.
func TestDivergedRunKeepsWhatItHad(t *testing.T) {
	c, dir := plainLM(t, 8), t.TempDir()
	c.Training.Warmup, c.Training.Rate = 200, 40000
	c.Training.MaxSteps, c.Training.ValidateEvery = 300, 5
	once := func() string {
		run, err := NewLMRun(filepath.Join(dir, "run"), c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = run.Train(context.Background(), func(Progress, *Validation) {}); err == nil {
			t.Fatal("no error for a rate of 40000")
		}
		return err.Error()
	}
	first := once()
	if again := once(); again != first {
		t.Errorf("the same command ends with\n%s\nand before with\n%s", again, first)
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
	if err := saveWeights(dir, bestFile, params, map[string]string{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "element 3 of "+broken.Name()+" is -Inf; the model is damaged") {
		t.Errorf("error %v for an infinite weight", err)
	}
}
