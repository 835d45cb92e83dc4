package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

func TestWhatCannotBeTrainedIsRefused(t *testing.T) {
	o := smallConfig().Training
	o.Schedule, o.Warmup = "noam", 10
	if _, err := NewTrainer(o, 0, &told{}, nil); err == nil || !strings.Contains(err.Error(), "dimension 0") {
		t.Errorf("the schedule noam without a dimension: %v", err)
	}
	fit, valid := smallTexts()
	fit.Target = fit.Target[1:]
	if _, err := NewRunOf(t.TempDir(), smallConfig(), fit, valid); err == nil || !strings.Contains(err.Error(), "want as many") {
		t.Errorf("a side with a line less: %v", err)
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

// TestBERTRefusesWhatItDoesNotRead: options of other tasks.
func TestBERTRefusesWhatItDoesNotRead(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"smoothing": func(o *Options) { o.Smoothing = 0.1 },
		"tokens":    func(o *Options) { o.BatchTokens = 7 },
		"sentences": func(o *Options) { o.PerSentence = true },
	} {
		c := smallPretrain(t)
		change(&c.Training)
		if _, err := NewPretrainRun(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), "which BERT does not have") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// keeper saves a trainer after each step, in a folder each.
type keeper struct {
	silent
	dir string
	of  *Trainer
}

func (k *keeper) folder(step int) string { return filepath.Join(k.dir, strconv.Itoa(step)) }

func (k *keeper) Stepped(p Progress) error {
	dir := k.folder(p.Step)
	return errors.Join(os.Mkdir(dir, 0o755), k.of.Save(dir))
}

// TestTrainersGoOnFromEveryStep trains over two epochs and a half, and once more from what was
// kept after each step.
func TestTrainersGoOnFromEveryStep(t *testing.T) {
	c := smallPretrain(t)
	c.Data.Batch = 200
	c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.WarmupShare = 8, 100, 0
	begin := func(observer Observer) *Trainer {
		run, err := NewPretrainRun(t.TempDir(), c)
		if err != nil {
			t.Fatal(err)
		}
		if n := run.Task.Epoch(0); n != 3 {
			t.Fatalf("%d batches; want 3", n)
		}
		tr, err := NewTrainer(c.Training, 32, run.Task, observer)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	finish := func(tr *Trainer) (all []tensor.Float) {
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, p := range tr.params {
			all = append(all, p.Tensor.Data...)
		}
		return all
	}
	k := &keeper{dir: t.TempDir()}
	k.of = begin(k)
	want := finish(k.of)
	for step := 1; step < 8; step++ {
		tr := begin(nil)
		if err := tr.Resume(k.folder(step)); err != nil {
			t.Fatal(err)
		}
		if got := finish(tr); !slices.Equal(got, want) {
			t.Errorf("other weights from step %d on", step)
		}
	}
}

// full stops the run and fails to keep it, as often as it is told.
type full struct {
	silent
	stop context.CancelFunc
	left int
	kept int
	best []bool // of each validation
}

func (f *full) Validated(_ Progress, _ Validation, best bool) error {
	f.best = append(f.best, best)
	return nil
}

var errFull = errors.New("no space left on device")

func (f *full) Checkpoint(*Trainer) error {
	if f.left--; f.left >= 0 {
		f.stop()
		return errFull
	}
	f.kept++
	return nil
}

// TestWhatIsNotKeptIsNotTheEnd interrupts a run during its last checkpoint, which fails.
func TestWhatIsNotKeptIsNotTheEnd(t *testing.T) {
	c := smallPretrain(t)
	c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.WarmupShare = 2, 100, 0
	run, err := NewPretrainRun(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	observer := &full{stop: cancel, left: 1}
	tr, err := NewTrainer(c.Training, 32, run.Task, observer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Run(ctx); !errors.Is(err, errFull) {
		t.Errorf("the first time %v; want %v", err, errFull)
	}
	if _, err := tr.Run(context.Background()); err != nil || observer.kept != 1 {
		t.Errorf("the second time %v and %d kept; want one", err, observer.kept)
	}
	if !slices.Equal(observer.best, []bool{true, true}) {
		t.Errorf("the validations were the best: %v; want both, which are one and the same", observer.best)
	}
}
