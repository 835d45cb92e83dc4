package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// TestCharactersAreNotToldApartBySpaces, as the space is one of them.
func TestCharactersAreNotToldApartBySpaces(t *testing.T) {
	characters, err := tokenizer.TrainCharacters(slices.Values([]string{"a b"}), 1)
	if err != nil {
		t.Fatal(err)
	}
	words, err := tokenizer.TrainWords(slices.Values([]string{"a b"}), tokenizer.WordsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkApart(characters, true); err == nil || !strings.Contains(err.Error(), "use ids") {
		t.Errorf("error %v for pieces of characters", err)
	}
	if checkApart(characters, false) != nil || checkApart(words, true) != nil {
		t.Error("ids of characters, or words, are refused")
	}
}
