package decode

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// drawSystem translates with a table, whatever the source.
func drawSystem(t *testing.T) System {
	t.Helper()
	tok, err := tokenizer.TrainWords(slices.Values([]string{"a b c d e f g"}), tokenizer.WordsOptions{MaxSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	return System{
		Source: tok, Target: tok, Begin: Begin(tok), MaxLength: 10,
		Start: func(src [][]int32) Stepper {
			m := newTable(tok.Len(), 0)
			for range src {
				m.hyps = append(m.hyps, []int32{0})
			}
			return m
		},
	}
}

// TestWhatIsDrawnFollowsFromTheLine: neither the batch of a line nor what is translated with
// it changes its translation, and equal lines have several.
func TestWhatIsDrawnFollowsFromTheLine(t *testing.T) {
	s := drawSystem(t)
	lines := slices.Repeat([]string{"a b c", "", strings.Repeat("d ", 25)}, 20)
	draw := func(first, last, tokens int) (texts []string) {
		o := DefaultTranslate()
		o.Sampling, o.First, o.BatchTokens, o.SplitLong = &Sampling{Temperature: 1, Seed: 3}, first, tokens, true
		out, err := s.Translate(lines[first:last], o)
		if err != nil {
			t.Fatal(err)
		}
		for _, hyps := range out {
			texts = append(texts, hyps[0].Text)
		}
		return texts
	}
	all := draw(0, 60, 1000)
	if got := draw(0, 60, 9); !slices.Equal(got, all) {
		t.Error("small batches draw other translations")
	}
	if got := slices.Concat(draw(0, 31, 20), draw(31, 60, 1000)); !slices.Equal(got, all) {
		t.Error("lines in two blocks have other translations")
	}
	same := 0 // first and second parts of long lines
	for i := 2; i < len(all); i += 3 {
		if words := strings.Fields(all[i]); len(words) > 9 && slices.Equal(words[:4], words[len(words)-4:]) {
			same++
		}
	}
	if same > 5 {
		t.Errorf("%d of 20 long lines begin and end with the same words", same)
	}
	distinct := map[string]bool{}
	for i := 0; i < len(all); i += 3 {
		distinct[all[i]] = true
	}
	if len(distinct) < 18 {
		t.Errorf("%d distinct translations of 20 equal lines", len(distinct))
	}
}

func TestStreamsAreChecked(t *testing.T) {
	o := Options{Beam: 1, NBest: 1, Sampling: &Sampling{Temperature: 1, Streams: []uint64{1}}}
	if _, err := Run(newTable(3, 2), Limits(2, 3), o); err == nil || !strings.Contains(err.Error(), "1 random streams for 2 sequences") {
		t.Errorf("error %v; want one that counts the streams", err)
	}
}

func TestLongLinesAreNamed(t *testing.T) {
	o := DefaultTranslate()
	o.First = 4096
	lines := []string{"a", strings.Repeat("a ", 10)}
	if _, err := drawSystem(t).Translate(lines, o); err == nil || !strings.Contains(err.Error(), "line 4098 has 10 tokens") {
		t.Errorf("error %v; want one that names line 4098", err)
	}
}

func TestEmptyLinesHaveEnded(t *testing.T) {
	out, err := drawSystem(t).Translate([]string{""}, DefaultTranslate())
	if err != nil || len(out[0]) != 1 || out[0][0].Text != "" || !out[0][0].Ended {
		t.Errorf("%+v, %v; want one empty translation that has ended", out, err)
	}
}

func TestPartsOfALineAreJoined(t *testing.T) {
	of := func(text string, tokens []int32, logProb, score float64, ended bool) Translation {
		return Translation{Text: text, Hypothesis: Hypothesis{Tokens: tokens, LogProb: logProb, Score: score, Ended: ended}}
	}
	line := []Translation{of("a", []int32{1}, -1, -1, true), of("b", []int32{2}, -2, -2, true)}
	got := join(line, []Translation{of("c", []int32{3}, -5, -3, false)})
	if diff := cmp.Diff([]Translation{of("a c", []int32{1, 3}, -6, -3, false)}, got); diff != "" {
		t.Error(diff)
	}
}
