package train

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/rnnlm"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// LMConfig is everything that decides a run of a language model.
type LMConfig struct {
	Preset    string          `yaml:"preset" doc:"the preset, with its version, that values not given come from"`
	Data      LMDataConfig    `yaml:"data" doc:"the text"`
	Tokenizer TokenizerConfig `yaml:"tokenizer" doc:"the vocabulary"`
	Model     rnnlm.Config    `yaml:"model" doc:"the recurrent language model (Mikolov et al. 2010; Zaremba et al. 2014)"`
	Training  Options         `yaml:"training" doc:"optimiser, schedule, and when to stop"`
}

// LMDataConfig names the text of a language model and how it is read.
type LMDataConfig struct {
	Text       string  `yaml:"text" doc:"training text"`
	Valid      string  `yaml:"valid" doc:"validation text; empty: the end of the training text"`
	ValidShare float64 `yaml:"valid_share" doc:"share of the training text that is kept for validation where no other is given"`
	Streams    int     `yaml:"streams" doc:"places at which the text is read side by side"`
	Steps      int     `yaml:"steps" doc:"tokens of each stream in a batch: how far the gradient goes back"`
}

// lmPresets are complete configurations of language models but for the text.
var lmPresets = map[string]LMConfig{
	"lstm-zaremba-small@1": zaremba(
		rnnlm.Config{Cell: nn.LSTM, Dim: 200, Hidden: 200, Layers: 2, Init: 0.1},
		20, Options{Hold: 4, Factor: 0.5, MaxEpochs: 13}),
	"lstm-zaremba-medium@1": zaremba(
		rnnlm.Config{Cell: nn.LSTM, Dim: 650, Hidden: 650, Layers: 2, Init: 0.05, Dropout: 0.5},
		35, Options{Hold: 6, Factor: 1 / 1.2, MaxEpochs: 39}),
	// The paper has no plain network, and at the rate of its LSTM this one diverges.
	"rnnlm-small@2": zaremba(
		rnnlm.Config{Cell: nn.RNNTanh, Dim: 200, Hidden: 200, Layers: 1, Init: 0.1},
		20, Options{Rate: 4, Hold: 4, Factor: 0.5, MaxEpochs: 13}),
	"lstm-char@1": {
		Data:      LMDataConfig{ValidShare: 0.1, Streams: 32, Steps: 100},
		Tokenizer: TokenizerConfig{Type: "characters"},
		Model:     rnnlm.Config{Cell: nn.LSTM, Dim: 128, Hidden: 512, Layers: 2, Dropout: 0.4, Init: 0.08},
		Training: Options{
			Seed: 1, Accumulate: 1, MaxEpochs: 20, Clip: 1, Optimizer: "adam",
			Schedule: "staircase", Rate: 2e-3, Hold: 10, Every: 1, Factor: 0.8, Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8,
			ValidateEvery: 300,
		},
	},
}

// LanguageModels are the runs of language models.
var LanguageModels = Kind[LMConfig]{presets: lmPresets, field: func(c *LMConfig) *string { return &c.Preset }}

// zaremba completes a configuration of Zaremba et al. 2014, section 4.1: SGD at a
// rate of 1, where no other is given, and a norm of the gradient of at most 5. There the loss of a batch is the
// sum over its steps; here it is the mean, so that the rate is as many times larger
// and the norm as many times smaller.
func zaremba(m rnnlm.Config, steps int, o Options) LMConfig {
	o.Seed, o.Accumulate, o.ValidateEvery = 1, 1, 1000
	o.Optimizer, o.Schedule, o.Every = "sgd", "staircase", 1
	o.Rate, o.Clip = cmp.Or(o.Rate, float64(steps)), 5/float64(steps)
	return LMConfig{
		Data:      LMDataConfig{ValidShare: 0.1, Streams: 20, Steps: steps},
		Tokenizer: TokenizerConfig{Type: "words", Vocab: 10_000},
		Model:     m, Training: o,
	}
}

// validate says what of the configuration of the data cannot be.
func (d LMDataConfig) validate() error {
	if d.Streams < 1 || d.Steps < 1 {
		return fmt.Errorf("train: data.streams is %d and data.steps %d; want at least 1", d.Streams, d.Steps)
	}
	return checkValid(d.Valid, d.ValidShare)
}

// LMRun is the run folder of a language model that is open for training.
type LMRun struct {
	session
	Config LMConfig
	Task   *LMTask
}

// NewLMRun makes the folder of a run, or opens it where an earlier session with the
// same configuration left off.
func NewLMRun(dir string, c LMConfig) (*LMRun, error) {
	fit, valid, err := c.Data.read()
	if err != nil {
		return nil, err
	}
	if err := c.Training.Validate(); err != nil {
		return nil, err
	}
	asked := Format(c) // what the folder keeps, before the tokenizer decides the rest
	if err := checkConfig(dir, asked); err != nil {
		return nil, err
	}
	tok, err := openOrMakeTokenizer(dir, c.Tokenizer, fit)
	if err != nil {
		return nil, err
	}
	if c.Model.Vocab, err = vocabOf(c.Model.Vocab, tok); err != nil {
		return nil, err
	}
	if err := checkTraining(c.Model.Weights(), "the weights", "model.hidden, model.dim or model.layers"); err != nil {
		return nil, err
	}
	m, err := newLM(c.Model, c.Training.Seed)
	if err != nil {
		return nil, err
	}
	task, err := NewLMTask(c, m, tok, fit, valid)
	if err != nil {
		return nil, err
	}
	return &LMRun{newSession(dir, c.Training, c.Model.Hidden, task), c, task}, makeFolder(dir, asked, tok)
}

// newLM returns a model with random weights.
func newLM(c rnnlm.Config, seed uint64) (*rnnlm.Model, error) {
	return rnnlm.New(c, rand.New(rand.NewPCG(seed, 0)))
}

// LM is a trained language model, ready for use, by several goroutines at a time too: its
// weights are packed (see nn.Pack) and must not be changed.
type LM struct {
	Config    LMConfig // of the run
	Model     *rnnlm.Model
	Tokenizer tokenizer.Tokenizer
}

// OpenLM reads the best model of the run of a language model.
func OpenLM(dir string) (*LM, error) {
	path := filepath.Join(dir, configFile)
	preset, err := PresetOfFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; want the folder of a run", err)
	}
	if !LanguageModels.Has(preset) {
		return nil, fmt.Errorf("train: %s is not of a language model; want a run of one of %s", path, strings.Join(LanguageModels.names(), ", "))
	}
	c, err := LanguageModels.Read(path)
	if err != nil {
		return nil, err
	}
	tok, err := openTokenizer(dir)
	if err != nil {
		return nil, err
	}
	if c.Model.Vocab, err = vocabOf(c.Model.Vocab, tok); err != nil {
		return nil, err
	}
	if err := checkOpening(dir, c.Model.Weights()); err != nil {
		return nil, err
	}
	m, err := newLM(c.Model, 0)
	if err != nil {
		return nil, err
	}
	if err := loadOfRun(dir, bestFile, nn.Params(m)); err != nil {
		return nil, err
	}
	m.Pack()
	return &LM{Config: c, Model: m, Tokenizer: tok}, nil
}

// mostWritten bounds what Generate writes, which is in memory until it ends.
const mostWritten = 1_000_000

// Generate continues a text by at most length tokens, drawn at random, and returns
// it with what it continues. Unknown words are not drawn; where the vocabulary has an end
// symbol, it ends a line.
func (m *LM) Generate(prefix string, length int, s decode.Sampling) (string, error) {
	if length < 1 || length > mostWritten {
		return "", fmt.Errorf("train: %d tokens to write; want 1 to %d", length, mostWritten)
	}
	lines := strings.Split(prefix, "\n")
	line := lines[len(lines)-1] // what the first line to be written begins with
	begun := m.Tokenizer.Encode(line)
	ids := []int32{m.begin()}
	if whole := lines[:len(lines)-1]; len(whole) > 0 {
		ids = append(ids, m.Tokens(whole)...)
	}
	ids = append(ids, begun...)
	last := len(ids) - 1
	special := m.Tokenizer.Special()
	o := decode.Options{Begin: ids[last], End: tokenizer.None, Beam: 1, NBest: 1, Sampling: &s}
	for _, id := range []int32{special.Unknown, special.Begin, special.Pad} {
		if id != tokenizer.None {
			o.Banned = append(o.Banned, id)
		}
	}
	out, err := decode.Run(m.Model.NewDecoder(ids[:last]), []int{length}, o)
	if err != nil {
		return "", err
	}
	text := m.continuation(begun, out[0][0].Tokens)
	if words := strings.TrimRight(line, " "); words != line && slices.Equal(m.Tokenizer.Encode(words), begun) {
		text = strings.TrimPrefix(text, " ") // the space after a word is no token, and the prefix has it
	}
	return prefix + text, nil
}

// continuation returns the text of tokens that follow others in their line.
func (m *LM) continuation(begun, tokens []int32) string {
	end := m.Tokenizer.Special().End
	var text []string
	for {
		at := len(tokens)
		if end != tokenizer.None && slices.Contains(tokens, end) {
			at = slices.Index(tokens, end)
		}
		whole := m.Tokenizer.Decode(slices.Concat(begun, tokens[:at]))
		text = append(text, strings.TrimPrefix(whole, m.Tokenizer.Decode(begun)))
		if at == len(tokens) {
			return strings.Join(text, "\n")
		}
		begun, tokens = nil, tokens[at+1:]
	}
}
