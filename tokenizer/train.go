package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// TrainOptions says what vocabulary [Train] makes. Start from
// [DefaultTrainOptions]; names and defaults are those of the reference's
// trainer.
type TrainOptions struct {
	Algorithm Algorithm
	// VocabSize is the number of pieces, with symbols and byte pieces.
	VocabSize int
	// HardVocabLimit makes it an error when text yields fewer pieces.
	HardVocabLimit bool
	// CharacterCoverage is the share of the characters of the text that
	// pieces cover, in (0, 1]; the rarest ones are left unknown.
	CharacterCoverage float64
	// MaxPieceLength bounds the length of pieces, in characters.
	MaxPieceLength int

	// Normalization names the rules for characters: nmt_nfkc, nfkc,
	// nmt_nfkc_cf, nfkc_cf (cf folds case) or identity.
	Normalization          string
	AddDummyPrefix         bool // put a space before the text
	RemoveExtraWhitespaces bool // trim, and make runs of spaces one

	// What keeps a piece from spanning a boundary: spaces, a change of
	// script (kana and kanji count as one), numbers, single digits.
	SplitByWhitespace    bool
	SplitByUnicodeScript bool
	SplitByNumber        bool
	SplitDigits          bool

	// ByteFallback adds 256 byte pieces, which spell unknown characters.
	ByteFallback bool
	// UserDefined symbols are always one piece where they occur in text;
	// Control symbols never come from text.
	UserDefined []string
	Control     []string
	// Ids of <unk>, <s>, </s> and <pad>, None to leave one out. A model
	// cannot do without <unk>.
	Special Special

	// Threads is how many goroutines work; 0 means one for each processor.
	// The result does not depend on it.
	Threads int
}

// DefaultTrainOptions returns the defaults of the reference's trainer.
func DefaultTrainOptions() TrainOptions {
	return TrainOptions{
		Algorithm:              Unigram,
		VocabSize:              8000,
		HardVocabLimit:         true,
		CharacterCoverage:      0.9995,
		MaxPieceLength:         16,
		Normalization:          "nmt_nfkc",
		AddDummyPrefix:         true,
		RemoveExtraWhitespaces: true,
		SplitByWhitespace:      true,
		SplitByUnicodeScript:   true,
		SplitByNumber:          true,
		Special:                Special{Unknown: 0, Begin: 1, End: 2, Pad: None},
	}
}

// Train makes a vocabulary from sentences.
func Train(sentences iter.Seq[string], opt TrainOptions) (*SentencePiece, error) {
	m, err := train(sentences, opt)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return m, nil
}

func train(sentences iter.Seq[string], opt TrainOptions) (*SentencePiece, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	t := &trainer{opt: opt, threads: opt.Threads, scripts: map[rune]string{}}
	if t.threads == 0 {
		t.threads = runtime.GOMAXPROCS(0)
	}
	if err := t.reserve(); err != nil {
		return nil, err
	}
	if err := t.load(sentences); err != nil {
		return nil, err
	}
	var err error
	switch opt.Algorithm {
	case Unigram:
		t.pieces, err = t.trainUnigram()
	case BPE:
		t.pieces = t.trainBPE()
	}
	if err != nil {
		return nil, err
	}
	proto, err := t.model()
	if err != nil {
		return nil, err
	}
	return newSentencePiece(proto.marshal(&opt))
}

func (o *TrainOptions) check() error {
	switch {
	case o.Algorithm != Unigram && o.Algorithm != BPE:
		return fmt.Errorf("algorithm is %v; expected unigram or bpe", o.Algorithm)
	case o.VocabSize < 1 || o.VocabSize > 1<<24:
		return fmt.Errorf("vocabulary size is %d; expected 1 to %d", o.VocabSize, 1<<24)
	case !(o.CharacterCoverage > 0 && o.CharacterCoverage <= 1):
		return fmt.Errorf("character coverage is %v; expected more than 0 and at most 1 (tokenizer.character_coverage of a run, --character-coverage)", o.CharacterCoverage)
	case o.MaxPieceLength < 1 || o.MaxPieceLength > 512:
		return fmt.Errorf("maximal piece length is %d; expected 1 to 512 characters", o.MaxPieceLength)
	case o.Threads < 0:
		return fmt.Errorf("threads are %d; expected 0 or more", o.Threads)
	case o.Special.Unknown < 0:
		return errors.New("no id for <unk>; expected one, text may hold unknown characters")
	}
	return nil
}

// trainer is the state that the training algorithms share.
type trainer struct {
	opt       TrainOptions
	threads   int
	meta      map[int32]piece // pieces that training does not choose, by id
	spec      normalizerSpec
	fragments []fragment // of the text, none twice
	chars     []charCount
	scripts   map[rune]string
	pieces    []piece // what training chose, best first
}

// fragment is a stretch of normalised text that holds covered characters only.
type fragment struct {
	text  string
	count int64
}

// charCount is a covered character and how often it occurs.
type charCount struct {
	char  rune
	count int64
}

// reserve gives ids to the pieces that training does not choose: the four
// special symbols at theirs, all others from the lowest free id upwards.
func (t *trainer) reserve() error {
	special, err := t.reserveSpecial()
	if err != nil {
		return err
	}
	var symbols []piece
	for _, s := range t.opt.Control {
		symbols = append(symbols, piece{text: s, kind: pieceControl})
	}
	for _, s := range t.opt.UserDefined {
		symbols = append(symbols, piece{text: s, kind: pieceUserDefined})
	}
	for b := 0; t.opt.ByteFallback && b < 256; b++ {
		symbols = append(symbols, piece{text: bytePiece(byte(b)), kind: pieceByte})
	}
	seen := map[string]bool{wordUnknown: true}
	free := int32(0)
	for _, p := range symbols {
		if p.text == "" || seen[p.text] {
			return fmt.Errorf("symbol %q is empty, %s or defined twice; expected distinct symbols", p.text, wordUnknown)
		}
		if strings.Contains(p.text, " ") {
			return fmt.Errorf("symbol %q has a space, which text has none of where symbols are looked for; expected one without", p.text)
		}
		seen[p.text] = true
		if id, ok := special[p.text]; ok {
			t.meta[id] = p // <s> may be made a symbol of text, as in the reference
			continue
		}
		for t.meta[free].kind != 0 {
			free++
		}
		t.meta[free] = p
	}
	return nil
}

// reserveSpecial returns the ids of the special symbols by their text.
func (t *trainer) reserveSpecial() (map[string]int32, error) {
	t.meta = map[int32]piece{}
	ids := map[string]int32{}
	for _, s := range []struct {
		id   int32
		text string
		kind pieceType
	}{
		{t.opt.Special.Unknown, wordUnknown, pieceUnknown},
		{t.opt.Special.Begin, wordBegin, pieceControl},
		{t.opt.Special.End, wordEnd, pieceControl},
		{t.opt.Special.Pad, wordPad, pieceControl},
	} {
		if s.id == None {
			continue
		}
		if was, ok := t.meta[s.id]; ok || s.id < 0 || int(s.id) >= t.opt.VocabSize {
			return nil, fmt.Errorf("id %d of %s is outside the vocabulary of %d or taken by %q; expected a free one", s.id, s.text, t.opt.VocabSize, was.text)
		}
		t.meta[s.id] = piece{text: s.text, kind: s.kind}
		ids[s.text] = s.id
	}
	return ids, nil
}

// room is how many pieces training may choose.
func (t *trainer) room() int { return t.opt.VocabSize - len(t.meta) }

// model puts the vocabulary together.
func (t *trainer) model() (*modelProto, error) {
	m := &modelProto{algorithm: t.opt.Algorithm, byteFallback: t.opt.ByteFallback, normalizer: t.spec}
	next := t.pieces
	for id := int32(0); int(id) < t.opt.VocabSize; id++ {
		if p, ok := t.meta[id]; ok {
			m.pieces = append(m.pieces, p)
		} else if len(next) > 0 {
			m.pieces = append(m.pieces, next[0])
			next = next[1:]
		}
	}
	if n := len(t.meta) + len(t.pieces); t.opt.HardVocabLimit && n < t.opt.VocabSize {
		return nil, fmt.Errorf("the text yields %d pieces, fewer than the vocabulary size of %d; expected a smaller size, more text, or to be content with fewer (a soft limit)", n, t.opt.VocabSize)
	}
	for id := range t.meta {
		if int(id) >= len(m.pieces) || m.pieces[id].text != t.meta[id].text {
			return nil, fmt.Errorf("symbol %q has id %d in a vocabulary of %d pieces; expected ids without gaps", t.meta[id].text, id, len(m.pieces))
		}
	}
	return m, nil
}

// parallel calls f for 0 to n-1 from the threads of the trainer.
func (t *trainer) parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(t.threads, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// shards is into how many parts work is cut. It is a constant, so that sums
// of floating-point numbers do not depend on the number of threads.
const shards = 16

// shard returns part i of items.
func shard[T any](items []T, i int) []T {
	return items[len(items)*i/shards : len(items)*(i+1)/shards]
}

// sortPieces sorts pieces by falling score, then by text.
func sortPieces(pieces []piece) {
	slices.SortFunc(pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.text, b.text))
	})
}
