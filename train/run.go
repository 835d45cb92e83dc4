package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
)

// Run is the run folder of a translation model that is open for training.
type Run struct {
	session
	Config Config
	Task   *Translation
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
	if c.Training.BatchTokens < 1 {
		return nil, fmt.Errorf("train: batch_tokens is %d; want at least 1", c.Training.BatchTokens)
	}
	if c.Tokenizer.Type == "characters" && c.Tokenizer.Model == "" {
		return nil, errors.New("train: tokenizer.type is characters, which is for language models; want unigram, bpe or words")
	}
	asked := Format(c) // what the folder keeps, before the tokenizer decides the rest
	if err := checkConfig(dir, asked); err != nil {
		return nil, err
	}
	tok, err := openOrMakeTokenizer(dir, c.Tokenizer, slices.Concat(train.Source, train.Target))
	if err != nil {
		return nil, err
	}
	if err := c.fitTo(tok); err != nil {
		return nil, err
	}
	weights, by := c.weights()
	if err := checkTraining(weights, "the weights", by); err != nil {
		return nil, err
	}
	n, err := newNetwork(c, c.Training.Seed)
	if err != nil {
		return nil, err
	}
	task, err := NewTranslation(c, &Model{Config: c, Source: tok, Target: tok, network: n}, train, valid)
	if err != nil {
		return nil, err
	}
	return &Run{newSession(dir, c.Training, c.dim(), task), c, task}, makeFolder(dir, asked, tok)
}

func readTexts(d DataConfig) (train, valid Text, err error) {
	for _, file := range []struct{ key, flag, path string }{
		{"data.source", "src", d.Source},
		{"data.target", "tgt", d.Target},
		{"data.valid_source", "valid-src", d.ValidSource},
		{"data.valid_target", "valid-tgt", d.ValidTarget},
	} {
		if file.path == "" {
			return Text{}, Text{}, fmt.Errorf("train: %s (--%s) is not given; name a text file of one sentence a line", file.key, file.flag)
		}
	}
	if train.Source, train.Target, err = data.ReadParallel(d.Source, d.Target); err != nil {
		return Text{}, Text{}, err
	}
	valid.Source, valid.Target, err = data.ReadParallel(d.ValidSource, d.ValidTarget)
	return train, valid, err
}
