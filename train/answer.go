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

// AnswerConfig is everything that decides a run that fine-tunes an encoder to answer
// questions with parts of a text (Devlin et al. 2018, sections 4.2 and 4.3).
type AnswerConfig struct {
	Preset   string           `yaml:"preset" doc:"the preset, with its version, that values not given come from"`
	Init     string           `yaml:"init" doc:"folder of the encoder to begin with, in the layout of Hugging Face"`
	Data     AnswerDataConfig `yaml:"data" doc:"the questions"`
	Training Options          `yaml:"training" doc:"optimiser, schedule, and when to stop"`
}

// AnswerDataConfig names questions and says how their texts are cut into windows.
type AnswerDataConfig struct {
	Train       string  `yaml:"train" doc:"training questions in the form of SQuAD: a file, or files by a pattern, as train-*.json"`
	Valid       string  `yaml:"valid" doc:"validation questions, likewise; empty: the last articles for training"`
	ValidShare  float64 `yaml:"valid_share" doc:"share of the training questions that is kept for validation where no other is given, in whole articles"`
	Batch       int     `yaml:"batch" doc:"windows of a batch"`
	MaxLength   int     `yaml:"max_length" doc:"longest window of question and text, in tokens; 0: 384, or fewer where the model takes fewer"`
	Stride      int     `yaml:"stride" doc:"tokens from the begin of a window to that of the next; 0: 128"`
	MaxQuestion int     `yaml:"max_question" doc:"tokens that a question is cut at; 0: 64"`
	MaxAnswer   int     `yaml:"max_answer" doc:"longest answer that is predicted, in tokens; 0: 30"`
	Characters  bool    `yaml:"characters" doc:"count characters instead of words in F1, for languages without spaces"`
}

// answerPresets are complete configurations of fine-tuning but for the encoder and the
// questions.
var answerPresets = map[string]AnswerConfig{
	// Section 4.2 of Devlin et al. 2018.
	"bert-qa@1": {
		Data:     AnswerDataConfig{ValidShare: 0.1, Batch: 32, MaxLength: 384, Stride: 128, MaxQuestion: 64, MaxAnswer: 30},
		Training: fineTuning,
	},
}

// Answerers are the runs that fine-tune an encoder to answer questions.
var Answerers = Kind[AnswerConfig]{presets: answerPresets, field: func(c *AnswerConfig) *string { return &c.Preset }}

// Options are those of answering the questions that validate.
func (d AnswerDataConfig) Options() pipeline.AnswerOptions {
	return pipeline.AnswerOptions{
		WindowOptions: pipeline.WindowOptions{MaxLength: d.MaxLength, Stride: d.Stride, MaxQuestion: d.MaxQuestion},
		MaxAnswer:     d.MaxAnswer,
	}
}

// read returns the questions for training and validation.
func (d AnswerDataConfig) read() (train, valid data.SQuAD, err error) {
	switch {
	case d.Batch < 1:
		return train, valid, fmt.Errorf("train: data.batch is %d; want at least 1", d.Batch)
	case d.Train == "":
		return train, valid, errors.New("train: data.train is not given; name a file of questions in the form of SQuAD")
	}
	if err := d.Options().Validate(); err != nil {
		return train, valid, fmt.Errorf("train: data.max_answer: %w", err)
	}
	if err := checkValid(d.Valid, d.ValidShare); err != nil {
		return train, valid, err
	}
	if train, err = readQuestions(d.Train); err != nil {
		return train, valid, err
	}
	if d.Valid != "" {
		valid, err = readQuestions(d.Valid)
		return train, valid, err
	}
	train.Questions, valid.Questions, err = splitArticles(train.Questions, d.ValidShare)
	if err != nil {
		return train, valid, fmt.Errorf("train: %s: %w", d.Train, err)
	}
	return train, valid, nil
}

// readQuestions reads all files that a pattern names.
func readQuestions(pattern string) (all data.SQuAD, err error) {
	paths, err := data.Files(pattern)
	if err != nil || len(paths) == 0 {
		paths = []string{pattern} // reading it says what is wrong
	}
	for _, path := range paths {
		s, err := data.ReadSQuAD(path)
		if err != nil {
			return all, err
		}
		all.Questions = append(all.Questions, s.Questions...)
	}
	return all, nil
}

// splitArticles parts questions near where a share of them is left, between two articles,
// so that no text has questions on both sides.
func splitArticles(all []data.Question, share float64) (first, last []data.Question, err error) {
	begins := func(at int) bool { return !sameArticle(all[at-1], all[at]) }
	wanted := min(int(float64(len(all))*(1-share)), len(all)-1)
	at := wanted
	for at > 0 && !begins(at) {
		at--
	}
	if at == 0 { // it is in the first article: all of that, then
		for at = max(wanted, 1); at < len(all) && !begins(at); at++ {
		}
	}
	if at == len(all) {
		return nil, nil, errors.New("there is one article only, none of which can be kept for validation; name a file in data.valid")
	}
	return all[:at], all[at:], nil
}

// sameArticle says whether two questions in sequence are about one article, or one text
// where articles have no titles.
func sameArticle(a, b data.Question) bool {
	return a.Title == b.Title && (a.Title != "" || a.Context == b.Context)
}

// AnswerRun is the run folder of a model that answers questions, open for training. The
// folder is one in the layout of Hugging Face as well.
type AnswerRun struct {
	session
	Config AnswerConfig
	Task   *AnswerTask
}

// NewAnswerRun makes the folder of a run, or opens it where an earlier session with the
// same configuration left off.
func NewAnswerRun(dir string, c AnswerConfig) (*AnswerRun, error) {
	train, valid, err := c.Data.read()
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
	m.Pooler = nil // answers do not come from [CLS]
	network := bert.NewAnswerer(m, rand.New(rand.NewPCG(c.Training.Seed, 0)))
	e := &pipeline.Encoder{Network: network, Tokenizer: tok, MaxLength: m.MaxLength}
	task, err := newAnswerTask(c, e, train, valid.Questions)
	if err != nil {
		return nil, err
	}
	s, err := newBERTSession(dir, asked, c.Training, task, &bert.Folder{Network: network}, tok)
	return &AnswerRun{s, c, task}, err
}

// OpenAnswerer opens the model of a run to be validated on the questions of a file. The
// encoder is to be closed.
func OpenAnswerer(dir, path string) (*AnswerTask, error) {
	return openRun(dir, Answerers, func(c AnswerConfig, e *pipeline.Encoder) (*AnswerTask, error) {
		s, err := readQuestions(path)
		if err != nil {
			return nil, err
		}
		t := &AnswerTask{Encoder: e, config: c.Data}
		return t, t.setValid(s.Questions)
	})
}

// impossible says whether there is a question that its text does not answer.
func impossible(all []data.Question) bool {
	return slices.ContainsFunc(all, func(q data.Question) bool { return q.Impossible })
}
