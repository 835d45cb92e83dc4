package tokenizer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The control symbols of a word list.
const (
	wordUnknown = "<unk>"
	wordBegin   = "<s>"
	wordEnd     = "</s>"
	wordPad     = "<pad>"
)

// Words is a vocabulary of whole words, for text that comes tokenised: words
// are what white space separates. A control symbol that stands in text counts
// as that symbol, as corpora with <unk> in them want it.
type Words struct {
	words   []string
	ids     map[string]int32
	special Special
}

// WordsOptions limits the vocabulary that [TrainWords] makes.
type WordsOptions struct {
	// MinCount is how often a word must occur to be kept; 0 means 1.
	MinCount int
	// MaxSize bounds the vocabulary with its four control symbols; 0 means
	// no bound.
	MaxSize int
}

// TrainWords makes a vocabulary of the words of sentences: <unk>, <s>, </s>
// and <pad>, then words by falling frequency, in the order of their bytes
// where frequencies are equal.
func TrainWords(sentences iter.Seq[string], opt WordsOptions) (*Words, error) {
	control := []string{wordUnknown, wordBegin, wordEnd, wordPad}
	if opt.MinCount < 0 || opt.MaxSize < 0 || opt.MaxSize > 0 && opt.MaxSize <= len(control) {
		return nil, fmt.Errorf("tokenizer: a vocabulary of %d words that occur %d times or more; expected more than the %d symbols that it begins with, or 0 for no limit, and a count of at least 0", opt.MaxSize, opt.MinCount, len(control))
	}
	counts := map[string]int{}
	for s := range sentences {
		for w := range strings.FieldsSeq(validUTF8(s)) {
			counts[w]++
		}
	}
	for _, w := range control {
		delete(counts, w)
	}
	words := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	for len(words) > 0 && counts[words[len(words)-1]] < opt.MinCount {
		words = words[:len(words)-1]
	}
	if opt.MaxSize > 0 && len(words) > opt.MaxSize-len(control) {
		words = words[:opt.MaxSize-len(control)]
	}
	if len(words) == 0 {
		return nil, errors.New("tokenizer: no word is left for the vocabulary; expected text with words that occur often enough")
	}
	return newWords(append(control, words...))
}

// newWords indexes a word list.
func newWords(words []string) (*Words, error) {
	w := &Words{words: words, ids: make(map[string]int32, len(words))}
	for i, word := range words {
		switch {
		case word == "" || strings.ContainsFunc(word, unicode.IsSpace):
			return nil, fmt.Errorf("line %d, %.40q, is empty or has white space; expected one word a line", i+1, word)
		case !utf8.ValidString(word):
			return nil, fmt.Errorf("line %d, %.40q, is not UTF-8; expected a word list or a SentencePiece model", i+1, word)
		}
		if was, ok := w.ids[word]; ok {
			return nil, fmt.Errorf("lines %d and %d are both %.40q; expected distinct words", was+1, i+1, word)
		}
		w.ids[word] = int32(i)
	}
	lookUp := func(word string) int32 {
		if id, ok := w.ids[word]; ok {
			return id
		}
		return None
	}
	w.special = Special{Unknown: lookUp(wordUnknown), Begin: lookUp(wordBegin), End: lookUp(wordEnd), Pad: lookUp(wordPad)}
	if w.special.Unknown == None {
		return nil, fmt.Errorf("none of %d lines is %s; expected a word list with it, or a SentencePiece model", len(words), wordUnknown)
	}
	return w, nil
}

// parseWords reads a word list: a word a line, whose number is its id.
func parseWords(data []byte) (*Words, error) {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return newWords(strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"))
}

// validUTF8 puts U+FFFD for bytes that are not part of valid UTF-8.
func validUTF8(s string) string { return strings.ToValidUTF8(s, replacement) }

// Encode returns the id of each word of text.
func (w *Words) Encode(text string) []int32 {
	ids := make([]int32, 0, len(text)/5+1)
	for word := range strings.FieldsSeq(validUTF8(text)) {
		id, ok := w.ids[word]
		if !ok {
			id = w.special.Unknown
		}
		ids = append(ids, id)
	}
	return ids
}

// Decode joins words by a space. It panics when an id is outside [0, Len).
func (w *Words) Decode(ids []int32) string {
	var text []byte
	for _, id := range ids {
		word := w.words[id]
		if id == w.special.Begin || id == w.special.End || id == w.special.Pad {
			continue
		}
		if len(text) > 0 {
			text = append(text, ' ')
		}
		text = append(text, word...)
	}
	return string(text)
}

// Len is the number of words and control symbols.
func (w *Words) Len() int { return len(w.words) }

// Token returns a word.
func (w *Words) Token(id int32) string { return w.words[id] }

// ID returns the id of a word.
func (w *Words) ID(token string) (id int32, ok bool) {
	id, ok = w.ids[token]
	return id, ok
}

// Special returns the ids of the control symbols.
func (w *Words) Special() Special { return w.special }

// Save writes the word list, a word a line.
func (w *Words) Save(path string) error {
	return writeFile(path, []byte(strings.Join(w.words, "\n")+"\n"))
}
