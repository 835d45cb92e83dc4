package pipeline

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// TestWindowsEqualThoseOfThePaper compares with the code of transformers that follows the
// paper's; see testdata/answer.py.
func TestWindowsEqualThoseOfThePaper(t *testing.T) {
	g := readAnswerGoldens(t)
	e := newAnswerer(t, g.Vocabulary, 512)
	for i, c := range g.Windows {
		got, err := e.Windows(c.Question, c.Context, WindowOptions{c.MaxLength, c.Stride, c.MaxQuestion})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(c.Windows) {
			t.Fatalf("context %d has %d windows; want %d", i, len(got), len(c.Windows))
		}
		start := len(string([]rune(c.Context)[:c.Start]))
		for k, want := range c.Windows {
			w := got[k]
			if !slices.Equal(w.IDs, want.IDs) {
				t.Errorf("context %d, window %d: ids %v; want %v", i, k, w.IDs, want.IDs)
			}
			if first := slices.Index(append(want.Types, 1), 1); len(w.IDs)-w.Second != first || w.First != first {
				t.Errorf("context %d, window %d: the part begins at %d and %d; want %d", i, k, len(w.IDs)-w.Second, w.First, first)
			}
			if !slices.Equal(w.Central, want.Central) {
				t.Errorf("context %d, window %d: central are %v; want %v", i, k, w.Central, want.Central)
			}
			if first, last := w.Span(start, start+len(c.Answer)); [2]int{first, last} != want.Span {
				t.Errorf("context %d, window %d: %q is %d to %d; want %v", i, k, c.Answer, first, last, want.Span)
			}
		}
	}
}

// TestEveryTokenIsCentralOnce counts by hand: windows of 5 tokens, 2 on from each other, of
// 10 tokens. Token 4 has 0 to its right in the first, 2 and 2 in the second, 0 to its left
// in the third. Token 3 has 1 on a side of both the first two, and the first counts; token 7
// has 1 in the third and the last, and the longer one counts.
func TestEveryTokenIsCentralOnce(t *testing.T) {
	parts := cutParts(10, 5, 2)
	if diff := gocmp.Diff([][2]int{{0, 5}, {2, 7}, {4, 9}, {6, 10}}, parts); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3}, centralParts(10, parts)); diff != "" {
		t.Errorf("central (-want +got):\n%s", diff)
	}
	if parts := cutParts(7, 3, 100); !slices.Equal(parts, [][2]int{{0, 3}, {3, 6}, {6, 7}}) {
		t.Errorf("windows with a long stride are %v", parts)
	}
}

// TestSpansAreTheTokensOfAnAnswer tries all parts of a context.
func TestSpansAreTheTokensOfAnAnswer(t *testing.T) {
	e := newAnswerer(t, words, 20)
	const context = "the Cáts sat  on a mat,𝄞dogs"
	windows, err := e.Windows("dog", context, WindowOptions{MaxLength: 9, Stride: 2})
	if err != nil {
		t.Fatal(err)
	}
	_, offsets := e.Tokenizer.EncodeWithOffsets(context)
	for start := range len(context) {
		for end := start + 1; end <= len(context); end++ {
			var tokens []int
			for i, o := range offsets {
				if o.Start < end && o.End > start {
					tokens = append(tokens, i)
				}
			}
			for k, w := range windows {
				want := [2]int{}
				if len(tokens) > 0 && tokens[0] >= w.From && tokens[len(tokens)-1] < w.To {
					want = [2]int{tokens[0] - w.From + 3, tokens[len(tokens)-1] - w.From + 3}
				}
				if first, last := w.Span(start, end); [2]int{first, last} != want {
					t.Fatalf("%q in window %d is %d to %d; want %v", context[start:end], k, first, last, want)
				}
			}
		}
	}
}

// TestGoldAnswersAreCutOut counts, where the corpora are, how many right answers are exactly
// those tokens that a model is trained to find; the others begin or end inside a token. As
// Japanese words are not kept apart, pieces longer than a character span their boundaries:
// with 8,000 pieces 823 of the 1,029 answers of JaQuAD are exact.
func TestGoldAnswersAreCutOut(t *testing.T) {
	network := &bert.Network{Encoder: &bert.Model{Config: bert.Config{Types: 2}}}
	for name, want := range map[string]struct{ answers, exact, frequency int }{
		"xquad/xquad.en.json": {1190, 1189, 2}, "xquad/xquad.de.json": {1190, 1190, 2}, "jaquad/jaquad_dev_0000.json": {1029, 1029, 1 << 23},
	} {
		s, err := data.ReadSQuAD("../../shared/data/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			t.Skip("the corpora XQuAD and JaQuAD are not there")
		}
		if err != nil {
			t.Fatal(err)
		}
		contexts := func(yield func(string) bool) {
			for i, q := range s.Questions {
				if (i == 0 || q.Context != s.Questions[i-1].Context) && !yield(q.Context) {
					return
				}
			}
		}
		tok, err := tokenizer.TrainWordPiece(contexts, tokenizer.WordPieceTrainOptions{VocabSize: 8000, AlphabetLimit: 4000, MinFrequency: want.frequency})
		if err != nil {
			t.Fatal(err)
		}
		answers, exact := 0, 0
		var cut []metrics.SQuADAnswer
		for _, q := range s.Questions {
			for _, a := range q.Answers {
				text := cutOut(t, &Encoder{Network: network, Tokenizer: tok, MaxLength: 384}, q, a)
				answers++
				cut = append(cut, metrics.SQuADAnswer{Gold: []string{a.Text}, Predicted: text})
				if text == a.Text {
					exact++
				} else {
					t.Logf("%q for %q", text, a.Text)
				}
			}
		}
		t.Logf("%s: %d of %d answers are exactly tokens; %+v", name, exact, answers, metrics.SQuAD1(cut, metrics.SQuADWords))
		if answers != want.answers || exact < want.exact {
			t.Errorf("%s: %d of %d answers are exactly tokens; want at least %d of %d", name, exact, answers, want.exact, want.answers)
		}
	}
}

// cutOut returns the tokens of an answer, which must be the same in all windows that have
// them, and there must be one.
func cutOut(t *testing.T, e *Encoder, q data.Question, a data.Answer) string {
	t.Helper()
	windows, err := e.Windows(q.Text, q.Context, WindowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	text := ""
	for _, w := range windows {
		if first, last := w.Span(a.Start, a.Start+len(a.Text)); first > 0 {
			text = q.Context[w.Tokens[first-w.First+w.From].Start:w.Tokens[last-w.First+w.From].End]
			texts[text] = true
		}
	}
	if len(texts) != 1 {
		t.Errorf("%s: %q is %v in %d windows; want one text", q.ID, a.Text, texts, len(windows))
	}
	return text
}
