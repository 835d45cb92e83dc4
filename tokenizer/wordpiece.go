package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// The special symbols of a WordPiece vocabulary.
const (
	wordPieceUnknown = "[UNK]"
	wordPieceBegin   = "[CLS]"
	wordPieceEnd     = "[SEP]"
	wordPiecePad     = "[PAD]"
	wordPieceMask    = "[MASK]"
)

const (
	// continuation marks a piece that does not begin a word.
	continuation = "##"
	// maxWordChars bounds words, in characters: a longer one is unknown.
	maxWordChars = 100
)

// Accents says what becomes of accents: marks that a letter is made of, as the
// one of é, and marks that stand by themselves.
type Accents int

const (
	// AccentsByCase strips accents unless case is kept, as the published
	// models do.
	AccentsByCase Accents = iota
	// StripAccents strips them.
	StripAccents
	// KeepAccents leaves them.
	KeepAccents
)

// WordPieceOptions says how text is normalised. The zero value is that of
// uncased BERT models.
type WordPieceOptions struct {
	// Cased keeps upper case.
	Cased bool
	// Accents says what becomes of accents.
	Accents Accents
	// UnspacedCJK leaves Chinese characters together that are one word each
	// otherwise.
	UnspacedCJK bool
}

func (o WordPieceOptions) check() error {
	if o.Accents < AccentsByCase || o.Accents > KeepAccents {
		return fmt.Errorf("accents are %d; expected AccentsByCase, StripAccents or KeepAccents", o.Accents)
	}
	return nil
}

func (o WordPieceOptions) stripsAccents() bool {
	return o.Accents == StripAccents || o.Accents == AccentsByCase && !o.Cased
}

// Offset is a part of a text: text[Start:End].
type Offset struct{ Start, End int }

// WordPiece is the subword vocabulary of BERT (Devlin et al. 2018; the
// algorithm is of Wu et al. 2016): text is normalised and cut into words, and
// each word into the longest pieces that the vocabulary has, from left to
// right. Ids and offsets equal those of the reference implementation, Hugging
// Face's tokenizers, for the same vocabulary and text.
type WordPiece struct {
	options WordPieceOptions
	tokens  []string // by id
	own     int      // how many of tokens are the vocabulary's; those added to it follow
	ids     map[string]int32
	special Special
	mask    int32
	added   []addedToken
	raw     addedSet             // tokens to find in text as it is
	norm    addedSet             // tokens to find in normalised text
	first   doubleArray          // pieces that begin a word
	rest    doubleArray          // pieces that continue one, without the mark
	ascii   [utf8.RuneSelf]int32 // ids of words of one ASCII character
	decoded map[int32]string     // of tokens found in normalised text
	skipped map[int32]bool       // by Decode
	scratch sync.Pool            // of *wordPieceScratch
}

// entryError is what is wrong with one entry of a vocabulary.
type entryError struct {
	id      int
	problem string
}

func (e *entryError) Error() string { return fmt.Sprintf("entry %d, %s", e.id, e.problem) }

// NewWordPiece makes a tokenizer of a vocabulary, in the order of ids. It must
// have [UNK], [CLS], [SEP] and [PAD]; these and [MASK] are recognised in text.
func NewWordPiece(vocab []string, o WordPieceOptions) (*WordPiece, error) {
	w, err := newWordPiece(vocab, o, specialTokens(vocab))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return w, nil
}

// newWordPiece also takes tokens that were added to the vocabulary.
func newWordPiece(vocab []string, o WordPieceOptions, added []addedToken) (*WordPiece, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w := &WordPiece{options: o, tokens: slices.Clone(vocab), own: len(vocab), added: added}
	if err := w.index(); err != nil {
		return nil, err
	}
	if err := w.indexAdded(); err != nil {
		return nil, err
	}
	if err := w.indexSpecial(); err != nil {
		return nil, err
	}
	var err error
	if w.first, err = w.trie(func(token string) (string, bool) { return token, !strings.HasPrefix(token, continuation) }); err != nil {
		return nil, err
	}
	if w.rest, err = w.trie(func(token string) (string, bool) { return strings.CutPrefix(token, continuation) }); err != nil {
		return nil, err
	}
	for c := range w.ascii {
		w.ascii[c] = w.special.Unknown
		if id, ok := w.ids[string(rune(c))]; ok && int(id) < w.own {
			w.ascii[c] = id
		}
	}
	w.scratch.New = func() any { return newWordPieceScratch(w) }
	return w, nil
}

// Lower returns a tokenizer of the same vocabulary that puts text in lower case first and
// leaves accents as w does.
func (w *WordPiece) Lower() (*WordPiece, error) {
	o := w.options
	if !o.Cased {
		return w, nil
	}
	if !o.stripsAccents() {
		o.Accents = KeepAccents
	}
	o.Cased = false
	return newWordPiece(w.tokens[:w.own], o, slices.Clone(w.added))
}

// index fills the map from entries to ids and checks them.
func (w *WordPiece) index() error {
	w.ids = make(map[string]int32, len(w.tokens))
	for id, token := range w.tokens {
		switch {
		case token == "":
			return &entryError{id, "is empty; expected a piece"}
		case len(token) > maxPieceSize:
			return &entryError{id, fmt.Sprintf("%.40q, has %d bytes; expected at most %d", token, len(token), maxPieceSize)}
		case !utf8.ValidString(token):
			return &entryError{id, fmt.Sprintf("%.40q, is not UTF-8; expected text", token)}
		case strings.ContainsAny(token, "\r\n"):
			return &entryError{id, fmt.Sprintf("%.40q, has an end of line in it; expected none", token)}
		}
		if was, ok := w.ids[token]; ok {
			return &entryError{id, fmt.Sprintf("%.40q, is entry %d too; expected distinct entries", token, was)}
		}
		w.ids[token] = int32(id)
	}
	return nil
}

// indexSpecial finds the special symbols, which may be added tokens but for
// [UNK].
func (w *WordPiece) indexSpecial() error {
	w.mask = None
	for _, symbol := range []struct {
		token string
		id    *int32
	}{
		{wordPieceUnknown, &w.special.Unknown},
		{wordPieceBegin, &w.special.Begin},
		{wordPieceEnd, &w.special.End},
		{wordPiecePad, &w.special.Pad},
		{wordPieceMask, &w.mask},
	} {
		id, ok := w.ids[symbol.token]
		switch {
		case ok && (int(id) < w.own || symbol.token != wordPieceUnknown):
			*symbol.id = id
			w.skipped[id] = true
		case symbol.token != wordPieceMask:
			return fmt.Errorf("none of %d entries is %s; expected %s, %s, %s and %s", len(w.tokens), symbol.token, wordPieceUnknown, wordPieceBegin, wordPieceEnd, wordPiecePad)
		}
	}
	return nil
}

// trie makes a double array of the keys of entries. An entry with a NUL is left
// out: no normalised text has one.
func (w *WordPiece) trie(key func(token string) (string, bool)) (doubleArray, error) {
	type entry struct {
		key string
		id  int32
	}
	var entries []entry
	for id, token := range w.tokens[:w.own] {
		if k, ok := key(token); ok && k != "" && strings.IndexByte(k, 0) < 0 {
			entries = append(entries, entry{k, int32(id)})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	keys, ids := make([]string, len(entries)), make([]int32, len(entries))
	for i, e := range entries {
		keys[i], ids[i] = e.key, e.id
	}
	return buildDoubleArray(keys, ids)
}

// Encode returns the ids of the pieces of text. It adds no special symbol.
func (w *WordPiece) Encode(text string) []int32 {
	s := w.scratch.Get().(*wordPieceScratch)
	defer w.scratch.Put(s)
	s.encode(text, false)
	return append(make([]int32, 0, len(s.ids)), s.ids...)
}

// EncodeWithOffsets also returns which part of text each piece is of. Pieces of
// one character, as those that a Hangul syllable decomposes to, share its part;
// accents that normalisation strips belong to no piece where they follow their
// letter as a character of their own.
func (w *WordPiece) EncodeWithOffsets(text string) ([]int32, []Offset) {
	s := w.scratch.Get().(*wordPieceScratch)
	defer w.scratch.Put(s)
	s.encode(text, true)
	return append(make([]int32, 0, len(s.ids)), s.ids...), append(make([]Offset, 0, len(s.offsets)), s.offsets...)
}

// Decode joins pieces as the reference does: a space goes before each that
// begins a word, except before some punctuation and what follows an apostrophe
// in English. Special symbols are left out. It panics when an id is outside
// [0, Len).
func (w *WordPiece) Decode(ids []int32) string { return w.decode(ids, false) }

// DecodeAll is Decode with the special symbols.
func (w *WordPiece) DecodeAll(ids []int32) string { return w.decode(ids, true) }

func (w *WordPiece) decode(ids []int32, special bool) string {
	var text strings.Builder
	begin := true
	for _, id := range ids {
		token := w.tokens[id]
		if w.skipped[id] && !special {
			continue
		}
		if d, ok := w.decoded[id]; ok {
			token = d
		}
		if !begin {
			var glued bool
			if token, glued = strings.CutPrefix(token, continuation); !glued {
				token = " " + token
			}
		}
		begin = false
		text.WriteString(strings.ReplaceAll(CleanUp(token), " do not", " don't")) // of single pieces only
	}
	return text.String()
}

// cleanUps are the replacements that the reference makes in each decoded token, and in
// whole texts where asked to, in this order.
var cleanUps = [][2]string{
	{" .", "."},
	{" ?", "?"},
	{" !", "!"},
	{" ,", ","},
	{" ' ", "'"},
	{" n't", "n't"},
	{" 'm", "'m"},
	{" 's", "'s"},
	{" 've", "'ve"},
	{" 're", "'re"},
}

// CleanUp takes spaces out of a decoded text that stand before punctuation and in English
// contractions, as the reference does with clean_up_tokenization_spaces.
func CleanUp(text string) string {
	for _, c := range cleanUps {
		text = strings.ReplaceAll(text, c[0], c[1])
	}
	return text
}

// Len is the number of pieces and symbols.
func (w *WordPiece) Len() int { return len(w.tokens) }

// Token returns an entry, with ## in front of a piece that continues a word.
func (w *WordPiece) Token(id int32) string { return w.tokens[id] }

// ID returns the id of an entry.
func (w *WordPiece) ID(token string) (id int32, ok bool) {
	id, ok = w.ids[token]
	return id, ok
}

// Special returns the ids of [UNK], [CLS], [SEP] and [PAD].
func (w *WordPiece) Special() Special { return w.special }

// Mask returns the id of [MASK], None where the vocabulary lacks it.
func (w *WordPiece) Mask() int32 { return w.mask }

// Options returns how text is normalised.
func (w *WordPiece) Options() WordPieceOptions { return w.options }
