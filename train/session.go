package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// session is a run folder that is open for training: what runs of all kinds of
// models have in common.
type session struct {
	Dir     string
	Resumed int // the step that an earlier session reached

	options Options
	dim     int    // of the model, for the noam schedule
	best    string // file of the weights of the best validation
	task    Task
	data    string // fingerprint of the task as it was made: epochs may cut the text anew
	trainer *Trainer
}

func newSession(dir string, o Options, dim int, task Task) session {
	return session{Dir: dir, options: o, dim: dim, best: bestFile, task: task, data: fingerprint(task)}
}

// Steps is the number of steps that the run has in all, 0 where that is not known.
func (r *session) Steps() int { return r.options.steps(r.task.Epoch(0)) }

// Train trains until the configuration says that it is enough, reporting every
// step and validation; progress may be nil. It goes on from the folder's checkpoint if there is one.
func (r *session) Train(ctx context.Context, progress func(Progress, *Validation)) (best Validation, err error) {
	if progress == nil {
		progress = func(Progress, *Validation) {}
	}
	unlock, err := lockFolder(r.Dir)
	if err != nil {
		return best, err
	}
	defer unlock()
	r.trainer, err = NewTrainer(r.options, r.dim, r.task, nil)
	if err != nil {
		return best, err
	}
	r.trainer.state.Data = r.data
	if exists(filepath.Join(r.Dir, lastFile)) {
		if err := r.trainer.Resume(r.Dir); err != nil {
			return best, err
		}
		r.Resumed = r.trainer.state.Step
	}
	f, err := openFolder(r.Dir, r.best, r.trainer.state.Step, r.options.Average, progress)
	if err != nil {
		return best, err
	}
	r.trainer.Observer = f
	defer func() { err = errors.Join(err, f.close()) }()
	best, err = r.trainer.Run(ctx)
	if err != nil {
		return best, err
	}
	return r.finish(ctx, best)
}

// finish leaves the model with the best weights: those of the best validation,
// or the average of the last checkpoints where it does better.
func (r *session) finish(ctx context.Context, best Validation) (Validation, error) {
	params := r.task.Params()
	paths, err := averaged(r.Dir)
	if err != nil {
		return best, err
	}
	if len(paths) > 1 {
		if err := loadAverage(paths, params); err != nil {
			return best, err
		}
		v, err := r.task.Validate(ctx)
		if ctx.Err() != nil {
			return best, ErrInterrupted // the run has ended; the next call comes here again
		}
		if err != nil {
			return best, err
		}
		if v.better(best) {
			return v, saveWeights(r.Dir, r.best, params, v, map[string]string{"average": fmt.Sprint(len(paths))})
		}
	}
	return best, loadOfRun(r.Dir, r.best, params)
}

// makeFolder makes the folder of a new run with its vocabulary.
func makeFolder(dir, format string, tok tokenizer.Tokenizer) error {
	name := checkpoint.WordsFile
	if _, ok := tok.(*tokenizer.SentencePiece); ok {
		name = checkpoint.PiecesFile
	}
	return beginFolder(dir, format, name, func() error { return tok.Save(filepath.Join(dir, name)) })
}

// beginFolder makes the folder of a new run, or what of it a killed process has not made: its
// configuration, and the rest unless there is a file that says that it is there. It comes last, so
// that options that cannot work leave nothing behind.
func beginFolder(dir, format, there string, rest func() error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer unlock()
	// Another process may have begun a run there since the configuration was checked.
	if err := checkConfig(dir, format); err != nil {
		return err
	}
	if path := filepath.Join(dir, configFile); !exists(path) {
		if err := writeFile(path, format); err != nil {
			return err
		}
	}
	if exists(filepath.Join(dir, there)) {
		return nil
	}
	return rest()
}

// exists reports whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkConfig compares the configuration with that of the run that is in the
// folder already, if there is one.
func checkConfig(dir, format string) error {
	path := filepath.Join(dir, configFile)
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkFree(dir)
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	key, was, asked, err := difference(old, []byte(format))
	if err != nil {
		return fmt.Errorf("train: %s:%w", path, locate(err, nil))
	}
	if key != "" && (was == nil || asked == nil) {
		preset, _ := PresetOfFile(path)
		return fmt.Errorf("train: %s belongs to a run of %s, of another kind or version: %s is in one of the configurations only; give --dir a new folder", path, preset, key)
	}
	if key != "" {
		return fmt.Errorf("train: %s belongs to a run of another configuration: its %s is %v, and %v is asked for; give --dir a new folder, or the same options", path, key, was, asked)
	}
	return nil
}

// checkFree refuses a folder that has no configuration of a run and yet what a run would
// write, or take for its own.
func checkFree(dir string) error {
	for _, name := range []string{lastFile, bestFile, checkpoint.WeightsFile, checkpoint.WordsFile, checkpoint.PiecesFile, "config.json", metricsFile} {
		if exists(filepath.Join(dir, name)) {
			return fmt.Errorf("train: %s has a %s and is not the folder of a run, as it has no %s; give --dir a new folder", dir, name, configFile)
		}
	}
	return nil
}

// difference returns the first key in whose value two configurations differ, and both
// values; "" where they differ in comments alone, which may change from one version to the
// next.
func difference(a, b []byte) (key string, x, y any, err error) {
	var before, after map[string]any
	if err := yaml.Unmarshal(a, &before); err != nil {
		return "", nil, nil, err
	}
	if err := yaml.Unmarshal(b, &after); err != nil {
		return "", nil, nil, err
	}
	key, x, y = firstDifference(before, after)
	return key, x, y, nil
}

func firstDifference(a, b map[string]any) (key string, x, y any) {
	for _, key := range slices.Sorted(maps.Keys(mergedKeys(a, b))) {
		x, y := a[key], b[key]
		inX, isX := x.(map[string]any)
		inY, isY := y.(map[string]any)
		if isX && isY {
			if within, x, y := firstDifference(inX, inY); within != "" {
				return key + "." + within, x, y
			}
			continue
		}
		if !reflect.DeepEqual(x, y) {
			return key, x, y
		}
	}
	return "", nil, nil
}

// mergedKeys has the keys of both.
func mergedKeys(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func openTokenizer(dir string) (tokenizer.Tokenizer, error) {
	for _, name := range []string{checkpoint.PiecesFile, checkpoint.WordsFile} {
		path := filepath.Join(dir, name)
		if exists(path) {
			return tokenizer.Load(path)
		}
	}
	return nil, fmt.Errorf("train: %s has no tokenizer.model and no vocab.txt: %w", dir, fs.ErrNotExist)
}

// openOrMakeTokenizer returns the vocabulary of the run in dir, or one made from
// text where there is none yet.
func openOrMakeTokenizer(dir string, c TokenizerConfig, text []string) (tokenizer.Tokenizer, error) {
	tok, err := openTokenizer(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return makeTokenizer(c, text)
	}
	return tok, err
}

// vocabOf returns how many entries a model has: as many as the tokenizer.
func vocabOf(asked int, tok tokenizer.Tokenizer) (int, error) {
	if asked != 0 && asked != tok.Len() {
		return 0, fmt.Errorf("train: the model's vocab is set to %d and the tokenizer has %d entries; leave it 0", asked, tok.Len())
	}
	return tok.Len(), nil
}

func makeTokenizer(c TokenizerConfig, text []string) (tokenizer.Tokenizer, error) {
	if c.Model != "" {
		return tokenizer.Load(c.Model)
	}
	lines := slices.Values(text)
	o := tokenizer.DefaultTrainOptions()
	switch c.Type {
	case "words":
		return tokenizer.TrainWords(lines, tokenizer.WordsOptions{MaxSize: c.Vocab})
	case "characters":
		return tokenizer.TrainCharacters(slices.Values([]string{strings.Join(text, "\n")}), 1)
	case "unigram":
		o.Algorithm = tokenizer.Unigram
	case "bpe":
		o.Algorithm = tokenizer.BPE
	default:
		return nil, fmt.Errorf("train: tokenizer.type is %q; want unigram, bpe, words or characters", c.Type)
	}
	o.VocabSize, o.CharacterCoverage, o.ByteFallback = c.Vocab, c.CharacterCoverage, c.ByteFallback
	o.HardVocabLimit = false
	o.Special = tokenizer.Special{Pad: 0, Unknown: 1, Begin: 2, End: 3}
	return tokenizer.Train(lines, o)
}
