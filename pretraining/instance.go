// Package pretraining makes what BERT is pre-trained on from documents: pairs of segments,
// half of which follow each other, with masked words (Devlin et al. 2018, section 3.1 and
// appendix A.1 and A.2). The recipe is that of create_pretraining_data.py of the authors.
package pretraining

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Options is the recipe.
type Options struct {
	MaxLength      int     // tokens of an instance, its three special ones among them
	MaxPredictions int     // masked tokens of an instance at most
	MaskShare      float64 // of the tokens that are masked
	ShortShare     float64 // of documents, in each copy, whose instances are shorter than need be
	RandomShare    float64 // of second segments that come from another document; with 0 none does
	Copies         int     // times that the text is gone over, with other masks each time
	WholeWords     bool    // mask all pieces of a word or none
	ValidShare     float64 // of the sentences that instances of validation are made of, in one copy
	Seed           uint64
}

// DefaultOptions returns the recipe of the authors, but for the sentences that are kept for
// validation.
func DefaultOptions() Options {
	return Options{MaxLength: 128, MaxPredictions: 20, MaskShare: 0.15, ShortShare: 0.1, RandomShare: 0.5, Copies: 10, ValidShare: 0.02, Seed: 1}
}

// longest is how many tokens an instance may have: each takes memory, padding too.
const longest = 1 << 16

// Validate says what of a recipe cannot be.
func (o Options) Validate() error {
	switch {
	case o.MaxLength < 5 || o.MaxLength > longest:
		return fmt.Errorf("pretraining: instances have %d tokens; want 5, three of them special, to %d", o.MaxLength, longest)
	case o.MaxPredictions < 1 || o.MaxPredictions > longest:
		return fmt.Errorf("pretraining: %d predictions; want 1 to %d", o.MaxPredictions, longest)
	case o.Copies < 1:
		return fmt.Errorf("pretraining: %d copies; want at least 1", o.Copies)
	case !(o.MaskShare > 0 && o.MaskShare < 1) || !(o.ShortShare >= 0 && o.ShortShare <= 1): // or NaN
		return fmt.Errorf("pretraining: masks are a share of %v and short instances of %v; want more than 0 and less than 1, and 0 to 1", o.MaskShare, o.ShortShare)
	case !(o.RandomShare >= 0 && o.RandomShare <= 1):
		return fmt.Errorf("pretraining: a share of %v of random second segments; want 0 to 1", o.RandomShare)
	case !(o.ValidShare >= 0 && o.ValidShare < 1):
		return fmt.Errorf("pretraining: a share of %v for validation; want at least 0 and less than 1", o.ValidShare)
	}
	return nil
}

// Instance is [CLS] a [SEP] b [SEP] with masked words, or [CLS] a [SEP].
type Instance struct {
	IDs    []int32
	First  int     // tokens of the first segment, [CLS] and its [SEP] among them
	Places []int32 // of what is to be predicted, in order
	Words  []int32 // the tokens that were there
	Random bool    // b does not follow a
}

// Unmasked returns the tokens of an instance as they were before words were masked.
func (in Instance) Unmasked() []int32 {
	ids := slices.Clone(in.IDs)
	for i, p := range in.Places {
		ids[p] = in.Words[i]
	}
	return ids
}

// maker makes the instances of a part of a corpus.
type maker struct {
	Options
	r         *rand.Rand
	special   tokenizer.Special
	mask      int32
	vocab     int
	continues []bool // tokens that continue a word; nil where words are not masked whole
	words     []span // of an instance
	record    record
}

// span is places from first to before end.
type span struct{ first, end int32 }

func newMaker(o Options, tok *tokenizer.WordPiece, stream uint64) *maker {
	m := &maker{
		Options: o, r: rand.New(rand.NewPCG(o.Seed, stream)), special: tok.Special(), mask: tok.Mask(), vocab: tok.Len(),
	}
	if o.WholeWords {
		for id := range int32(tok.Len()) {
			m.continues = append(m.continues, strings.HasPrefix(tok.Token(id), "##"))
		}
	}
	return m
}

// document is sentences of tokens, none empty.
type document [][]int32

// instances goes once over a document; all are those that a random second segment is
// taken from.
func (m *maker) instances(all []document, which int) (made []Instance) {
	room := m.MaxLength - 3
	target := room
	if m.r.Float64() < m.ShortShare {
		target = 2 + m.r.IntN(room-1)
	}
	doc := all[which]
	var chunk [][]int32
	length := 0
	for i := 0; i < len(doc); i++ {
		chunk, length = append(chunk, doc[i]), length+len(doc[i])
		if i < len(doc)-1 && length < target {
			continue
		}
		end := 1 // of the first segment, in sentences
		if len(chunk) >= 2 {
			end = 1 + m.r.IntN(len(chunk)-1)
		}
		a := slices.Concat(chunk[:end]...)
		var b []int32
		random := m.RandomShare > 0 && (len(chunk) == 1 || m.r.Float64() < m.RandomShare)
		if random {
			b = m.elsewhere(all, which, target-len(a))
			i -= len(chunk) - end // sentences that were not used are put back
		} else {
			b = slices.Concat(chunk[end:]...)
		}
		a, b = m.truncate(a, b, room)
		if in := m.masked(a, b, random); len(in.Places) > 0 { // or each word has too many pieces
			made = append(made, in)
		}
		chunk, length = nil, 0
	}
	return made
}

// elsewhere returns sentences of another document, of about the given length.
func (m *maker) elsewhere(all []document, which, length int) (b []int32) {
	other := which
	for range 10 { // as the authors: there may be only one
		if other = m.r.IntN(len(all)); other != which {
			break
		}
	}
	doc := all[other]
	for _, sentence := range doc[m.r.IntN(len(doc)):] {
		if b = append(b, sentence...); len(b) >= length {
			break
		}
	}
	return b
}

// truncate drops tokens from the front or the end of the longer segment until both fit.
func (m *maker) truncate(a, b []int32, room int) (shortA, shortB []int32) {
	for len(a)+len(b) > room {
		longer := &a
		if len(b) >= len(a) {
			longer = &b
		}
		if m.r.Float64() < 0.5 {
			*longer = (*longer)[1:]
		} else {
			*longer = (*longer)[:len(*longer)-1]
		}
	}
	return a, b
}

// masked returns an instance with words masked. Where b is empty, the text is one segment.
func (m *maker) masked(a, b []int32, random bool) Instance {
	in := Instance{First: len(a) + 2, Random: random}
	in.IDs = append(append(append(in.IDs, m.special.Begin), a...), m.special.End)
	if len(b) > 0 {
		in.IDs = append(append(in.IDs, b...), m.special.End)
	}
	m.draw(&in)
	return in
}

// draw masks words of an instance without masks: 80 % become [MASK], 10 % stay, and 10 %
// become a random token.
func (m *maker) draw(in *Instance) {
	m.candidates(in.IDs)
	m.r.Shuffle(len(m.words), func(i, j int) { m.words[i], m.words[j] = m.words[j], m.words[i] })
	// Rounded to the even neighbour as Python's round does.
	left := min(m.MaxPredictions, max(1, int(math.RoundToEven(float64(len(in.IDs))*m.MaskShare))))
	for _, word := range m.words {
		if int(word.end-word.first) > left {
			continue
		}
		for p := word.first; p < word.end; p++ {
			in.Places = append(in.Places, p)
		}
		if left -= int(word.end - word.first); left == 0 {
			break
		}
	}
	slices.Sort(in.Places)
	for _, p := range in.Places {
		in.Words = append(in.Words, in.IDs[p])
		switch x := m.r.Float64(); {
		case x < 0.8:
			in.IDs[p] = m.mask
		case x >= 0.9:
			in.IDs[p] = int32(m.r.IntN(m.vocab))
		}
	}
}

// candidates finds the places that may be masked, a word's together where words are masked
// whole.
func (m *maker) candidates(ids []int32) {
	m.words = m.words[:0]
	for i, id := range ids {
		place := int32(i)
		if id == m.special.Begin || id == m.special.End {
			continue
		}
		if last := len(m.words) - 1; m.WholeWords && m.continues[id] && last >= 0 && m.words[last].end == place {
			m.words[last].end++
		} else {
			m.words = append(m.words, span{place, place + 1})
		}
	}
}
