package train

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnknownWordsAreReplaced(t *testing.T) {
	dir := t.TempDir()
	if _, err := trainSmall(context.Background(), dir, func(c *Config) {
		makeRecurrent(c)
		c.Tokenizer = TokenizerConfig{Type: "words", Vocab: 100}
		c.Training.MaxSteps = 20
	}); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	// Every word of the source is another, so that the links show in the output.
	line, unknown := "alpha beta gamma", m.Target.Special().Unknown
	known := m.Target.Encode("the")
	translation := []int32{unknown, known[0], unknown}
	links := m.align(line, translation, 0)
	if len(links) != 3 {
		t.Fatalf("links %v; want one for each of three tokens", links)
	}
	source := strings.Fields(line)
	want := source[links[0][0]] + " the " + source[links[2][0]]
	if got, err := m.ReplaceUnknown(line, translation, nil); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	dictionary := map[string]string{"alpha": "A", "beta": "B", "gamma": "C"}
	for word, known := range dictionary {
		want = strings.ReplaceAll(want, word, known)
	}
	if got, err := m.ReplaceUnknown(line, translation, dictionary); err != nil || got != want {
		t.Errorf("%q, %v with a dictionary; want %q", got, err, want)
	}
	// A dictionary has what is linked most often: two times of three pairs.
	target := []string{"the", "rare"}
	pairs := Text{Source: []string{"alpha", "alpha", "alpha"}, Target: []string{target[1], target[0], target[1]}}
	if got, err := m.Dictionary(t.Context(), pairs); err != nil || len(got) != 1 || got["alpha"] != "rare" {
		t.Errorf("%v, %v; want rare for alpha", got, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := m.Dictionary(stopped, pairs); !errors.Is(err, ErrInterrupted) {
		t.Errorf("error %v; want %v", err, ErrInterrupted)
	}
	// Some attend to the end symbol most, which no link may name.
	fit, _ := smallTexts()
	for i, line := range fit.Source[:50] {
		words := len(strings.Fields(line))
		for _, l := range m.Align(line, m.Target.Encode(fit.Target[i])) {
			if l[0] >= words {
				t.Fatalf("a link to token %d of %q, which has %d", l[0], line, words)
			}
		}
	}
	if got := m.Align(strings.Repeat("word ", 100), translation); len(got) != 0 {
		t.Errorf("links %v of a line in parts; want none", got)
	}
}

func TestMostOftenTakesTheFirstOfEquals(t *testing.T) {
	counts := map[[2]string]int{{"a", "x"}: 2, {"a", "y"}: 3, {"b", "z"}: 2, {"b", "x"}: 2, {"b", "y"}: 2, {"c", "w"}: 1}
	for range 20 { // the order of a map is another each time
		if diff := cmp.Diff(map[string]string{"a": "y", "b": "x", "c": "w"}, mostOften(counts)); diff != "" {
			t.Fatal(diff)
		}
	}
}
