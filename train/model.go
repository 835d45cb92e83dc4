package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Model is a trained model, ready for use, by several goroutines at a time too.
type Model struct {
	Config         Config              // of the run; an imported model has that of the default preset
	Source, Target tokenizer.Tokenizer // one and the same unless the model was imported

	network network
	pack    sync.Once
}

// Transformer returns the model if it is a Transformer.
func (m *Model) Transformer() (*transformer.Model, bool) {
	n, ok := m.network.(attentive)
	return n.Model, ok
}

// MaxLength is the longest sequence that the model takes, the end symbol among it.
func (m *Model) MaxLength() int {
	_, n := m.network.Limits()
	return n
}

// Weights returns how many weights the model has.
func (m *Model) Weights() int { return nn.Count(m.network.Params()) }

// Encoder returns the encoder of recurrent layers, nil for another network.
func (m *Model) Encoder() *seq2seq.Model {
	if n, ok := m.network.(recurrent); ok {
		return n.Model
	}
	return nil
}

// Attends says whether the model has attention to its source.
func (m *Model) Attends() bool {
	return !m.Config.IsRecurrent() || m.Config.Recurrent.Attention != ""
}

// Attention returns the attention of the model while it reads source and writes target,
// both without their end symbols, which are added.
func (m *Model) Attention(source, target []int32) (inspect.Attention, error) {
	m.packed()
	return m.network.Attention(m, source, target)
}

// Open reads the best model of a run, or a folder in the layout of Hugging
// Face's Marian models.
func Open(dir string) (*Model, error) {
	path := filepath.Join(dir, configFile)
	if preset, err := PresetOfFile(path); err == nil && slices.Contains(Presets(), preset) && !Translations.Has(preset) {
		return nil, fmt.Errorf("train: %s is of %s, which does not translate; want the folder of a run of one of %s", path, preset, strings.Join(Translations.names(), ", "))
	}
	c, err := Translations.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return openMarian(dir)
	}
	if err != nil {
		return nil, err
	}
	if err := c.Decoding.check(); err != nil {
		return nil, fmt.Errorf("train: %s: %w", path, err)
	}
	tok, err := openTokenizer(dir)
	if err != nil {
		return nil, err
	}
	if err := decode.CheckTokenizer(tok); err != nil {
		return nil, err
	}
	if err := c.fitTo(tok); err != nil {
		return nil, err
	}
	weights, _ := c.weights()
	if err := checkOpening(dir, weights); err != nil {
		return nil, err
	}
	n, err := newNetwork(c, 0)
	if err != nil {
		return nil, err
	}
	if err := loadOfRun(dir, bestFile, n.Params()); err != nil {
		return nil, err
	}
	return &Model{Config: c, Source: tok, Target: tok, network: n}, nil
}

func openMarian(dir string) (*Model, error) {
	if !exists(filepath.Join(dir, "config.json")) {
		return nil, fmt.Errorf("train: %s has neither %s nor config.json; want the folder of a run or of a Marian model", dir, configFile)
	}
	in, err := transformer.ImportMarian(dir)
	if err != nil {
		return nil, err
	}
	if in.Source == nil {
		return nil, fmt.Errorf("train: %s has no vocab.json; want the tokenizer's files beside the weights", dir)
	}
	c, err := Translations.Preset("")
	if err != nil {
		return nil, err
	}
	c.Model = in.Model.Config
	return &Model{Config: c, Source: in.Source, Target: in.Target, network: attentive{in.Model, in.Start}}, nil
}

// System returns the model as a System, packed for decoding: its weights must not be changed
// from then on.
func (m *Model) System() decode.System {
	m.packed()
	return m.system()
}

// packed packs the weights, once.
func (m *Model) packed() { m.pack.Do(m.network.Pack) }

// system is System of a model that has been packed.
func (m *Model) system() decode.System {
	start, longest := m.network.Limits()
	return decode.System{
		Source: m.Source, Target: m.Target, Begin: start, MaxLength: longest,
		Start: func(src [][]int32) decode.Stepper { return m.network.Decoder(nn.NewSequences(src...)) },
	}
}
