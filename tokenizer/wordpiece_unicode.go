package tokenizer

import (
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The tables of wordpiece_tables.go say what the reference makes of each
// character. They are its own, not those of Go's package unicode, because the
// two know different versions of Unicode, and so do the libraries that the
// reference uses for different steps. What a character decomposes to, and its
// combining class, never changes once it has been assigned; these come from
// x/text for the characters that the reference knows.

// Properties of characters, a bit each.
const (
	bertDropped     = 1 << iota // control characters and such
	bertSpace                   // white space, some of which is dropped
	bertChinese                 // put between spaces
	bertMark                    // stripped as an accent
	bertPunctuation             // a word of its own
	bertDecomposed              // has a canonical decomposition
	bertCombining               // has a combining class other than 0
	bertUpper                   // has another lower case
)

// runeRange is each step-th character from lo to hi.
type runeRange struct{ lo, hi, step rune }

// caseRange is each step-th character from lo to hi, whose lower case is delta
// behind it.
type caseRange struct{ lo, hi, step, delta rune }

// bertTable looks up properties.
type bertTable struct {
	pages      [(unicode.MaxRune + 1) >> 8]uint16 // which page of 256 characters
	properties []uint8
	lower      map[rune]rune
	decomposed map[rune][]rune
	classes    map[rune]uint8
}

// flags returns the properties of a character.
func (t *bertTable) flags(r rune) uint8 {
	return t.properties[int(t.pages[r>>8])<<8|int(r&0xff)]
}

// bertTables makes the table when it is first needed.
var bertTables = sync.OnceValue(func() *bertTable {
	t := &bertTable{lower: map[rune]rune{}, decomposed: map[rune][]rune{}, classes: map[rune]uint8{}}
	all := make([]uint8, unicode.MaxRune+1)
	mark := func(ranges []runeRange, property uint8) {
		for _, s := range ranges {
			for r := s.lo; r <= s.hi; r += s.step {
				all[r] |= property
			}
		}
	}
	mark(bertDroppedRanges, bertDropped)
	mark(bertSpaceRanges, bertSpace)
	mark(bertChineseRanges, bertChinese)
	mark(bertMarkRanges, bertMark)
	mark(bertPunctuationRanges, bertPunctuation)
	mark(bertDecomposedRanges, bertDecomposed)
	mark(bertCombiningRanges, bertCombining)
	for _, s := range bertUpperRanges {
		for r := s.lo; r <= s.hi; r += s.step {
			all[r] |= bertUpper
			t.lower[r] = r + s.delta
		}
	}
	for r := range rune(len(all)) {
		if all[r]&bertDecomposed != 0 && !isHangulSyllable(r) {
			t.decomposed[r] = []rune(norm.NFD.String(string(r)))
		}
		if all[r]&bertCombining != 0 {
			t.classes[r] = norm.NFD.PropertiesString(string(r)).CCC()
		}
	}
	t.pack(all)
	return t
})

// pack keeps each distinct page once.
func (t *bertTable) pack(all []uint8) {
	seen := map[[256]uint8]uint16{}
	for i := range t.pages {
		page := [256]uint8(all[i<<8:])
		n, ok := seen[page]
		if !ok {
			n = uint16(len(seen))
			seen[page] = n
			t.properties = append(t.properties, page[:]...)
		}
		t.pages[i] = n
	}
}
