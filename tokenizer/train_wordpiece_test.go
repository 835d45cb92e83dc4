package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func trainWordPiece(t *testing.T, o WordPieceTrainOptions, text ...string) *WordPiece {
	t.Helper()
	w, err := TrainWordPiece(slices.Values(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestTrainWordPiece follows the merges of a small text by hand.
func TestTrainWordPiece(t *testing.T) {
	w := trainWordPiece(t, WordPieceTrainOptions{}, "Abab abab, abab", "ac b ac", "[CLS]")
	want := []string{
		"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
		",", "[", "]", "a", "b", "c", "l", "s", // characters
		"##a", "##b", "##c", "##l", "##s", // those inside words
		"ab",         // a ##b: 3 times, as the two that follow, but first by ids
		"##ab",       // ##a ##b
		"abab", "ac", // ##b ##a is gone
	}
	if !slices.Equal(w.tokens, want) {
		t.Errorf("pieces %q; expected %q", w.tokens, want)
	}
	if got := w.Encode("ABAB cl [MASK]"); !slices.Equal(got, []int32{w.ids["abab"], w.ids["c"], w.ids["##l"], w.Mask()}) {
		t.Errorf("ids %v of pieces %q", got, w.tokens)
	}
}

func TestTrainWordPieceOptions(t *testing.T) {
	text := []string{"é É e", "猫猫", "zzz", "zzz"}
	for _, c := range []struct {
		name    string
		o       WordPieceTrainOptions
		has     string
		hasNot  string
		entries int
	}{
		{"default", WordPieceTrainOptions{}, "e 猫 zzz ##z", "é É ##猫 猫猫", 5 + 3 + 1 + 2},
		{"cased", WordPieceTrainOptions{Normalization: WordPieceOptions{Cased: true}}, "é É e", "", 5 + 5 + 1 + 2},
		{"unspaced", WordPieceTrainOptions{Normalization: WordPieceOptions{UnspacedCJK: true}, MinFrequency: 1}, "猫猫 ##猫", "", 5 + 3 + 2 + 3},
		{"frequency", WordPieceTrainOptions{MinFrequency: 5}, "z ##z", "zz zzz ##zz", 5 + 3 + 1},
		{"alphabet", WordPieceTrainOptions{AlphabetLimit: 1}, "z zzz", "e 猫", 5 + 1 + 1 + 2},
		{"size", WordPieceTrainOptions{VocabSize: 10}, "zz", "zzz", 10},
	} {
		w := trainWordPiece(t, c.o, text...)
		for token := range strings.FieldsSeq(c.has) {
			if _, ok := w.ID(token); !ok {
				t.Errorf("%s: pieces %q; expected %q", c.name, w.tokens, token)
			}
		}
		for token := range strings.FieldsSeq(c.hasNot) {
			if _, ok := w.ID(token); ok {
				t.Errorf("%s: pieces %q; expected no %q", c.name, w.tokens, token)
			}
		}
		if w.Len() != c.entries || w.Options() != c.o.Normalization {
			t.Errorf("%s: %d pieces %q, options %+v; expected %d", c.name, w.Len(), w.tokens, w.Options(), c.entries)
		}
	}
}

func TestTrainWordPieceErrors(t *testing.T) {
	for _, c := range []struct {
		o    WordPieceTrainOptions
		text string
		want string
	}{
		{WordPieceTrainOptions{}, " \x00", "tokenizer: the text is empty"},
		{WordPieceTrainOptions{VocabSize: 9}, "abc", "tokenizer: vocabulary size is 9, for 10 characters and symbols"},
		{WordPieceTrainOptions{VocabSize: -1}, "abc", "expected 0 to 16777216"},
		{WordPieceTrainOptions{MinFrequency: -1}, "abc", "the minimal frequency -1"},
		{WordPieceTrainOptions{Normalization: WordPieceOptions{Accents: 7}}, "abc", "accents are 7"},
	} {
		if _, err := TrainWordPiece(slices.Values([]string{c.text}), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v; expected one with %q", c.o, err, c.want)
		}
	}
}

// TestTrainWordPieceReference compares a vocabulary with the one that the
// reference trains. They differ where the reference breaks ties by chance.
func TestTrainWordPieceReference(t *testing.T) {
	g := loadWordPieceGolden(t).Train
	o := WordPieceTrainOptions{VocabSize: g.Size}
	w := trainWordPiece(t, o, g.Text...)
	if w.Len() != len(g.Vocab) {
		t.Fatalf("%d pieces; the reference makes %d", w.Len(), len(g.Vocab))
	}
	same, characters := 0, 0
	for id, token := range g.Vocab {
		if _, ok := w.ID(token); ok {
			same++
		}
		if id < 5 || utf8.RuneCountInString(token) == 1 {
			if characters++; w.Token(int32(id)) != token {
				t.Errorf("entry %d is %q; the reference has %q", id, w.Token(int32(id)), token)
			}
		}
	}
	if same < len(g.Vocab)*98/100 || characters < 20 {
		t.Errorf("%d of %d pieces are those of the reference, the first %d in the same place; expected 98%% and 20", same, len(g.Vocab), characters)
	}
	t.Logf("%d of %d pieces are those of the reference", same, len(g.Vocab))
	if again := trainWordPiece(t, o, g.Text...); !slices.Equal(again.tokens, w.tokens) {
		t.Error("the same text gave another vocabulary")
	}
}
