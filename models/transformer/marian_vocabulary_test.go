package transformer

import (
	"path/filepath"
	"slices"
	"testing"
)

// marianPieces returns a vocabulary whose SentencePiece model lacks the last pieces, which
// are more.
func marianPieces(t *testing.T, more ...string) *marianVocabulary {
	t.Helper()
	_, vocab := exported(t)
	path := filepath.Join(t.TempDir(), marianTargetFile)
	if err := vocab.Save(path); err != nil {
		t.Fatal(err)
	}
	var pieces []string
	for id := range vocab.Len() {
		pieces = append(pieces, vocab.Token(int32(id)))
	}
	v, err := newMarianVocabulary(path, append(pieces, more...), vocab.Special())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLanguagesAreTokens(t *testing.T) {
	v := marianPieces(t, ">>fra<<")
	text := v.Encode("the cat")
	fra, unknown := int32(v.Len()-1), v.Special().Unknown
	for in, want := range map[string][]int32{
		">>fra<< the cat": append([]int32{fra}, text...),
		">>fra<<the cat":  append([]int32{fra}, text...),
		">>xyz<< the cat": append([]int32{unknown}, text...),
		">>fra<<":         {fra},
	} {
		if got := v.Encode(in); !slices.Equal(got, want) {
			t.Errorf("%q: %v; want %v", in, got, want)
		}
	}
	for _, in := range []string{"the >>fra<< cat", ">>fra cat", "fra<< cat"} {
		if got := v.Encode(in); slices.Contains(got, fra) {
			t.Errorf("%q: %v has the token of the language", in, got)
		}
	}
}

// TestLettersOfTheOtherLanguageAreTokens: what the SentencePiece model does not know may be in
// vocab.json all the same.
func TestLettersOfTheOtherLanguageAreTokens(t *testing.T) {
	v := marianPieces(t, "ß")
	got, sharp := v.Encode("the ß cat Ѫ"), int32(v.Len()-1)
	if !slices.Contains(got, sharp) || got[len(got)-1] != v.Special().Unknown {
		t.Errorf("%v; want %d in it, and %d at the end", got, sharp, v.Special().Unknown)
	}
}

func TestForeignPiecesAreTheirText(t *testing.T) {
	v := marianPieces(t, "▁Hund", "e", "▁")
	hund := int32(v.Len() - 3)
	e, space := hund+1, hund+2
	cat, small, end := v.Encode("the cat"), v.Encode("small"), v.Special().End
	for want, ids := range map[string][]int32{
		"the cat Hunde small":    slices.Concat(cat, []int32{hund, e}, small, []int32{end}),
		"Hunde the cat":          slices.Concat([]int32{hund, e}, cat),
		"the cat e small":        slices.Concat(cat, []int32{space, e}, small),
		"the cat ⁇  Hunde small": slices.Concat(cat, []int32{v.Special().Unknown, hund, e}, small),
		"the cat":                slices.Concat(cat, []int32{end}),
	} {
		if got := v.Decode(ids); got != want {
			t.Errorf("%v: %q; want %q", ids, got, want)
		}
	}
}
