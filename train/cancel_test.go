package train

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// TestValidationsCanBeBrokenOff asks each task for a validation that is not wanted any
// more.
func TestValidationsCanBeBrokenOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, task := range map[string]func(dir string) (Task, error){
		"classify": func(dir string) (Task, error) {
			r, err := NewClassifyRun(dir, smallClassify(t, false))
			return r.Task, err
		},
		"answer": func(dir string) (Task, error) {
			r, err := NewAnswerRun(dir, smallAnswer(t, false))
			return r.Task, err
		},
		"label": func(dir string) (Task, error) {
			r, err := NewLabelRun(dir, smallLabel(t, false))
			return r.Task, err
		},
		"language model": func(dir string) (Task, error) {
			r, err := NewLMRun(dir, smallLM(t))
			return r.Task, err
		},
		"pretrain": func(dir string) (Task, error) {
			r, err := NewPretrainRun(dir, smallPretrain(t))
			return r.Task, err
		},
	} {
		task, err := task(filepath.Join(t.TempDir(), "run"))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := task.Validate(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %+v, %v; want context.Canceled", name, v, err)
		}
		if _, err := task.Validate(context.Background()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
