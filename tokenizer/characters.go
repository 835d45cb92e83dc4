package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// charactersHeader is the first line of a file of characters: it tells them from a
// word list.
const charactersHeader = "<characters>"

// Characters is a vocabulary of single characters, for text that is read as it is:
// white space and ends of lines count. Entry 0 stands for every character that is not
// in it.
type Characters struct {
	runes []rune // of entries 1 and on
	ids   map[rune]int32
}

// TrainCharacters makes a vocabulary of the characters of texts, in the order of
// their code points. Those that occur fewer than minCount times are left out.
func TrainCharacters(texts iter.Seq[string], minCount int) (*Characters, error) {
	counts := map[rune]int{}
	for text := range texts {
		for _, r := range validUTF8(text) {
			counts[r]++
		}
	}
	var runes []rune
	for r, n := range counts {
		if n >= minCount {
			runes = append(runes, r)
		}
	}
	if len(runes) == 0 {
		return nil, errors.New("tokenizer: no character is left for the vocabulary; expected text with characters that occur often enough")
	}
	slices.Sort(runes)
	return newCharacters(runes)
}

func newCharacters(runes []rune) (*Characters, error) {
	c := &Characters{runes: runes, ids: make(map[rune]int32, len(runes))}
	for i, r := range runes {
		if _, ok := c.ids[r]; ok {
			return nil, fmt.Errorf("%q stands twice; expected distinct characters", r)
		}
		c.ids[r] = int32(i + 1)
	}
	return c, nil
}

// parseCharacters reads a file of characters: a quoted one a line after the header.
func parseCharacters(data []byte) (*Characters, error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")[1:]
	var runes []rune
	for i, line := range lines {
		text, err := strconv.Unquote(line)
		if err != nil || utf8.RuneCountInString(text) != 1 {
			return nil, fmt.Errorf("line %d, %.40q, is not a quoted character; expected one as in %q", i+2, line, strconv.QuoteRune('a'))
		}
		r, _ := utf8.DecodeRuneInString(text)
		runes = append(runes, r)
	}
	if len(runes) == 0 {
		return nil, errors.New("there are no characters; expected one a line")
	}
	return newCharacters(runes)
}

// Encode returns the id of each character of text.
func (c *Characters) Encode(text string) []int32 {
	ids := make([]int32, 0, len(text))
	for _, r := range validUTF8(text) {
		ids = append(ids, c.ids[r]) // 0 when it is not there
	}
	return ids
}

// Decode joins characters, U+FFFD for those that the vocabulary did not have. It
// panics when an id is outside [0, Len).
func (c *Characters) Decode(ids []int32) string {
	var text strings.Builder
	for _, id := range ids {
		text.WriteString(c.Token(id))
	}
	return text.String()
}

// Len is the number of characters and one.
func (c *Characters) Len() int { return len(c.runes) + 1 }

// Token returns a character.
func (c *Characters) Token(id int32) string {
	if id == 0 {
		return replacement
	}
	return string(c.runes[id-1])
}

// ID returns the id of a character.
func (c *Characters) ID(token string) (id int32, ok bool) {
	r, size := utf8.DecodeRuneInString(token)
	if size != len(token) {
		return 0, false
	}
	id, ok = c.ids[r]
	return id, ok
}

// Special returns the id of unknown characters; there are no other symbols.
func (c *Characters) Special() Special { return Special{Unknown: 0, Begin: None, End: None, Pad: None} }

// Save writes the characters, a quoted one a line.
func (c *Characters) Save(path string) error {
	var text bytes.Buffer
	text.WriteString(charactersHeader + "\n")
	for _, r := range c.runes {
		text.WriteString(strconv.QuoteRune(r) + "\n")
	}
	return writeFile(path, text.Bytes())
}
