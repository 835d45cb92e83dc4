package train

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// PretrainConfig is everything that decides a run that pre-trains BERT (Devlin et al. 2018,
// section 3.1).
type PretrainConfig struct {
	Preset   string             `yaml:"preset" doc:"the preset, with its version, that values not given come from"`
	Init     string             `yaml:"init" doc:"folder of the encoder to go on from, in the layout of Hugging Face, whose sizes are those of the model then; heads that it does not have, and without it all weights, are random"`
	Data     PretrainDataConfig `yaml:"data" doc:"what kotoba pretrain-data has made"`
	Model    bert.Config        `yaml:"model" doc:"the encoder"`
	Training Options            `yaml:"training" doc:"optimiser, schedule, and when to stop"`
}

// PretrainDataConfig names the instances to train on.
type PretrainDataConfig struct {
	Dir          string  `yaml:"dir" doc:"folder of the files of kotoba pretrain-data"`
	Tokenizer    string  `yaml:"tokenizer" doc:"folder of the vocabulary that they were made with; without it that of init"`
	ValidShare   float64 `yaml:"valid_share" doc:"share of the instances, the last ones, that is kept for validation where the folder has no files valid-*.tfrecord; other copies of their text may be trained on"`
	Batch        int     `yaml:"batch" doc:"instances of a batch"`
	NextSentence bool    `yaml:"next_sentence" doc:"whether to predict if the second segment follows the first, beside masked words"`

	DynamicMasking bool `yaml:"dynamic_masking" doc:"draw other masked words in each epoch (Liu et al. 2019, section 4.1), in place of those in the files, of which one copy is enough then"`
	WholeWords     bool `yaml:"whole_words" doc:"with dynamic_masking: mask all pieces of a word or none"`
}

// pretrainPresets are the sizes of Turc et al. 2019 and of Devlin et al. 2018.
var pretrainPresets = map[string]PretrainConfig{
	"bert-tiny@1":   pretrainPreset(2, 128),
	"bert-mini@1":   pretrainPreset(4, 256),
	"bert-small@1":  pretrainPreset(4, 512),
	"bert-medium@1": pretrainPreset(8, 512),
	"bert-base@1":   pretrainPreset(12, 768),
}

// Pretrainings are the runs that pre-train an encoder.
var Pretrainings = Kind[PretrainConfig]{presets: pretrainPresets, field: func(c *PretrainConfig) *string { return &c.Preset }}

// pretrainPreset is the recipe of appendix A.2 for an encoder of some layers and
// dimension. The rate is that of BERT-base; smaller encoders, and batches smaller than
// its 256, can do with more.
func pretrainPreset(layers, dim int) PretrainConfig {
	return PretrainConfig{
		Data: PretrainDataConfig{ValidShare: 0.02, Batch: 32, NextSentence: true},
		Model: bert.Config{
			Dim: dim, Layers: layers, Heads: dim / 64, FFN: 4 * dim, MaxLength: 512, Types: 2,
			Activation: "gelu", Epsilon: 1e-12, Init: 0.02, Dropout: 0.1, AttentionDropout: 0.1,
		},
		Training: Options{
			Seed: 1, Accumulate: 1, MaxSteps: 100_000, Clip: 1, Optimizer: "bert-adam",
			Schedule: "bert", Rate: 1e-4, WarmupShare: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-6, WeightDecay: 0.01,
			ValidateEvery: 1000,
		},
	}
}

// PretrainRun is the run folder of an encoder that is open for pre-training. The folder is
// one in the layout of Hugging Face as well.
type PretrainRun struct {
	session
	Config PretrainConfig
	Task   *PretrainTask
	NoHead bool // init has no head for masked words: it begins with random weights
}

// NewPretrainRun makes the folder of a run, or opens it where an earlier session with the
// same configuration left off.
func NewPretrainRun(dir string, c PretrainConfig) (*PretrainRun, error) {
	c.Data.Tokenizer = cmp.Or(c.Data.Tokenizer, c.Init)
	if c.Data.Dir == "" || c.Data.Tokenizer == "" {
		return nil, errors.New("train: data.dir and data.tokenizer are not given; name the folders of the instances and of the vocabulary")
	}
	tok, err := tokenizer.LoadWordPiece(c.Data.Tokenizer)
	if err != nil {
		return nil, err
	}
	var n *bert.Network
	if c.Init != "" {
		if n, err = c.adopt(tok); err != nil {
			return nil, err
		}
	}
	asked := Format(c)
	if err := checkConfig(dir, asked); err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(c.Training.Seed, 0))
	if n == nil {
		if n, err = c.anew(tok, r); err != nil {
			return nil, err
		}
	}
	noHead := c.Init != "" && n.Predictions == nil
	n.AddPretraining(r)
	if !c.Data.NextSentence {
		n.NextSentence, n.Encoder.Pooler = nil, nil
	}
	task, err := newPretrainTask(c, n, tok)
	if err != nil {
		return nil, err
	}
	words := c.Data.Batch * task.instances.Most
	if err := checkTraining(float64(words)*float64(c.Model.Vocab), fmt.Sprintf("the %d masked words of a batch, of a vocabulary of %d,", words, c.Model.Vocab), "data.batch"); err != nil {
		return nil, err
	}
	s, err := newBERTSession(dir, asked, c.Training, task, &bert.Folder{Network: n}, tok)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &PretrainRun{s, c, task, noHead}, nil
}

// OpenPretraining opens the model of a run to be validated on instances for validation of a
// folder, as in training. The encoder is to be closed.
func OpenPretraining(dir, instances string) (t *PretrainTask, e *pipeline.Encoder, err error) {
	t, err = openRun(dir, Pretrainings, func(c PretrainConfig, opened *pipeline.Encoder) (*PretrainTask, error) {
		e = opened
		c.Data.Dir, c.Data.Tokenizer = instances, dir
		return newPretrainTask(c, e.Network, e.Tokenizer)
	})
	return t, e, err
}

// adopt returns the encoder of init, with what it has of the heads of pre-training, and makes
// its sizes those of the configuration.
func (c *PretrainConfig) adopt(tok *tokenizer.WordPiece) (*bert.Network, error) {
	n, own, err := pipeline.Load(c.Init)
	if err != nil {
		return nil, err
	}
	if !sameVocabulary(tok, own) {
		return nil, fmt.Errorf("train: the vocabulary in %s, of %d entries, is not that of init, %s, of %d; want the same", c.Data.Tokenizer, tok.Len(), c.Init, own.Len())
	}
	preset, err := Pretrainings.Preset(c.Preset)
	if err != nil {
		return nil, err
	}
	for _, m := range []*bert.Config{&n.Encoder.Config, &preset.Model} {
		m.Init, m.Dropout, m.AttentionDropout = c.Model.Init, c.Model.Dropout, c.Model.AttentionDropout
	}
	if c.Model != preset.Model && c.Model != n.Encoder.Config {
		return nil, fmt.Errorf("train: of model only init, dropout and attention_dropout can be set where the encoder comes from a folder, here %s; leave the rest out", c.Init)
	}
	c.Model = n.Encoder.Config
	n.Classifier, n.Answer = nil, nil
	return n, nil
}

// anew returns an encoder of random weights.
func (c *PretrainConfig) anew(tok *tokenizer.WordPiece, r *rand.Rand) (*bert.Network, error) {
	var err error
	if c.Model.Vocab, err = vocabOf(c.Model.Vocab, tok); err != nil {
		return nil, err
	}
	if err := checkTraining(c.Model.Weights(), "the weights", "model.dim, model.ffn or model.layers"); err != nil {
		return nil, err
	}
	m, err := bert.New(c.Model, r)
	return &bert.Network{Encoder: m}, err
}
