package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// Classes of bytes.
const (
	byteLetter = iota // or digit
	byteOther         // a control character, or of a character that is not ASCII
	byteSpace
	bytePunctuation
)

// byteClasses holds the class of each byte.
var byteClasses = func() (classes [256]uint8) {
	for c := range classes {
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			classes[c] = byteSpace
		case c < ' ' || c >= 0x7f:
			classes[c] = byteOther
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
			classes[c] = byteLetter
		default:
			classes[c] = bytePunctuation
		}
	}
	return classes
}()

// sameCase and lowerCase map ASCII characters.
var sameCase, lowerCase = func() (same, lower [utf8.RuneSelf]byte) {
	for c := range same {
		same[c], lower[c] = byte(c), byte(c)
		if c >= 'A' && c <= 'Z' {
			lower[c] += 'a' - 'A'
		}
	}
	return same, lower
}()

// wordSplitter normalises text and cuts it into words, as the reference's
// BertNormalizer and BertPreTokenizer do. It is working memory that calls reuse.
type wordSplitter struct {
	table  *bertTable
	strip  bool // accents
	lower  bool
	spaced bool // Chinese characters
	ascii  *[utf8.RuneSelf]byte

	// word is called with each word; see alignment for where it is from.
	word func(word []byte, from alignment)

	aligned bool     // whether to fill align
	text    []byte   // normalised
	align   []Offset // for each byte of text, the character that it is of

	// Marks wait to be sorted. The reference tells where characters are from
	// by their order: sorted ones take the places of the unsorted.
	marks  []pendingMark
	places []Offset // of marks that are characters of their own
	last   Offset   // place of the last character before
}

// pendingMark is a character that combines with the one before.
type pendingMark struct {
	char  rune
	class uint8
	part  bool // of a longer decomposition, not its first character
}

// alignment says which part of the original text each byte of a word is of: the
// byte at its index behind base, or what bytes says.
type alignment struct {
	base  int
	bytes []Offset
}

// of returns the part of the original text that word[start:end] is of.
func (a alignment) of(start, end int) Offset {
	if a.bytes == nil {
		return Offset{a.base + start, a.base + end}
	}
	return Offset{a.bytes[start].Start, a.bytes[end-1].End}
}

func newWordSplitter(o WordPieceOptions) *wordSplitter {
	s := &wordSplitter{table: bertTables(), strip: o.stripsAccents(), lower: !o.Cased, spaced: !o.UnspacedCJK, ascii: &sameCase}
	if s.lower {
		s.ascii = &lowerCase
	}
	return s
}

// split calls word for each word of text, which begins at base of the original.
func (s *wordSplitter) split(text string, base int) {
	for i := 0; i < len(text); {
		switch byteClasses[text[i]] {
		case byteSpace:
			i++
		case bytePunctuation:
			s.text = append(s.text[:0], text[i])
			s.word(s.text, alignment{base: base + i})
			i++
		default:
			i = s.splitRun(text, i, base)
		}
	}
}

// splitRun does the part of text from start up to the next ASCII white space or
// punctuation, which no normalisation reaches across, and returns its end.
func (s *wordSplitter) splitRun(text string, start, base int) (end int) {
	s.text = s.text[:0]
	for end = start; end < len(text) && byteClasses[text[end]] == byteLetter; end++ {
		s.text = append(s.text, s.ascii[text[end]])
	}
	if end == len(text) || byteClasses[text[end]] != byteOther {
		s.word(s.text, alignment{base: base + start})
		return end
	}
	for end < len(text) && byteClasses[text[end]] <= byteOther {
		end++
	}
	s.normalize(text[start:end], base+start)
	s.splitNormalized(0, len(s.text))
	return end
}

// splitNormalized calls word for each word of s.text[from:to].
func (s *wordSplitter) splitNormalized(from, to int) {
	start := from
	cut := func(end int) {
		if start < end {
			s.emit(start, end)
		}
	}
	for i := from; i < to; {
		r, size := rune(s.text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(s.text[i:])
		}
		switch flags := s.table.flags(r); {
		case flags&bertSpace != 0:
			cut(i)
			start = i + size
		case flags&bertPunctuation != 0:
			cut(i)
			s.emit(i, i+size)
			start = i + size
		}
		i += size
	}
	cut(to)
}

func (s *wordSplitter) emit(start, end int) {
	a := alignment{}
	if s.aligned {
		a.bytes = s.align[start:end]
	}
	s.word(s.text[start:end], a)
}

// normalized returns text as it is before words are cut.
func (s *wordSplitter) normalized(text string, base int) string {
	s.normalize(text, base)
	return string(s.text)
}

// normalize puts normalised text, which begins at base of the original, in
// s.text.
func (s *wordSplitter) normalize(text string, base int) {
	s.text, s.align = s.text[:0], s.align[:0]
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		place := Offset{base + i, base + i + size}
		i += size
		switch flags := s.table.flags(r); {
		case flags&bertDropped != 0: // before spaces: some are control characters
		case flags&bertSpace != 0:
			s.put(' ', 0, place)
		case flags&bertChinese != 0 && s.spaced:
			s.put(' ', 0, place)
			s.put(r, flags, place)
			s.put(' ', 0, place)
		default:
			s.put(r, flags, place)
		}
	}
	s.flush()
}

// put takes a clean character.
func (s *wordSplitter) put(r rune, flags uint8, place Offset) {
	const decomposes = bertDecomposed | bertCombining | bertMark
	if !s.strip || flags&decomposes == 0 {
		s.flush()
		s.last = place
		s.append(r, flags, place)
		return
	}
	if flags&bertDecomposed == 0 {
		s.putPart(r, flags, place, false)
		return
	}
	if isHangulSyllable(r) {
		var jamo [3]rune
		for i, d := range appendJamo(jamo[:0], r) {
			s.putPart(d, 0, place, i > 0)
		}
		return
	}
	for i, d := range s.table.decomposed[r] {
		s.putPart(d, s.table.flags(d), place, i > 0)
	}
}

// putPart takes a character of a canonical decomposition. The place counts for
// the first one; others are where the character before them is.
func (s *wordSplitter) putPart(r rune, flags uint8, place Offset, part bool) {
	if flags&bertCombining != 0 {
		s.marks = append(s.marks, pendingMark{r, s.table.classes[r], part})
		if !part {
			s.places = append(s.places, place)
		}
		return
	}
	s.flush()
	if !part {
		s.last = place
	}
	s.appendUnlessMark(r, flags, s.last)
}

// flush sorts the marks that wait and appends those that are not stripped.
func (s *wordSplitter) flush() {
	if len(s.marks) == 0 {
		return
	}
	slices.SortStableFunc(s.marks, func(a, b pendingMark) int { return int(a.class) - int(b.class) })
	used := 0
	for _, m := range s.marks {
		if !m.part {
			s.last = s.places[used]
			used++
		}
		s.appendUnlessMark(m.char, s.table.flags(m.char), s.last)
	}
	s.marks, s.places = s.marks[:0], s.places[:0]
}

func (s *wordSplitter) appendUnlessMark(r rune, flags uint8, place Offset) {
	if flags&bertMark == 0 {
		s.append(r, flags, place)
	}
}

// append appends a character to the normalised text, in lower case if so wanted.
func (s *wordSplitter) append(r rune, flags uint8, place Offset) {
	before := len(s.text)
	switch {
	case r < utf8.RuneSelf:
		s.text = append(s.text, s.ascii[r])
	case !s.lower || flags&bertUpper == 0:
		s.text = utf8.AppendRune(s.text, r)
	case r == 'İ':
		s.text = append(s.text, "i\u0307"...)
	default:
		s.text = utf8.AppendRune(s.text, s.table.lower[r])
	}
	if s.aligned {
		for range len(s.text) - before {
			s.align = append(s.align, place)
		}
	}
}

// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
const (
	hangulBase, hangulEnd         = 0xAC00, 0xD7A4
	leadBase, vowelBase, tailBase = 0x1100, 0x1161, 0x11A7
	vowels, tails                 = 21, 28
)

func isHangulSyllable(r rune) bool { return r >= hangulBase && r < hangulEnd }

func appendJamo(dst []rune, r rune) []rune {
	i := r - hangulBase
	dst = append(dst, leadBase+i/(vowels*tails), vowelBase+i/tails%vowels)
	if tail := i % tails; tail > 0 {
		dst = append(dst, tailBase+tail)
	}
	return dst
}
