package train

import (
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// wordDropout hides pieces of the texts that are trained on behind [MASK], so that what is
// said about a text does not hang on a few of its words (Iyyer et al. 2015, "Deep Unordered
// Composition Rivals Syntactic Methods for Text Classification", who leave words out). A nil
// wordDropout changes nothing.
type wordDropout struct {
	share  float64
	tok    *tokenizer.WordPiece
	source rand.PCG
	r      *rand.Rand
	ids    []int32
}

// newWordDropout returns nil for a share of 0.
func newWordDropout(share float64, tok *tokenizer.WordPiece) (*wordDropout, error) {
	switch {
	case share == 0:
		return nil, nil
	case !(share > 0 && share < 1): // or NaN
		return nil, fmt.Errorf("train: data.word_dropout is %v; want 0 for none, or less than 1; 0.1 is usual", share)
	case tok.Mask() == tokenizer.None:
		return nil, fmt.Errorf("train: data.word_dropout is %v, but the vocabulary has no [MASK] to hide words behind; want 0", share)
	}
	w := &wordDropout{share: share, tok: tok}
	w.r = rand.New(&w.source)
	return w, nil
}

// begin makes what is hidden next follow from the seed, the epoch and the number of an
// example alone.
func (w *wordDropout) begin(seed uint64, epoch, example int) {
	if w != nil {
		w.source.Seed(seed, uint64(epoch+1)<<32|uint64(example))
	}
}

// hide returns a sequence with some of its pieces hidden, [CLS] and [SEP] never. It is valid
// until the next call.
func (w *wordDropout) hide(ids []int32) []int32 {
	if w == nil {
		return ids
	}
	special, mask := w.tok.Special(), w.tok.Mask()
	w.ids = append(w.ids[:0], ids...)
	for i, id := range w.ids {
		if id != special.Begin && id != special.End && w.r.Float64() < w.share {
			w.ids[i] = mask
		}
	}
	return w.ids
}
