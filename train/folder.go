package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
	"github.com/kotoba-nlp/kotoba/internal/filelock"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
)

// Names of the files of a run.
const (
	configFile    = "config.yaml"
	lastFile      = "last.safetensors" // weights, moments and state
	bestFile      = "best.safetensors" // weights of the best validation
	metricsFile   = "metrics.jsonl"    // a line a step and a validation
	samplesFile   = "samples.txt"      // outputs of the last validation
	averageFolder = "checkpoints"      // weights of the last validations, for averaging
	averageFiles  = "step-*.safetensors"
	lockFile      = ".lock"        // of the process that trains
	stateKey      = "kotoba_state" // metadata of lastFile
)

// folder keeps a run in a directory.
type folder struct {
	dir      string
	best     string // file of the weights of the best validation
	average  int
	progress func(Progress, *Validation)
	metrics  *os.File
	events   *eventWriter
}

// openFolder opens the files of a run that grow, cutting off what a killed
// session wrote after the checkpoint at the given step.
func openFolder(dir, best string, step, average int, progress func(Progress, *Validation)) (*folder, error) {
	if err := cutMetrics(filepath.Join(dir, metricsFile), step); err != nil {
		return nil, err
	}
	m, err := os.OpenFile(filepath.Join(dir, metricsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	events, err := newEventWriter(dir, step)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &folder{dir: dir, best: best, average: average, progress: progress, metrics: m, events: events}, nil
}

// lockFolder keeps other processes from training in a folder, and removes what those that
// were killed have left.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := filelock.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, filelock.ErrLocked) {
		return nil, fmt.Errorf("train: %s is being trained by another process (its %s %w); wait for it, or give --dir another folder", dir, lockFile, err)
	}
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	unlock = func() { _ = f.Close() } // which unlocks; nothing was written
	err = errors.Join(
		atomicfile.Clean(dir, append([]string{lastFile, bestFile, checkpoint.WeightsFile, configFile, metricsFile, samplesFile}, modelFiles...)...),
		atomicfile.Clean(filepath.Join(dir, averageFolder), averageFiles),
	)
	if err != nil {
		unlock()
		return nil, fmt.Errorf("train: %w", err)
	}
	return unlock, nil
}

func (f *folder) close() error { return errors.Join(f.metrics.Close(), f.events.close()) }

// cutMetrics removes lines of steps after the given one.
func cutMetrics(path string, step int) error {
	old, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer func() { _ = old.Close() }() // only read
	var keep strings.Builder
	lines := bufio.NewScanner(old)
	for lines.Scan() {
		var at struct{ Step int }
		if json.Unmarshal(lines.Bytes(), &at) == nil && at.Step <= step {
			keep.WriteString(lines.Text() + "\n")
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("train: %s: %w", path, err)
	}
	return writeFile(path, keep.String())
}

// writeFile replaces a file as a whole or not at all.
func writeFile(path, content string) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// log appends a line to the metrics.
func (f *folder) log(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if _, err := f.metrics.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// Stepped implements Observer.
func (f *folder) Stepped(p Progress) error {
	f.progress(p, nil)
	return errors.Join(f.log(p), f.events.scalars(p.Step, map[string]float64{
		"train/loss": p.Loss, "train/accuracy": p.Accuracy, "train/rate": p.Rate,
		"train/grad_norm": p.GradNorm, "train/tokens_per_s": p.TokensPerSec,
	}))
}

// Validated implements Observer.
func (f *folder) Validated(p Progress, v Validation, best bool) error {
	f.progress(p, &v)
	values := map[string]float64{"valid/loss": v.Loss}
	if v.BLEU != nil {
		values["valid/bleu"] = *v.BLEU
	}
	for name, score := range v.Scores {
		values["valid/"+name] = score
	}
	return errors.Join(f.log(struct {
		Step int `json:"step"`
		Validation
		Best bool `json:"best"`
	}{p.Step, v, best}), f.events.scalars(p.Step, values), f.samples(v.Samples))
}

// samples writes outputs to look at, if there are any.
func (f *folder) samples(all []Sample) error {
	if len(all) == 0 {
		return nil
	}
	var text strings.Builder
	for _, s := range all {
		fmt.Fprintf(&text, "source     %s\nreference  %s\noutput     %s\n\n", s.Source, s.Reference, s.Output)
	}
	return writeFile(filepath.Join(f.dir, samplesFile), text.String())
}

// Checkpoint implements Observer.
func (f *folder) Checkpoint(t *Trainer) error {
	if t.state.BestAt == t.state.Step && t.state.Step > 0 {
		if err := f.saveWeights(t, f.best); err != nil {
			return err
		}
	}
	if f.average > 1 && t.state.Validated == t.state.Step && t.state.Step > 0 {
		if err := f.keepForAverage(t); err != nil {
			return err
		}
	}
	return t.Save(f.dir)
}

// saveWeights writes the weights that validation sees.
func (f *folder) saveWeights(t *Trainer, name string) error {
	t.ema.Swap()
	defer t.ema.Swap()
	return saveWeights(f.dir, name, t.params, t.state.Best, map[string]string{"step": fmt.Sprint(t.state.Step)})
}

// keepForAverage keeps the weights of the last validations.
func (f *folder) keepForAverage(t *Trainer) error {
	dir := filepath.Join(f.dir, averageFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := f.saveWeights(t, filepath.Join(averageFolder, fmt.Sprintf("step-%08d.safetensors", t.state.Step))); err != nil {
		return err
	}
	paths, err := averaged(f.dir)
	if err != nil {
		return err
	}
	for _, p := range paths[:max(len(paths)-f.average, 0)] {
		if err := os.Remove(p); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// averaged lists the checkpoints kept for averaging, oldest first.
func averaged(dir string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(dir), averageFolder+"/"+averageFiles)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	slices.Sort(names)
	var paths []string
	for _, name := range names {
		paths = append(paths, filepath.Join(dir, filepath.FromSlash(name)))
	}
	return paths, nil
}

// saveWeights writes a checkpoint of weights that knows its run's vocabulary, and the
// threshold of no answer that a validation has found best.
func saveWeights(dir, name string, params []nn.Param, v Validation, metadata map[string]string) error {
	hash, err := checkpoint.VocabularyHash(dir)
	if err != nil {
		return err
	}
	metadata["format"], metadata[checkpoint.VocabularyKey] = "pt", hash
	if threshold, ok := v.Scores[nullThreshold]; ok {
		metadata[bert.NullThresholdKey] = bert.FormatThreshold(threshold)
	}
	return checkpoint.Save(filepath.Join(dir, name), params, metadata)
}

// loadWeights reads a checkpoint of weights.
func loadWeights(path string, params []nn.Param) error {
	return openCheckpoint(path, func(f *checkpoint.File) error { return checkpoint.Load(f, params) })
}

// loadOfRun is loadWeights of a run's own, whose vocabulary must still be there.
func loadOfRun(dir, name string, params []nn.Param) error {
	err := openCheckpoint(filepath.Join(dir, name), func(f *checkpoint.File) error {
		if err := checkpoint.CheckVocabulary(f, dir); err != nil {
			return err
		}
		if err := checkpoint.Load(f, params); err != nil {
			return err
		}
		return checkpoint.CheckFinite(f.Path(), params)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("train: %s has no %s: the run has not been validated yet, or the file was taken away; train on to its first validation, or put it back", dir, name)
	}
	return err
}

func openCheckpoint(path string, use func(f *checkpoint.File) error) (err error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return use(f)
}

// extra lists what a checkpoint holds beside the weights: the optimiser's
// moments, averaged weights, and what the task carries from batch to batch.
func (t *Trainer) extra() []checkpoint.Tensor {
	var all []checkpoint.Tensor
	for _, m := range append(t.optim.State(), t.ema.State()...) {
		for i, p := range t.params {
			shape := []int{p.Tensor.Rows(), p.Tensor.Cols()}
			all = append(all, checkpoint.Tensor{Name: m.Name + p.Name(), Shape: shape, Data: m.Data[i]})
		}
	}
	if c, ok := t.Task.(Carrier); ok {
		all = append(all, c.Carried()...)
	}
	return all
}

// Save writes to a folder all that training needs to go on to the same weights bit for bit.
func (t *Trainer) Save(dir string) error {
	s, err := json.Marshal(t.state)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	hash, err := checkpoint.VocabularyHash(dir)
	if err != nil {
		return err
	}
	return checkpoint.Save(filepath.Join(dir, lastFile), t.params, map[string]string{stateKey: string(s), checkpoint.VocabularyKey: hash}, t.extra()...)
}

// Resume reads what Save wrote, of a trainer that was made in the same way. The folders of
// runs are read by the runs.
func (t *Trainer) Resume(dir string) error {
	path := filepath.Join(dir, lastFile)
	data := t.state.Data // of now
	return openCheckpoint(path, func(f *checkpoint.File) error {
		if err := checkpoint.CheckVocabulary(f, dir); err != nil {
			return err
		}
		if err := checkpoint.Load(f, t.params, t.extra()...); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(f.Metadata()[stateKey]), &t.state); err != nil {
			return fmt.Errorf("train: %s: the state of the run cannot be read: %w", path, err)
		}
		if was := t.state.Data; was != "" && was != data {
			return fmt.Errorf("train: %s was trained on other data than are given now; give it those that it began with, or give --dir a new folder", dir)
		}
		t.state.Data = data
		t.optim.Resume(t.state.Step)
		return nil
	})
}
