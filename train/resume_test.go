package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/data/builtin"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// childDir is the variable that makes the test binary a training process.
const childDir = "KOTOBA_TEST_TRAIN_DIR"

// prepareChild does what a test wants of its training process.
var prepareChild = func() error { return nil }

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := prepareChild(); err != nil {
			panic(err)
		}
		if _, err := trainSmall(context.Background(), dir, nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// smallConfig is a run of half a second that uses everything a run has.
func smallConfig() Config {
	c, err := Translations.Preset("")
	if err != nil {
		panic(err)
	}
	c.Tokenizer = TokenizerConfig{Type: "unigram", Vocab: 400, CharacterCoverage: 1, Sampling: 0.2}
	c.Data.Tokenize = "none"
	c.Model = transformer.Config{Dim: 16, Heads: 2, FFN: 32, EncoderLayers: 1, DecoderLayers: 1, MaxLength: 40, Dropout: 0.1, AttentionDropout: 0.1}
	c.Training.BatchTokens, c.Training.Accumulate = 200, 2
	c.Training.MaxSteps, c.Training.ValidateEvery, c.Training.Patience = 40, 4, 0
	c.Training.Warmup, c.Training.Average, c.Training.EMA = 10, 3, 0.9
	c.Decoding = DecodingConfig{Beam: 1}
	return c
}

func smallTexts() (fit, valid Text) {
	pairs, held, _ := builtin.Corpus()
	add := func(t *Text, pairs []builtin.Pair) {
		for _, p := range pairs {
			t.Source, t.Target = append(t.Source, join(p.Source)), append(t.Target, join(p.Target))
		}
	}
	add(&fit, pairs[:200])
	add(&valid, held[:5])
	return fit, valid
}

func join(words []string) string {
	s := ""
	for i, w := range words {
		if i > 0 {
			s += " "
		}
		s += w
	}
	return s
}

func trainSmall(ctx context.Context, dir string, change func(*Config)) (Validation, error) {
	c := smallConfig()
	if change != nil {
		change(&c)
	}
	fit, valid := smallTexts()
	run, err := NewRunOf(dir, c, fit, valid)
	if err != nil {
		return Validation{}, err
	}
	return run.Train(ctx, nil)
}

// weights returns all tensors of a checkpoint.
func weights(t *testing.T, path string) map[string][]tensor.Float {
	t.Helper()
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	all := map[string][]tensor.Float{}
	for _, name := range f.Names() {
		shape, _ := f.Shape(name)
		v, err := f.Floats(name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = append([]tensor.Float(nil), v...)
	}
	return all
}

// sameRun fails unless two folders hold the same weights, moments and averages, weights
// to be averaged, and validations.
func sameRun(t *testing.T, got, want string) {
	t.Helper()
	for _, name := range []string{lastFile, bestFile} {
		sameTensors(t, filepath.Join(got, name), filepath.Join(want, name))
	}
	kept, err := averaged(want)
	also, err2 := averaged(got)
	if err := errors.Join(err, err2); err != nil || len(kept) != len(also) {
		t.Fatalf("%d checkpoints to average, %v; want %d", len(also), err, len(kept))
	}
	for _, path := range kept {
		sameTensors(t, filepath.Join(got, averageFolder, filepath.Base(path)), path)
	}
	if a, b := validations(t, got), validations(t, want); !slices.Equal(a, b) {
		t.Errorf("validations\n%s\nwant those of the run without interruption:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

// validations returns the lines of validations in the metrics of a run.
func validations(t *testing.T, dir string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "valid_loss") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// sameTensors fails unless two files hold the same.
func sameTensors(t *testing.T, got, want string) {
	t.Helper()
	a, b := weights(t, got), weights(t, want)
	if len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Errorf("%s differs from that of the run without interruption", filepath.Base(got))
	}
}

// child returns a process that trains in dir.
func child(dir string, env ...string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	return c
}

func TestKilledRunsEndWithTheSameWeights(t *testing.T) {
	whole := t.TempDir()
	start := time.Now()
	if out, err := child(whole).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(start)
	killed := t.TempDir()
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	kills := 0
	for kills < 10 {
		c := child(killed)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int64N(int64(took))))
		if err := c.Process.Kill(); err == nil {
			kills++
		}
		_ = c.Wait() // it was killed, or had ended: then the next start does nothing
	}
	if out, err := child(killed).CombinedOutput(); err != nil {
		t.Fatalf("after %d kills: %v: %s", kills, err, out)
	}
	sameRun(t, killed, whole)
}

// trainSteps trains in dir and interrupts the run after some steps.
func trainSteps(t *testing.T, dir string, steps int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	fit, valid := smallTexts()
	run, err := NewRunOf(dir, smallConfig(), fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Train(ctx, func(Progress, *Validation) {
		if steps--; steps == 0 {
			cancel()
		}
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("error %v, want ErrInterrupted", err)
	}
}

// goesOnBitForBit checks that a run that is stopped at a step and goes on ends with the
// weights and the checkpoint of one that was not stopped. best is the file of its weights.
func goesOnBitForBit(t *testing.T, stop int, best string, train func(ctx context.Context, dir string, progress func(Progress, *Validation)) error) {
	t.Helper()
	whole, stopped := t.TempDir(), t.TempDir()
	nothing := func(Progress, *Validation) {}
	if err := train(context.Background(), whole, nothing); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := train(ctx, stopped, func(p Progress, _ *Validation) {
		if p.Step == stop {
			cancel()
		}
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Fatalf("error %v, want ErrInterrupted", err)
	}
	if err := train(context.Background(), stopped, nothing); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{lastFile, best} {
		sameTensors(t, filepath.Join(stopped, name), filepath.Join(whole, name))
	}
}

// TestTheBestFileHoldsTheAverages of the weights, which validation has seen, not the weights.
func TestTheBestFileHoldsTheAverages(t *testing.T) {
	dir, c := t.TempDir(), smallConfig()
	c.Training.Average = 0
	if c.Training.EMA == 0 {
		t.Fatal("no averages")
	}
	best, err := trainSmall(context.Background(), dir, func(to *Config) { *to = c })
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	fit, valid := smallTexts()
	task, err := NewTranslation(c, m, fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := task.Validate(context.Background()); err != nil || v.Loss != best.Loss {
		t.Errorf("a loss of %v, %v; training had %v", v.Loss, err, best.Loss)
	}
}

func TestInterruptedRunsGoOn(t *testing.T) {
	whole, stopped := t.TempDir(), t.TempDir()
	if _, err := trainSmall(context.Background(), whole, nil); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{5, 6, 7, 30} { // the last of them among those that are averaged
		trainSteps(t, stopped, steps)
	}
	best, err := trainSmall(context.Background(), stopped, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameRun(t, stopped, whole)
	again, err := trainSmall(context.Background(), stopped, nil)
	if err != nil || again.Loss != best.Loss {
		t.Errorf("a run that has ended gives %v, %v; want %v again", again, err, best)
	}
}

// brokenOff is a task whose context ends in a validation.
type brokenOff struct {
	*Translation
	cancel      func()
	validations int // before it
}

func (b *brokenOff) Validate(ctx context.Context) (Validation, error) {
	if b.validations--; b.validations < 0 {
		b.cancel()
	}
	return b.Translation.Validate(ctx)
}

func TestValidationsThatWereBrokenOffAreMade(t *testing.T) {
	whole, stopped := t.TempDir(), t.TempDir()
	if _, err := trainSmall(context.Background(), whole, nil); err != nil {
		t.Fatal(err)
	}
	for _, before := range []int{2, 0, 7, 0, 1} { // the third, twice; the last, twice; and that of the average
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		fit, valid := smallTexts()
		run, err := NewRunOf(stopped, smallConfig(), fit, valid)
		if err != nil {
			t.Fatal(err)
		}
		run.task = &brokenOff{run.Task, cancel, before}
		if _, err := run.Train(ctx, func(Progress, *Validation) {}); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("error %v, want ErrInterrupted", err)
		}
	}
	if _, err := trainSmall(context.Background(), stopped, nil); err != nil {
		t.Fatal(err)
	}
	sameRun(t, stopped, whole)
}

// TestOneProcessTrainsAtATime starts a run in a folder, whose name is a pattern, while another
// trains there, and finds what a killed one has left.
func TestOneProcessTrainsAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b")
	fit, valid := smallTexts()
	run, err := NewRunOf(dir, smallConfig(), fit, valid)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, ".last.safetensors.123")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var second error
	if _, err := run.Train(context.Background(), func(p Progress, _ *Validation) {
		if p.Step == 2 {
			_, second = trainSmall(context.Background(), dir, nil)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if second == nil || !strings.Contains(second.Error(), "is being trained by another process") {
		t.Errorf("error %v of a second process; want one that says that there is another", second)
	}
	if kept, err := averaged(dir); len(kept) != 3 {
		t.Errorf("%d checkpoints to average, %v; want 3", len(kept), err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Errorf("%s is still there", left)
	}
}

func TestOptionsThatCannotWorkLeaveTheFolderFree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := trainSmall(context.Background(), dir, func(c *Config) { c.Model.Heads = 3 }); err == nil {
		t.Fatal("no error for 3 heads in 16 dimensions")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was left behind")
	}
}

func TestAnotherConfigurationIsRefused(t *testing.T) {
	dir := t.TempDir()
	short := func(c *Config) { c.Training.MaxSteps = 11 }
	if _, err := trainSmall(context.Background(), dir, short); err != nil {
		t.Fatal(err)
	}
	if _, err := trainSmall(context.Background(), dir, nil); err == nil {
		t.Error("no error for a folder of another configuration")
	}
	if _, err := trainSmall(context.Background(), dir, short); err != nil {
		t.Errorf("the folder's own configuration: %v", err)
	}
	path := filepath.Join(dir, configFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("# "), []byte("# as it was said once: ")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trainSmall(context.Background(), dir, short); err != nil {
		t.Errorf("the folder's own configuration with other comments: %v", err)
	}
	if err := os.WriteFile(path, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trainSmall(context.Background(), dir, short); err == nil {
		t.Error("no error for half a configuration")
	}
}

func TestAverageIsTheMeanOfTheLastCheckpoints(t *testing.T) {
	dir := t.TempDir()
	if _, err := trainSmall(context.Background(), dir, nil); err != nil {
		t.Fatal(err)
	}
	paths, err := averaged(dir)
	if err != nil || len(paths) != 3 {
		t.Fatalf("checkpoints %v, error %v; want three", paths, err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	params := m.network.Params()
	if err := loadAverage(paths, params); err != nil {
		t.Fatal(err)
	}
	var all []map[string][]tensor.Float
	for _, path := range paths {
		all = append(all, weights(t, path))
	}
	for _, p := range checkpoint.Tensors(params) {
		for i, got := range p.Data {
			sum := 0.0
			for _, w := range all {
				sum += float64(w[p.Name][i])
			}
			if want := tensor.Float(sum / 3); got != want {
				t.Fatalf("%s[%d] = %v; want the mean %v", p.Name, i, got, want)
			}
		}
	}
}

func TestLossThatIsNotANumberStopsTheRun(t *testing.T) {
	dir := t.TempDir()
	_, err := trainSmall(context.Background(), dir, func(c *Config) {
		c.Training.Rate, c.Training.Schedule, c.Training.Warmup = 1e30, "constant", 0
		c.Training.ValidateEvery = 1000
	})
	if err == nil {
		t.Fatal("no error for a rate of 1e30")
	}
	t.Log(err)
	if _, err := os.Stat(filepath.Join(dir, bestFile)); err == nil {
		t.Error("weights that are not numbers were kept")
	}
}

// TestLossFarAboveTheFirstStopsTheRun: gates are bounded, so that a recurrent model that has
// diverged still has a loss.
func TestLossFarAboveTheFirstStopsTheRun(t *testing.T) {
	c, err := LanguageModels.Preset("lstm-zaremba-small")
	if err != nil {
		t.Fatal(err)
	}
	fit, _ := smallTexts()
	dir := t.TempDir()
	c.Data.Text, c.Data.Streams, c.Data.Steps = filepath.Join(dir, "text"), 2, 4
	c.Model.Dim, c.Model.Hidden = 8, 8
	c.Training.Rate, c.Training.Clip, c.Training.ValidateEvery = 1e10, 0, 1000
	if err := os.WriteFile(c.Data.Text, []byte(strings.Join(fit.Target, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	run, err := NewLMRun(filepath.Join(dir, "run"), c)
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	_, err = run.Train(context.Background(), func(Progress, *Validation) { steps++ })
	if err == nil || !strings.Contains(err.Error(), "a lower rate") || steps > 20 {
		t.Errorf("error %v after %d steps; want it to stop soon", err, steps)
	}
	if _, err := os.Stat(filepath.Join(run.Dir, bestFile)); err == nil {
		t.Error("the weights were kept")
	}
}
