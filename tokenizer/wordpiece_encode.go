package tokenizer

import "unicode/utf8"

// wordPieceScratch is working memory of one call of Encode.
type wordPieceScratch struct {
	w       *WordPiece
	split   *wordSplitter
	ids     []int32
	offsets []Offset
}

func newWordPieceScratch(w *WordPiece) *wordPieceScratch {
	s := &wordPieceScratch{w: w, split: newWordSplitter(w.options)}
	s.split.word = s.encodeWord
	return s
}

// encode puts the pieces of text in s.ids, and where they are in s.offsets if
// aligned.
func (s *wordPieceScratch) encode(text string, aligned bool) {
	s.ids, s.offsets, s.split.aligned = s.ids[:0], s.offsets[:0], aligned
	s.w.raw.find(text, func(from, to int) {
		if len(s.w.norm.tokens) == 0 {
			s.split.split(text[from:to], from)
		} else {
			s.encodeNormalized(text[from:to], from)
		}
	}, func(id int32, from, to int) { s.add(id, alignment{}, from, to) })
}

// encodeNormalized looks for added tokens in text as it is when normalised.
func (s *wordPieceScratch) encodeNormalized(text string, base int) {
	norm := s.split.normalized(text, base)
	all := alignment{bytes: s.split.align}
	s.w.norm.find(norm, s.split.splitNormalized, func(id int32, from, to int) { s.add(id, all, from, to) })
}

// add appends a piece, the part from start to end of what a aligns.
func (s *wordPieceScratch) add(id int32, a alignment, start, end int) {
	s.ids = append(s.ids, id)
	if s.split.aligned {
		s.offsets = append(s.offsets, a.of(start, end))
	}
}

// encodeWord cuts a word into the longest pieces that the vocabulary has. A word
// that cannot be cut, or is too long, is unknown as a whole.
func (s *wordPieceScratch) encodeWord(word []byte, from alignment) {
	w := s.w
	if len(word) == 1 {
		s.add(w.ascii[word[0]], from, 0, 1)
		return
	}
	if len(word) > maxWordChars && utf8.RuneCount(word) > maxWordChars {
		s.add(w.special.Unknown, from, 0, len(word))
		return
	}
	before := len(s.ids)
	trie := w.first
	for i := 0; i < len(word); {
		size, id := longest(trie, word[i:])
		if size == 0 {
			s.ids = s.ids[:before]
			if s.split.aligned {
				s.offsets = s.offsets[:before]
			}
			s.add(w.special.Unknown, from, 0, len(word))
			return
		}
		s.add(id, from, i, i+size)
		i += size
		trie = w.rest
	}
}
