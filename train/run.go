package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// tokenizerFiles are the names that a run's vocabulary can have.
var tokenizerFiles = map[bool]string{true: "tokenizer.model", false: "vocab.txt"}

// Run is a run folder that is open for training.
type Run struct {
	Dir     string
	Config  Config
	Task    *Translation
	Resumed int // the step that an earlier session reached

	trainer *Trainer
}

// NewRun makes the folder of a run, or opens it where an earlier session with
// the same configuration left off.
func NewRun(dir string, c Config) (*Run, error) {
	train, valid, err := readTexts(c.Data)
	if err != nil {
		return nil, err
	}
	return NewRunOf(dir, c, train, valid)
}

// NewRunOf is NewRun with text in memory.
func NewRunOf(dir string, c Config, train, valid Text) (*Run, error) {
	if err := c.Training.Validate(); err != nil {
		return nil, err
	}
	asked := c // what the folder keeps, before the tokenizer decides the rest
	if err := checkConfig(dir, asked); err != nil {
		return nil, err
	}
	tok, err := openTokenizer(dir)
	if errors.Is(err, fs.ErrNotExist) {
		tok, err = makeTokenizer(c.Tokenizer, train)
	}
	if err != nil {
		return nil, err
	}
	if c.Model.Vocab == 0 {
		c.Model.Vocab = tok.Len()
	}
	if c.Model.Vocab < tok.Len() {
		return nil, fmt.Errorf("train: model.vocab is %d and the tokenizer has %d entries; leave it 0", c.Model.Vocab, tok.Len())
	}
	c.Model.Start = int(decode.Begin(tok))
	m, err := transformer.New(c.Model, rand.New(rand.NewPCG(c.Training.Seed, 0)))
	if err != nil {
		return nil, err
	}
	task, err := NewTranslation(c, m, tok, train, valid)
	if err != nil {
		return nil, err
	}
	return &Run{Dir: dir, Config: c, Task: task}, makeFolder(dir, asked, tok)
}

// makeFolder makes the folder of a new run. It comes last, so that options that
// cannot work leave nothing behind.
func makeFolder(dir string, c Config, tok tokenizer.Tokenizer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	_, pieces := tok.(*tokenizer.SentencePiece)
	vocab, config := filepath.Join(dir, tokenizerFiles[pieces]), filepath.Join(dir, configFile)
	if _, err := os.Stat(config); errors.Is(err, fs.ErrNotExist) {
		if err := writeFile(config, c.Format()); err != nil {
			return err
		}
	}
	if _, err := os.Stat(vocab); errors.Is(err, fs.ErrNotExist) {
		return tok.Save(vocab)
	}
	return nil
}

func readTexts(d DataConfig) (train, valid Text, err error) {
	for name, path := range map[string]string{
		"data.source": d.Source, "data.target": d.Target, "data.valid_source": d.ValidSource, "data.valid_target": d.ValidTarget,
	} {
		if path == "" {
			return Text{}, Text{}, fmt.Errorf("train: %s is not given; name a text file of one sentence a line", name)
		}
	}
	if train.Source, train.Target, err = data.ReadParallel(d.Source, d.Target); err != nil {
		return Text{}, Text{}, err
	}
	valid.Source, valid.Target, err = data.ReadParallel(d.ValidSource, d.ValidTarget)
	return train, valid, err
}

// checkConfig compares the configuration with that of the run that is in the
// folder already, if there is one.
func checkConfig(dir string, c Config) error {
	path := filepath.Join(dir, configFile)
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if string(old) != c.Format() {
		return fmt.Errorf("train: %s belongs to a run of another configuration; give --dir a new folder, or the same options", path)
	}
	return nil
}

func openTokenizer(dir string) (tokenizer.Tokenizer, error) {
	for _, name := range tokenizerFiles {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return tokenizer.Load(path)
		}
	}
	return nil, fmt.Errorf("train: %s has no tokenizer.model and no vocab.txt: %w", dir, fs.ErrNotExist)
}

func makeTokenizer(c TokenizerConfig, train Text) (tokenizer.Tokenizer, error) {
	if c.Model != "" {
		return tokenizer.Load(c.Model)
	}
	lines := slices.Concat(train.Source, train.Target)
	if c.Type == "words" {
		return tokenizer.TrainWords(slices.Values(lines), tokenizer.WordsOptions{MaxSize: c.Vocab})
	}
	o := tokenizer.DefaultTrainOptions()
	switch c.Type {
	case "unigram":
		o.Algorithm = tokenizer.Unigram
	case "bpe":
		o.Algorithm = tokenizer.BPE
	default:
		return nil, fmt.Errorf("train: tokenizer.type is %q; want unigram, bpe or words", c.Type)
	}
	o.VocabSize, o.CharacterCoverage, o.ByteFallback = c.Vocab, c.CharacterCoverage, c.ByteFallback
	o.HardVocabLimit = false
	o.Special = tokenizer.Special{Pad: 0, Unknown: 1, Begin: 2, End: 3}
	return tokenizer.Train(slices.Values(lines), o)
}

// Train trains until the configuration says that it is enough, reporting every
// step and validation. It goes on from the folder's checkpoint if there is one.
func (r *Run) Train(ctx context.Context, progress func(Progress, *Validation)) (best Validation, err error) {
	f := &folder{dir: r.Dir}
	r.trainer, err = NewTrainer(r.Config.Training, r.Config.Model.Dim, r.Task, f)
	if err != nil {
		return best, err
	}
	last := filepath.Join(r.Dir, lastFile)
	if _, err := os.Stat(last); err == nil {
		if err := r.trainer.resume(last); err != nil {
			return best, err
		}
		r.Resumed = r.trainer.state.Step
	}
	opened, err := openFolder(r.Dir, r.trainer.state.Step, r.Config.Training.Average, progress)
	if err != nil {
		return best, err
	}
	*f = *opened
	defer func() { err = errors.Join(err, f.close()) }()
	best, err = r.trainer.Run(ctx)
	if err != nil {
		return best, err
	}
	return r.finish(ctx, best)
}

// finish leaves the model with the best weights: those of the best validation,
// or the average of the last checkpoints where it does better.
func (r *Run) finish(ctx context.Context, best Validation) (Validation, error) {
	params := nn.Params(r.Task.Model)
	bestPath := filepath.Join(r.Dir, bestFile)
	paths, err := averaged(r.Dir)
	if err != nil {
		return best, err
	}
	if len(paths) > 1 {
		if err := loadAverage(paths, params); err != nil {
			return best, err
		}
		v, err := r.Task.Validate(ctx)
		if err != nil {
			return best, err
		}
		if v.better(best) {
			meta := map[string]string{"format": "pt", "average": fmt.Sprint(len(paths))}
			return v, checkpoint.Save(bestPath, params, meta)
		}
	}
	return best, loadWeights(bestPath, params)
}
