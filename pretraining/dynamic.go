package pretraining

import (
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Masks draws other masks each time that an instance is read, in place of those that it was
// made with: dynamic masking (Liu et al. 2019, section 4.1). It is not safe for concurrent
// use.
type Masks struct {
	maker  *maker
	source *rand.PCG
}

// NewMasks returns masks by the part of a recipe that is about them: MaskShare,
// MaxPredictions, WholeWords and Seed.
func NewMasks(o Options, tok *tokenizer.WordPiece) (*Masks, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := checkMask(tok); err != nil {
		return nil, err
	}
	m := &Masks{maker: newMaker(o, tok, 0), source: &rand.PCG{}}
	m.maker.r = rand.New(m.source)
	return m, nil
}

// Draw returns an instance as it is read in an epoch. Its masks follow from the seed, the
// epoch and number, that of the instance, and from nothing else. Where words are masked
// whole and each has too many pieces, the instance keeps the masks that it has.
func (m *Masks) Draw(in Instance, epoch, number int) Instance {
	m.source.Seed(m.maker.Seed, uint64(epoch+1)<<32|uint64(number))
	drawn := Instance{IDs: in.Unmasked(), First: in.First, Random: in.Random}
	if m.maker.draw(&drawn); len(drawn.Places) == 0 {
		return in
	}
	return drawn
}
