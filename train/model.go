package train

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Model is a trained model, ready for use.
type Model struct {
	Config         Config // of the run; an imported model has that of the default preset
	Transformer    *transformer.Model
	Source, Target tokenizer.Tokenizer // one and the same unless the model was imported
}

// Open reads the best model of a run, or a folder in the layout of Hugging
// Face's Marian models.
func Open(dir string) (*Model, error) {
	c, err := ReadConfig(filepath.Join(dir, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return openMarian(dir)
	}
	if err != nil {
		return nil, err
	}
	tok, err := openTokenizer(dir)
	if err != nil {
		return nil, err
	}
	if err := decode.CheckTokenizer(tok); err != nil {
		return nil, err
	}
	if c.Model.Vocab == 0 {
		c.Model.Vocab = tok.Len()
	}
	c.Model.Start = int(decode.Begin(tok))
	m, err := transformer.New(c.Model, rand.New(rand.NewPCG(0, 0)))
	if err != nil {
		return nil, err
	}
	if err := loadWeights(filepath.Join(dir, bestFile), nn.Params(m)); err != nil {
		return nil, err
	}
	return &Model{Config: c, Transformer: m, Source: tok, Target: tok}, nil
}

func openMarian(dir string) (*Model, error) {
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		return nil, fmt.Errorf("train: %s has neither %s nor config.json; want the folder of a run or of a Marian model", dir, configFile)
	}
	in, err := transformer.ImportMarian(dir)
	if err != nil {
		return nil, err
	}
	if in.Source == nil {
		return nil, fmt.Errorf("train: %s has no vocab.json; want the tokenizer's files beside the weights", dir)
	}
	c, err := Preset("")
	if err != nil {
		return nil, err
	}
	c.Model = in.Model.Config
	return &Model{Config: c, Transformer: in.Model, Source: in.Source, Target: in.Target}, nil
}

// System returns the model as a System, packed for decoding.
func (m *Model) System() decode.System {
	m.Transformer.Pack()
	return decode.System{
		Source: m.Source, Target: m.Target,
		Begin: int32(m.Transformer.Start), MaxLength: m.Transformer.MaxLength,
		Start: func(src [][]int32) decode.Stepper { return m.Transformer.NewDecoder(nn.NewSequences(src...)) },
	}
}
