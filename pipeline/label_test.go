package pipeline

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestEntitiesAreThoseOfTransformers compares with testdata/label.py.
func TestEntitiesAreThoseOfTransformers(t *testing.T) {
	text, err := os.ReadFile("testdata/label.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Text     string
		Entities []Entity
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	var texts []string
	groups := map[string]int{}
	for _, c := range cases {
		texts = append(texts, c.Text)
		for _, e := range c.Entities {
			groups[e.Group]++
		}
	}
	if len(groups) != 3 {
		t.Fatalf("%v; want some of each group", groups)
	}
	got, err := mustOpen(t, "testdata/label").Entities(texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if diff := gocmp.Diff(c.Entities, got[i], cmpopts.EquateApprox(0, 1e-5)); diff != "" {
			t.Errorf("%q: %s", c.Text, diff)
		}
	}
}

func TestLongSentencesAreCutBetweenWords(t *testing.T) {
	e := mustOpen(t, newFolder(t, bare)) // of sequences up to 12 tokens
	var sentence []string
	for range 7 {
		sentence = append(sentence, "cats", "dog") // 3 pieces
	}
	sentence = append(sentence, strings.Repeat("s", 3), "\u200b", "cat"+strings.Repeat("s", 20))
	words := 0
	for _, w := range e.Words(sentence) {
		if len(w.IDs) > 12 {
			t.Errorf("%d tokens; want 12 at most", len(w.IDs))
		}
		for _, place := range w.First {
			want := e.Tokenizer.Encode(sentence[words])
			if len(want) == 0 {
				want = []int32{e.Tokenizer.Special().Unknown}
			}
			if w.IDs[place] != want[0] {
				t.Errorf("%q begins with %s; want %s", sentence[words], e.Tokenizer.Token(w.IDs[place]), e.Tokenizer.Token(want[0]))
			}
			words++
		}
	}
	if words != len(sentence) {
		t.Errorf("%d words; want all %d", words, len(sentence))
	}
	if _, err := e.Entities([]string{"cat"}); err == nil || !strings.Contains(err.Error(), "--preset bert-label") {
		t.Errorf("error %v without a classifier", err)
	}
}

// TestEntitiesOfIOBES groups by the prefixes that end an entity, which transformers ignores.
func TestEntitiesOfIOBES(t *testing.T) {
	s := sentence{words: [][2]int{{0, 1}, {2, 4}, {5, 6}, {7, 8}, {9, 10}}}
	var labels []Label
	for i, l := range []string{"B-X", "E-X", "S-X", "O", "I-X"} {
		labels = append(labels, Label{l, 1 / float64(i+1)})
	}
	want := []Entity{{"X", 0.75, "a é", 0, 3}, {"X", 1. / 3, "c", 4, 5}, {"X", 0.2, "e", 8, 9}}
	got := s.entities("a é c d e", labels)
	if diff := gocmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
}
