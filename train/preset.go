package train

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
)

// DefaultPreset is what a configuration without a preset starts from.
const DefaultPreset = "transformer-tiny"

// presets are complete configurations but for the data. A preset never
// changes once it is published: a better one gets the next number.
var presets = map[string]Config{
	// The shape of the Multi30k model of Wu et al. 2021 ("Good for Misconceived
	// Reasons"), with what docs/results.md found better for it than their dropout and
	// rate: above all PreNorm. For some 30,000 pairs; more pairs want more steps.
	"transformer-tiny@1": {
		Tokenizer: TokenizerConfig{Type: "unigram", Vocab: 5000, CharacterCoverage: 1},
		Model: transformer.Config{
			Dim: 128, Heads: 4, FFN: 256, EncoderLayers: 4, DecoderLayers: 4, MaxLength: 512, Activation: transformer.ReLU,
			PreNorm: true, Dropout: 0.2,
		},
		Training: tinyTraining,
	},
	"transformer-small@1": {
		Tokenizer: TokenizerConfig{Type: "unigram", Vocab: 8000, CharacterCoverage: 0.9995},
		Model: transformer.Config{
			Dim: 256, Heads: 4, FFN: 1024, EncoderLayers: 3, DecoderLayers: 3, MaxLength: 512, Activation: transformer.ReLU, Dropout: 0.3,
		},
		Training: smallTraining,
	},
	// Sutskever et al. 2014, sections 3.1 to 3.4, with one vocabulary of the size of the
	// paper's target side. It trains for 7.5 epochs there.
	"seq2seq-sutskever@1": {
		Tokenizer: TokenizerConfig{Type: "words", Vocab: 80_000},
		Recurrent: seq2seq.Config{Cell: nn.LSTM, Dim: 1000, Hidden: 1000, Layers: 4, Reverse: true, MaxLength: 200, Init: 0.08},
		Training: Options{
			Seed: 1, BatchTokens: 4096, Accumulate: 1, MaxEpochs: 8, PerSentence: true, Clip: 5,
			Optimizer: "sgd", Schedule: "staircase", Rate: 0.7, Hold: 5, Every: 0.5, Factor: 0.5, ValidateEvery: 1000,
		},
	},
	// Luong et al. 2015: general attention with input feeding, in a size for corpora of
	// some 30,000 pairs and with Adam.
	"seq2seq-luong@1": {
		Tokenizer: TokenizerConfig{Type: "unigram", Vocab: 5000, CharacterCoverage: 1},
		Recurrent: seq2seq.Config{
			Cell: nn.LSTM, Dim: 256, Hidden: 256, Layers: 2, Attention: nn.General, InputFeeding: true, MaxLength: 200, Dropout: 0.3, Init: 0.08,
		},
		Training: luongTraining,
	},
	// Bahdanau et al. 2015: a bidirectional encoder, and attention from the state before
	// each step; in the same size.
	"seq2seq-bahdanau@1": {
		Tokenizer: TokenizerConfig{Type: "unigram", Vocab: 5000, CharacterCoverage: 1},
		Recurrent: seq2seq.Config{
			Cell: nn.GRU, Dim: 256, Hidden: 256, Layers: 1, Bidirectional: true, Attention: nn.Concat, PreviousState: true, MaxLength: 200, Dropout: 0.3, Init: 0.08,
		},
		Training: luongTraining,
	},
	// Vaswani et al. 2017, table 3 and section 5.
	"transformer-base@1": {
		Tokenizer: TokenizerConfig{Type: "bpe", Vocab: 37000, CharacterCoverage: 0.9995, ByteFallback: true},
		Model: transformer.Config{
			Dim: 512, Heads: 8, FFN: 2048, EncoderLayers: 6, DecoderLayers: 6, MaxLength: 512, Activation: transformer.ReLU, Dropout: 0.1,
		},
		Training: Options{
			Seed: 1, BatchTokens: 4096, Accumulate: 6, MaxSteps: 100_000, Smoothing: 0.1,
			Optimizer: "adam", Schedule: "noam", Rate: 1, Warmup: 4000, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-9,
			ValidateEvery: 1000, Average: 5,
		},
	},
}

// Translations are the runs of models that translate.
var Translations = Kind[Config]{presets, DefaultPreset, func(c *Config) *string { return &c.Preset }, func(c *Config) {
	c.Data.Tokenize = "13a"
	c.Decoding = DecodingConfig{Beam: 4, LengthPenalty: "gnmt", Alpha: 0.6}
}}

var tinyTraining = Options{
	Seed: 1, BatchTokens: 4096, Accumulate: 1, MaxSteps: 5600, Smoothing: 0.1,
	Optimizer: "adam", Schedule: "linear", Rate: 3e-3, Warmup: 1000, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-9,
	ValidateEvery: 250, Average: 10,
}

var luongTraining = Options{
	Seed: 1, BatchTokens: 2048, Accumulate: 1, MaxSteps: 6000, Smoothing: 0.1, Clip: 1,
	Optimizer: "adam", Schedule: "linear", Rate: 2e-3, Warmup: 200, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-9,
	ValidateEvery: 250, Average: 5,
}

var smallTraining = Options{
	Seed: 1, BatchTokens: 4096, Accumulate: 1, MaxSteps: 20_000, Smoothing: 0.1, Clip: 1,
	Optimizer: "adam", Schedule: "inverse-sqrt", Rate: 1.5e-3, Warmup: 2000, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-9,
	ValidateEvery: 500, Patience: 10, Average: 8,
}

// kinds are all of them.
var kinds = []interface {
	Has(preset string) bool
	names() []string
	format(preset string) (string, error)
}{Pretrainings, Classifiers, Answerers, Labellers, LanguageModels, Translations}

// Presets lists all presets by name and version.
func Presets() (all []string) {
	for _, k := range kinds {
		all = append(all, k.names()...)
	}
	return all
}

// FormatPreset returns the configuration of a preset as YAML, each value with its meaning.
// The one for "" is that of a translation model.
func FormatPreset(name string) (string, error) {
	for _, k := range kinds {
		if k.Has(name) {
			return k.format(name)
		}
	}
	return Translations.format(name)
}

// Kind is what the runs of one kind of model have in common: how they are configured.
type Kind[C any] struct {
	presets  map[string]C       // by name and version
	standard string             // preset of a configuration that names none; "" for an error
	field    func(c *C) *string // where a configuration keeps the name of its preset
	complete func(c *C)         // sets what all presets have in common; nil for nothing
}

// Has says whether a preset, by name or name@version, is of this kind.
func (k Kind[C]) Has(preset string) bool {
	_, err := k.find(preset)
	return err == nil
}

// Preset returns a preset by name or name@version.
func (k Kind[C]) Preset(name string) (c C, err error) {
	full, err := k.find(cmp.Or(name, k.standard))
	if err != nil {
		return c, err
	}
	c = k.presets[full]
	*k.field(&c) = full
	if k.complete != nil {
		k.complete(&c)
	}
	return c, nil
}

// Parse parses a configuration over the preset that it names, whose full name it keeps.
func (k Kind[C]) Parse(text []byte) (c C, err error) {
	name, err := presetName(text)
	if err != nil {
		return c, err
	}
	if c, err = k.Preset(name); err != nil {
		return c, fmt.Errorf(" %w", err) // what is wrong elsewhere begins with its line
	}
	full := *k.field(&c)
	if err := overlay(text, &c); err != nil {
		return *new(C), err
	}
	*k.field(&c) = full
	return c, nil
}

// Read reads a configuration over the preset that it names.
func (k Kind[C]) Read(path string) (c C, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("train: %w", err)
	}
	if c, err = k.Parse(text); err != nil {
		return c, fmt.Errorf("train: %s:%w", path, err)
	}
	return c, nil
}

// OfRun returns the configuration of a run, or false where the folder is none of the kind.
func (k Kind[C]) OfRun(dir string) (c C, ok bool, err error) {
	path := filepath.Join(dir, configFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	preset, err := PresetOfFile(path)
	if err != nil || !k.Has(preset) {
		return c, false, err
	}
	c, err = k.Read(path)
	return c, err == nil, err
}

// names lists the presets by name and version.
func (k Kind[C]) names() []string { return slices.Sorted(maps.Keys(k.presets)) }

func (k Kind[C]) format(preset string) (string, error) {
	c, err := k.Preset(preset)
	return Format(c), err
}

// find returns the full name of a preset, given by name or name@version. Without a
// version it is the newest.
func (k Kind[C]) find(name string) (full string, err error) {
	for _, p := range k.names() {
		if p == name || strings.HasPrefix(p, name+"@") {
			full = p
		}
	}
	if full == "" {
		return "", fmt.Errorf("train: unknown preset %q; want one of %s", name, strings.Join(Presets(), ", "))
	}
	return full, nil
}
