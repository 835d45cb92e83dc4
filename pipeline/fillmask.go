package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Filling is a word for a masked place.
type Filling struct {
	Score    float64 `json:"score"` // probability
	Token    int32   `json:"token"`
	TokenStr string  `json:"token_str"`
	Sequence string  `json:"sequence"` // the text with the word in it
}

// CheckFillMask says what keeps FillMask from filling any text.
func (e *Encoder) CheckFillMask(top int) error {
	switch {
	case e.Network.Predictions == nil:
		return errors.New("pipeline: the model has no head for masked words (cls.predictions); want one that was trained on them")
	case e.Tokenizer.Mask() == tokenizer.None:
		return errors.New("pipeline: the vocabulary has no [MASK]")
	case top < 1:
		return fmt.Errorf("pipeline: the best %d words are asked for; want at least 1", top)
	}
	return nil
}

// FillMask returns the most probable words for each [MASK] of a text, up to top of each,
// best first. Several masks are filled independently of each other.
func (e *Encoder) FillMask(text string, top int) ([][]Filling, error) {
	if err := e.CheckFillMask(top); err != nil {
		return nil, err
	}
	mask, in := e.Tokenizer.Mask(), e.Text(text)
	if in.Cut > 0 {
		return nil, fmt.Errorf("pipeline: the text has %d tokens and the model takes %d; shorten it", len(in.IDs)+in.Cut, e.MaxLength)
	}
	var places []int32
	for i, id := range in.IDs {
		if id == mask {
			places = append(places, int32(i))
		}
	}
	if len(places) == 0 {
		return nil, errors.New("pipeline: there is no [MASK] in the text; put one where a word is wanted")
	}
	var all [][]Filling
	err := e.Encode([]Input{in}, nil, func(p bert.Pass, x *tensor.Tensor, _ tensor.Segments, _ []int) error {
		logits := e.Network.Words(p, x, places)
		if err := checkNumbers(logits.Data); err != nil {
			return err
		}
		for i, place := range places {
			all = append(all, e.fillings(in.IDs, int(place), softmax(logits.Row(i)), top, len(places) > 1))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// fillings returns the best words for one place. Where there are others, the text keeps
// its special symbols, as it does in transformers.
func (e *Encoder) fillings(ids []int32, place int, probability []float64, top int, others bool) []Filling {
	var all []Filling
	for _, id := range best(probability[:e.Tokenizer.Len()], top) {
		filled := slices.Clone(ids)
		filled[place] = int32(id)
		text := e.Tokenizer.Decode(filled)
		if others {
			text = e.Tokenizer.DecodeAll(filled)
		}
		if e.cleanUp {
			text = tokenizer.CleanUp(text)
		}
		all = append(all, Filling{Score: probability[id], Token: int32(id), TokenStr: e.Tokenizer.Token(int32(id)), Sequence: text})
	}
	return all
}
