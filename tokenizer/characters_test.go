package tokenizer

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCharacters(t *testing.T) {
	text := "a b\n言葉 'quoted' \\\ta\u00a0\U0001F600\n"
	c, err := TrainCharacters(slices.Values([]string{text, text}), 2)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vocab.txt")
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	read, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Decode(read.Encode(text)); got != text {
		t.Errorf("read back, the text is %q; want %q", got, text)
	}
	if read.Len() != c.Len() {
		t.Errorf("%d entries are read back; want %d", read.Len(), c.Len())
	}
	for id := int32(1); id < int32(c.Len()); id++ {
		if got, ok := read.ID(read.Token(id)); !ok || got != id {
			t.Errorf("the id of entry %d, %q, is %d, %v", id, read.Token(id), got, ok)
		}
	}
	if got := read.Encode("aZ\xff"); got[0] == 0 || got[1] != 0 || got[2] != 0 {
		t.Errorf("unknown characters are %v; want a and two zeros", got)
	}
	if _, ok := read.ID("ab"); ok {
		t.Error("two characters have an id")
	}
}

func TestRareCharactersAreLeftOut(t *testing.T) {
	c, err := TrainCharacters(slices.Values([]string{"aab"}), 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Encode("ab"); !slices.Equal(got, []int32{1, 0}) {
		t.Errorf("ids %v; want 1 and 0", got)
	}
	if _, err := TrainCharacters(slices.Values([]string{"ab"}), 2); err == nil {
		t.Error("no error for a vocabulary of nothing")
	}
}

func TestBadCharacterFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"<characters>\n", "no characters"},
		{"<characters>\n'a'\nb\n", "line 3"},
		{"<characters>\n\"ab\"\n", "line 2"},
		{"<characters>\n'a'\n'a'\n", "twice"},
	} {
		if _, err := parse([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v; want one with %q", c.data, err, c.want)
		}
	}
}
