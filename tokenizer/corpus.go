package tokenizer

import (
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

// load normalises sentences, cuts them into fragments and picks the
// characters to cover.
func (t *trainer) load(sentences iter.Seq[string]) error {
	rules, err := charsmap(t.opt.Normalization)
	if err != nil {
		return err
	}
	t.spec = normalizerSpec{
		name: t.opt.Normalization, charsmap: rules, escapeWhitespaces: true,
		addDummyPrefix: t.opt.AddDummyPrefix, removeExtraWhitespaces: t.opt.RemoveExtraWhitespaces,
	}
	symbols, err := t.metaTrie(func(p piece) bool { return p.kind == pieceUserDefined })
	if err != nil {
		return err
	}
	norm, err := newNormalizer(t.spec, false, symbols)
	if err != nil {
		return err
	}
	meta, err := t.metaTrie(func(piece) bool { return true })
	if err != nil {
		return err
	}
	counts := t.countStretches(slices.Collect(sentences), norm, meta)
	if err := t.chooseChars(counts); err != nil {
		return err
	}
	t.cutFragments(counts)
	return nil
}

func (t *trainer) metaTrie(keep func(piece) bool) (doubleArray, error) {
	var keys []string
	for _, p := range t.meta {
		if keep(p) && strings.IndexByte(p.text, 0) < 0 {
			keys = append(keys, p.text)
		}
	}
	slices.Sort(keys)
	return buildDoubleArray(keys, make([]int32, len(keys)))
}

// countStretches counts the stretches of normalised text between boundaries:
// symbols and, if pieces must not span them, spaces.
func (t *trainer) countStretches(sentences []string, norm *normalizer, meta doubleArray) map[string]int64 {
	parts := make([]map[string]int64, shards)
	t.parallel(shards, func(i int) {
		counts := map[string]int64{}
		var buf []byte
		for _, s := range shard(sentences, i) {
			buf = norm.appendNormalized(buf[:0], s)
			t.cutStretches(string(buf), meta, counts)
		}
		parts[i] = counts
	})
	counts := parts[0]
	for _, part := range parts[1:] {
		for s, n := range part {
			counts[s] += n
		}
	}
	return counts
}

func (t *trainer) cutStretches(text string, meta doubleArray, counts map[string]int64) {
	start := 0
	cut := func(end int) {
		if end > start {
			counts[text[start:end]]++
		}
		start = end
	}
	for i := 0; i < len(text); {
		if size, _ := longest(meta, text[i:]); size > 0 {
			cut(i)
			i += size
			start = i
			continue
		}
		if t.opt.SplitByWhitespace && strings.HasPrefix(text[i:], spaceSymbol) {
			cut(i)
		}
		i += charLen(text[i])
	}
	cut(len(text))
}

// chooseChars picks the most frequent characters, until they make up the
// wanted share of the text.
func (t *trainer) chooseChars(counts map[string]int64) error {
	chars := map[rune]int64{}
	total := int64(0)
	for s, n := range counts {
		for _, c := range s {
			if c == 0 || c == '\t' || c == ' ' {
				continue // never part of a piece
			}
			chars[c] += n
			total += n
		}
	}
	sorted := slices.SortedFunc(maps.Keys(chars), func(a, b rune) int {
		return cmp.Or(cmp.Compare(chars[b], chars[a]), cmp.Compare(a, b))
	})
	covered := int64(0)
	for _, c := range sorted {
		if float32(float64(covered)/float64(total)) >= float32(t.opt.CharacterCoverage) {
			break
		}
		covered += chars[c]
		t.chars = append(t.chars, charCount{c, chars[c]})
	}
	switch {
	case len(t.chars) == 0:
		return errors.New("the text is empty; expected sentences")
	case len(t.chars) > t.room():
		return fmt.Errorf("vocabulary size is %d, for %d characters and %d symbols; expected at least as many, or a lower character coverage", t.opt.VocabSize, len(t.chars), len(t.meta))
	}
	return nil
}

// cutFragments cuts stretches at characters that are not covered.
func (t *trainer) cutFragments(counts map[string]int64) {
	covered := make(map[rune]bool, len(t.chars))
	for _, c := range t.chars {
		covered[c.char] = true
	}
	fragments := make(map[string]int64, len(counts))
	for s, n := range counts {
		for f := range strings.FieldsFuncSeq(s, func(c rune) bool { return !covered[c] }) {
			fragments[f] += n
		}
	}
	t.fragments = make([]fragment, 0, len(fragments))
	for _, text := range slices.Sorted(maps.Keys(fragments)) {
		t.fragments = append(t.fragments, fragment{text, fragments[text]})
	}
	for _, c := range t.chars {
		t.scripts[c.char] = script(c.char)
	}
}

// script returns the Unicode script of a character. Kana and kanji are one
// script: Japanese words mix them.
func script(c rune) string {
	const japanese = "Han"
	if c == 'ー' {
		return japanese
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, c) {
			if name == "Hiragana" || name == "Katakana" {
				return japanese
			}
			return name
		}
	}
	return "Common"
}

// isPiece reports whether characters may form one piece under the options.
func (t *trainer) isPiece(chars []rune) bool {
	if len(chars) == 0 || len(chars) > t.opt.MaxPieceLength {
		return false
	}
	space, _ := utf8.DecodeRuneInString(spaceSymbol)
	before := "" // script; empty when anything may follow
	for i, c := range chars {
		if c == space {
			if i > 0 && (t.opt.SplitByWhitespace || i == len(chars)-1) {
				return false
			}
			continue
		}
		number := c >= '0' && c <= '9' || c >= '０' && c <= '９'
		if number && t.opt.SplitDigits && len(chars) > 1 {
			return false
		}
		now := t.scripts[c]
		switch {
		case now == "Inherited":
			now = before
		case number && !t.opt.SplitByNumber:
			now = ""
		}
		if t.opt.SplitByUnicodeScript && before != "" && now != "" && before != now {
			return false
		}
		before = now
	}
	return true
}
