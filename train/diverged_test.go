package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDivergedRunKeepsWhatItHad: the loss is far above the first for some steps before the
// run is given up, and validations come more often than that. The same command then meets
// the same end, and does not go on with weights that are worth nothing.
func TestDivergedRunKeepsWhatItHad(t *testing.T) {
	c, err := LanguageModels.Preset("rnnlm-small")
	if err != nil {
		t.Fatal(err)
	}
	fit, _ := smallTexts()
	dir := t.TempDir()
	c.Data.Text, c.Data.Streams = filepath.Join(dir, "text"), 3
	c.Model.Dim, c.Model.Hidden = 8, 8
	c.Training.Schedule, c.Training.Warmup, c.Training.Rate = "constant", 200, 40000
	c.Training.MaxEpochs, c.Training.MaxSteps, c.Training.ValidateEvery = 0, 300, 5
	if err := os.WriteFile(c.Data.Text, []byte(strings.Join(fit.Target, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
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
