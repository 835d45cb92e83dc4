package train

import (
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
