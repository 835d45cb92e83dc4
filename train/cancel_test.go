package train

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
)

// TestValidationsCanBeBrokenOff asks each task for a validation that is not wanted any
// more.
func TestValidationsCanBeBrokenOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, task := range map[string]func(dir string) (Task, error){
		"translation": func(dir string) (Task, error) {
			fit, valid := smallTexts()
			r, err := NewRunOf(dir, smallConfig(), fit, valid)
			return r.Task, err
		},
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

// doneAfter is done when it has been asked so many times.
type doneAfter struct {
	context.Context
	asked, times int
}

func (d *doneAfter) Err() error {
	if d.asked++; d.asked > d.times {
		return context.Canceled
	}
	return nil
}

// TestTranslationsCanBeBrokenOff stops between the blocks of lines that are translated for
// BLEU.
func TestTranslationsCanBeBrokenOff(t *testing.T) {
	fit, _ := smallTexts()
	lines := slices.Repeat([]string{"the dog"}, translateBlock+1)
	valid := Text{lines, lines}
	run, err := NewRunOf(t.TempDir(), smallConfig(), fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	all := &doneAfter{Context: context.Background(), times: 1000}
	if _, err := run.Task.Validate(all); err != nil {
		t.Fatal(err)
	}
	// One time less than a whole validation asks is before the last block.
	if _, err := run.Task.Validate(&doneAfter{Context: context.Background(), times: all.asked - 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want context.Canceled", err)
	}
	if _, err := run.Task.translate(&doneAfter{Context: context.Background(), times: 1}, lines); !errors.Is(err, context.Canceled) {
		t.Errorf("%v after the first block; want context.Canceled", err)
	}
}
