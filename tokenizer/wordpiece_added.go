package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is an entry that is found in text before words are cut, in the form
// of tokenizer.json and tokenizer_config.json.
type addedToken struct {
	ID         int32  `json:"id,omitempty"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not inside a longer word
	LStrip     bool   `json:"lstrip"`      // takes white space before it along
	RStrip     bool   `json:"rstrip"`      // and behind it
	Normalized bool   `json:"normalized"`  // is looked for in normalised text
	Special    bool   `json:"special"`     // leaves nothing behind when decoded
}

// specialTokens returns the special symbols that a vocabulary has.
func specialTokens(vocab []string) []addedToken {
	var added []addedToken
	for id, token := range vocab {
		switch token {
		case wordPieceUnknown, wordPieceBegin, wordPieceEnd, wordPiecePad, wordPieceMask:
			added = append(added, addedToken{ID: int32(id), Content: token, Special: true})
		}
	}
	return added
}

// indexAdded checks the added tokens, appends those that the vocabulary lacks
// and prepares the search for them.
func (w *WordPiece) indexAdded() error {
	slices.SortStableFunc(w.added, func(a, b addedToken) int { return int(a.ID) - int(b.ID) })
	w.decoded, w.skipped = map[int32]string{}, map[int32]bool{}
	splitter := newWordSplitter(w.options)
	for i, t := range w.added {
		switch id, ok := w.ids[t.Content]; {
		case t.Content == "" || !utf8.ValidString(t.Content) || strings.ContainsRune(t.Content, 0) || len(t.Content) > maxPieceSize:
			return fmt.Errorf("added token %d, %.40q, is empty, not UTF-8, has a NUL or has more than %d bytes; expected text", t.ID, t.Content, maxPieceSize)
		case i > 0 && t.ID == w.added[i-1].ID:
			return fmt.Errorf("added tokens %.40q and %.40q both have id %d; expected one", w.added[i-1].Content, t.Content, t.ID)
		case ok && id != t.ID:
			return fmt.Errorf("added token %.40q has id %d, and %d in the vocabulary; expected the same", t.Content, t.ID, id)
		case !ok && int(t.ID) != len(w.tokens):
			return fmt.Errorf("added token %.40q has id %d; expected %d, the next one", t.Content, t.ID, len(w.tokens))
		case !ok:
			w.ids[t.Content] = t.ID
			w.tokens = append(w.tokens, t.Content)
		}
		if t.Special {
			w.skipped[t.ID] = true
		}
		if t.Normalized {
			w.decoded[t.ID] = splitter.normalized(t.Content, 0)
		}
	}
	return w.buildAddedSets()
}

func (w *WordPiece) buildAddedSets() error {
	var err error
	if w.raw, err = newAddedSet(w.added, func(t addedToken) (string, bool) { return t.Content, !t.Normalized }); err != nil {
		return err
	}
	w.norm, err = newAddedSet(w.added, func(t addedToken) (string, bool) { return w.decoded[t.ID], t.Normalized })
	return err
}

// addedSet finds added tokens in text, the longest of those that begin first.
type addedSet struct {
	tokens []addedToken
	trie   doubleArray // to indices of tokens
	begin  [256]bool   // bytes that tokens begin with
	only   int         // such a byte if there is but one, otherwise -1
}

// newAddedSet makes a set of those tokens that key accepts; key returns what to
// look for.
func newAddedSet(all []addedToken, key func(addedToken) (string, bool)) (addedSet, error) {
	s := addedSet{only: -1}
	type entry struct {
		key   string
		token addedToken
	}
	var entries []entry
	for _, t := range all {
		if k, ok := key(t); ok {
			if k == "" {
				return s, fmt.Errorf("added token %.40q is empty when normalised; expected text", t.Content)
			}
			entries = append(entries, entry{k, t})
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	var keys []string
	var values []int32
	for i, e := range entries {
		if i > 0 && e.key == entries[i-1].key {
			continue // the same when normalised: the first one is found
		}
		keys, values = append(keys, e.key), append(values, int32(len(s.tokens)))
		s.tokens = append(s.tokens, e.token)
		s.begin[e.key[0]] = true
	}
	if len(keys) > 0 && keys[0][0] == keys[len(keys)-1][0] {
		s.only = int(keys[0][0])
	}
	var err error
	s.trie, err = buildDoubleArray(keys, values)
	return s, err
}

// find calls found for each token in text, with the part of text that it takes,
// and other for what is between, as the reference's added vocabulary does.
func (s *addedSet) find(text string, other func(from, to int), found func(id int32, from, to int)) {
	done := 0
	for i := 0; len(s.tokens) > 0; {
		start, size, t := s.next(text, i)
		if size == 0 {
			break
		}
		end := start + size
		i = end
		if t.SingleWord && (endsInWord(text[:start]) || beginsWithWord(text[end:])) {
			continue
		}
		if t.LStrip {
			start = max(len(strings.TrimRightFunc(text[:start], unicode.IsSpace)), done)
		}
		if t.RStrip {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if start >= end {
			continue // white space that the token before has taken along
		}
		if done < start {
			other(done, start)
		}
		found(t.ID, start, end)
		done = end
	}
	if done != len(text) {
		other(done, len(text))
	}
}

// next returns the first token at or behind i; its size is 0 if there is none.
func (s *addedSet) next(text string, i int) (start, size int, t *addedToken) {
	for ; i < len(text); i++ {
		if s.only >= 0 {
			skip := strings.IndexByte(text[i:], byte(s.only))
			if skip < 0 {
				break
			}
			i += skip
		} else if !s.begin[text[i]] {
			continue
		}
		if size, index := longest(s.trie, text[i:]); size > 0 {
			return i, size, &s.tokens[index]
		}
	}
	return 0, 0, nil
}

func endsInWord(text string) bool {
	r, _ := utf8.DecodeLastRuneInString(text)
	return isWordChar(r)
}

func beginsWithWord(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return isWordChar(r)
}

// isWordChar reports whether r is a character of words (\w) by Unicode's
// technical standard 18.
func isWordChar(r rune) bool {
	return unicode.In(r, unicode.L, unicode.Nl, unicode.M, unicode.Nd, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}
