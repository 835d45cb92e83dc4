package train

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pipeline"
)

// LabelConfig is everything that decides a run that fine-tunes an encoder to label the words
// of sentences (Devlin et al. 2018, section 5.3).
type LabelConfig struct {
	Preset   string          `yaml:"preset" doc:"the preset, with its version, that values not given come from"`
	Init     string          `yaml:"init" doc:"folder of the encoder to begin with, in the layout of Hugging Face"`
	Data     LabelDataConfig `yaml:"data" doc:"the sentences"`
	Training Options         `yaml:"training" doc:"optimiser, schedule, and when to stop"`
}

// LabelDataConfig names sentences with a label a word.
type LabelDataConfig struct {
	Train      string  `yaml:"train" doc:"training sentences, a word a line as in the shared tasks of CoNLL, or in CoNLL-U where the name ends in .conllu"`
	Valid      string  `yaml:"valid" doc:"validation sentences; empty: the last ones for training"`
	ValidShare float64 `yaml:"valid_share" doc:"share of the training sentences that is kept for validation where no other is given"`
	Word       int     `yaml:"word" doc:"column of words, from 1, or from -1 backwards; 0: the first, of CoNLL-U the second"`
	Label      int     `yaml:"label" doc:"column of labels; 0: the last, of CoNLL-U the fourth"`
	Batch      int     `yaml:"batch" doc:"sequences of a batch: sentences, or parts of those that are too long for one"`
	MaxLength  int     `yaml:"max_length" doc:"longest sequence, in tokens, fewer where the model takes fewer; 0: as many as that"`
}

// labelPresets are complete configurations of fine-tuning but for the encoder and the
// sentences.
var labelPresets = map[string]LabelConfig{
	"bert-label@1": {Data: LabelDataConfig{ValidShare: 0.1, Batch: 32, MaxLength: 128}, Training: fineTuning},
}

// Labellers are the runs that fine-tune an encoder to label words.
var Labellers = Kind[LabelConfig]{presets: labelPresets, field: func(c *LabelConfig) *string { return &c.Preset }}

// read returns the sentences for training and validation and all labels.
func (d LabelDataConfig) read() (train, valid []data.Tagged, labels []string, err error) {
	switch {
	case d.Batch < 1:
		return nil, nil, nil, fmt.Errorf("train: data.batch is %d; want at least 1", d.Batch)
	case d.Train == "":
		return nil, nil, nil, errors.New("train: data.train is not given; name a file of sentences, a word and its label a line")
	}
	if err := checkValid(d.Valid, d.ValidShare); err != nil {
		return nil, nil, nil, err
	}
	if train, err = d.readFile(d.Train); err != nil {
		return nil, nil, nil, err
	}
	if d.Valid == "" {
		if len(train) < 2 {
			return nil, nil, nil, fmt.Errorf("train: %s has one sentence only, and none for validation; give more, or name others in data.valid", d.Train)
		}
		at := min(int(float64(len(train))*(1-d.ValidShare)), len(train)-1)
		train, valid = train[:at], train[at:]
	} else if valid, err = d.readFile(d.Valid); err != nil {
		return nil, nil, nil, err
	}
	// A label that validation alone has counts too: a rare one need not be on both sides.
	for _, s := range slices.Concat(train, valid) {
		for _, l := range s.Labels {
			if !slices.Contains(labels, l) {
				labels = append(labels, l)
			}
		}
	}
	if len(labels) < 2 {
		return nil, nil, nil, fmt.Errorf("train: %s has the label %q alone; want two labels or more, or another column in data.label", d.Train, labels[0])
	}
	slices.Sort(labels)
	return train, valid, labels, nil
}

func (d LabelDataConfig) readFile(path string) ([]data.Tagged, error) {
	return data.ReadTagged(path, data.TaggedColumns{Word: d.Word, Label: d.Label})
}

// LabelRun is the run folder of a model that labels words, open for training. The folder is
// one in the layout of Hugging Face as well.
type LabelRun struct {
	session
	Config LabelConfig
	Task   *LabelTask
}

// NewLabelRun makes the folder of a run, or opens it where an earlier session with the same
// configuration left off.
func NewLabelRun(dir string, c LabelConfig) (*LabelRun, error) {
	train, valid, labels, err := c.Data.read()
	if err != nil {
		return nil, err
	}
	asked := Format(c)
	if err := checkConfig(dir, asked); err != nil {
		return nil, err
	}
	m, tok, err := openEncoder(c.Init)
	if err != nil {
		return nil, err
	}
	m.Pooler = nil // labels do not come from [CLS]
	network := bert.NewClassifier(m, len(labels), rand.New(rand.NewPCG(c.Training.Seed, 0)))
	task, err := newLabelTask(c, &pipeline.Encoder{Network: network, Tokenizer: tok, Labels: labels, MaxLength: m.MaxLength})
	if err != nil {
		return nil, err
	}
	task.train, task.valid = task.sequences(train), task.sequences(valid)
	s, err := newBERTSession(dir, asked, c.Training, task, &bert.Folder{Network: network, Labels: labels}, tok)
	return &LabelRun{s, c, task}, err
}

// OpenLabeller opens the model of a run to be validated on the sentences of a file, in the
// form of those it was trained on, and returns how many there are. The encoder is to be
// closed.
func OpenLabeller(dir, path string) (t *LabelTask, sentences int, err error) {
	t, err = openRun(dir, Labellers, func(c LabelConfig, e *pipeline.Encoder) (*LabelTask, error) {
		all, err := c.Data.readFile(path)
		if err == nil {
			err = data.CheckTagged(path, all, e.Labels)
		}
		if err != nil {
			return nil, err
		}
		sentences = len(all)
		t, err := newLabelTask(c, e)
		if err != nil {
			return nil, err
		}
		t.valid = t.sequences(all)
		return t, nil
	})
	return t, sentences, err
}
