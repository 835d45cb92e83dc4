package train

import (
	"strings"
	"testing"
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
