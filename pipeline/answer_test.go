package pipeline

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// newAnswerer returns a small network with random weights and a head for answers.
func newAnswerer(t testing.TB, vocabulary []string, longest int) *Encoder {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	m, err := bert.New(bert.Config{
		Vocab: len(vocabulary), Dim: 8, Layers: 2, Heads: 2, FFN: 12, MaxLength: longest, Types: 2, Activation: "gelu", Epsilon: 1e-12, Init: 0.5,
	}, r)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.NewWordPiece(vocabulary, tokenizer.WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e := &Encoder{Network: bert.NewAnswerer(m, r), Tokenizer: tok, MaxLength: longest}
	e.Network.Pack()
	return e
}

// answerGoldens is what testdata/answer.py writes.
type answerGoldens struct {
	Vocabulary []string
	Windows    []struct {
		Question, Context, Answer string
		MaxLength                 int `json:"max_length"`
		Stride, Start             int
		MaxQuestion               int `json:"max_question"`
		Windows                   []struct {
			IDs, Types []int32
			Central    []bool
			Span       [2]int
		}
	}
	Predictions []struct {
		Question, Context string
		MaxLength         int `json:"max_length"`
		Stride            int
		MaxQuestion       int `json:"max_question"`
		NBest             int `json:"n_best"`
		MaxAnswer         int `json:"max_answer"`
		Null              bool
		Threshold         float64
		Logits            [][2][]float64
		Answer            string
		Entries           []nbestEntry `json:"nbest"`
		Odds              float64
	}
}

func readAnswerGoldens(t *testing.T) (g answerGoldens) {
	t.Helper()
	text, err := os.ReadFile("testdata/answer.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Windows) != 8 || len(g.Predictions) != 40 {
		t.Fatalf("%d contexts and %d predictions; want 8 and 40", len(g.Windows), len(g.Predictions))
	}
	return g
}

// TestAnswersEqualThoseOfThePaper decodes logits as transformers does. It calls "empty"
// what has no possible span.
func TestAnswersEqualThoseOfThePaper(t *testing.T) {
	g := readAnswerGoldens(t)
	e := newAnswerer(t, g.Vocabulary, 512)
	for i, p := range g.Predictions {
		o := AnswerOptions{WindowOptions{p.MaxLength, p.Stride, p.MaxQuestion}, p.NBest, p.MaxAnswer, p.Null, p.Threshold, nil}
		windows, err := e.Windows(p.Question, p.Context, o.WindowOptions)
		if err != nil {
			t.Fatal(err)
		}
		var readings []reading
		for _, logits := range p.Logits {
			readings = append(readings, read(logits, o.NBest))
		}
		got := decode(p.Context, windows, readings, o)
		impossible := slices.ContainsFunc(p.Entries, func(n nbestEntry) bool { return n.Text == "empty" })
		if impossible {
			p.Answer = ""
		}
		if got[0].Answer != p.Answer {
			t.Errorf("%d: the answer is %q; want %q", i, got[0].Answer, p.Answer)
		}
		if odds := nullOdds(got); p.Null && odds != p.Odds {
			t.Errorf("%d: the odds of no answer are %v; want %v", i, odds, p.Odds)
		}
		if impossible {
			continue
		}
		slices.SortStableFunc(got, func(a, b Answer) int { return compareLogits(b, a) })
		if len(got) != len(p.Entries) {
			t.Fatalf("%d: %d answers; want %d", i, len(got), len(p.Entries))
		}
		for k, want := range p.Entries {
			a := got[k]
			if a.Answer != want.Text || a.StartLogit != want.StartLogit || a.EndLogit != want.EndLogit || math.Abs(a.Score-want.Probability) > 1e-12 {
				t.Errorf("%d, answer %d: %+v; want %+v", i, k, a, want)
			}
			if part := string([]rune(p.Context)[a.Start:a.End]); part != a.Answer {
				t.Errorf("%d, answer %d: the context has %q from %d to %d; want %q", i, k, part, a.Start, a.End, a.Answer)
			}
		}
	}
}

var questions = []QA{
	{"a cat ?", "the cat sat on a mat . a dog ran , the dogs sat on the cat . the mats"},
	{"the dog", "Dogs"},
	{"cat on mat", "𝄞 the Cat,sat on  a mat"},
	{"dogs ran", "a dog ran , the cats sat on a mat . the dog sat on the mat"},
}

// TestAnswersAreTheBestOfAllSpans runs a network on each window alone, and tries all spans.
func TestAnswersAreTheBestOfAllSpans(t *testing.T) {
	e := newAnswerer(t, words, 14)
	for _, null := range []bool{false, true} {
		o := AnswerOptions{WindowOptions{MaxLength: 12, Stride: 3}, 1000, 3, null, 0, nil}
		got, err := e.Answer(questions, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range questions {
			want := allSpans(t, e, q, o)
			if len(got[i]) != len(want) {
				t.Fatalf("question %d: %d answers; want %d", i, len(got[i]), len(want))
			}
			total := 0.0
			for k, a := range got[i] {
				total += a.Score
				if math.Abs(a.logit()-want[k].logit()) > 1e-4 || k > 0 && a.Score > got[i][k-1].Score {
					t.Errorf("question %d, answer %d: %+v; want %+v", i, k, a, want[k])
				}
				if a.Answer != string([]rune(q.Context)[a.Start:a.End]) {
					t.Errorf("question %d, answer %d: %+v is not from there", i, k, a)
				}
			}
			if got[i][0].Answer != want[0].Answer || math.Abs(total-1) > 1e-9 {
				t.Errorf("question %d: the answer is %q, of %v in all; want %q of 1", i, got[i][0].Answer, total, want[0].Answer)
			}
		}
	}
}

// allSpans returns the answers of different text by their logits.
func allSpans(t *testing.T, e *Encoder, q QA, o AnswerOptions) []Answer {
	t.Helper()
	windows, err := e.Windows(q.Question, q.Context, o.WindowOptions)
	if err != nil {
		t.Fatal(err)
	}
	byText := map[string]Answer{}
	for _, w := range windows {
		var b bert.Batch
		b.Clear()
		b.Append(0, w.IDs[:w.First]...)
		b.Append(1, w.IDs[w.First:]...)
		b.End()
		p := bert.Pass{Tape: tensor.NewInferenceTape()}
		logits := e.Network.Spans(p, e.Network.Encoder.Encode(p, b))
		add := func(text string, first, last int, better func(a, b float64) bool) {
			a := Answer{Answer: text, StartLogit: float64(logits.Row(first)[0]), EndLogit: float64(logits.Row(last)[1])}
			if was, ok := byText[text]; !ok || better(a.logit(), was.logit()) {
				byText[text] = a
			}
		}
		if o.Null {
			add("", 0, 0, func(a, b float64) bool { return a < b })
		}
		for from := w.From; from < w.To; from++ {
			for to := from; to < min(w.To, from+o.MaxAnswer) && w.Central[from-w.From]; to++ {
				add(q.Context[w.Tokens[from].Start:w.Tokens[to].End], w.First+from-w.From, w.First+to-w.From, func(a, b float64) bool { return a > b })
			}
		}
	}
	var all []Answer
	for _, a := range byText {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Answer) int { return compareLogits(b, a) })
	return all
}

// TestThresholdsMoveNoAnswer sets thresholds around the odds of no answer.
func TestThresholdsMoveNoAnswer(t *testing.T) {
	e := newAnswerer(t, words, 14)
	for i, q := range questions {
		got, err := e.Answer([]QA{q}, AnswerOptions{Null: true})
		if err != nil {
			t.Fatal(err)
		}
		odds := nullOdds(got[0])
		for _, test := range []struct {
			threshold float64
			none      bool
		}{{odds, false}, {odds + 1e-9, false}, {odds - 1e-9, true}, {math.Inf(1), false}, {math.Inf(-1), true}} {
			again, err := e.Answer([]QA{q}, AnswerOptions{Null: true, NullThreshold: test.threshold})
			if err != nil {
				t.Fatal(err)
			}
			if none := again[0][0].Answer == ""; none != test.none {
				t.Errorf("question %d, threshold %v for odds of %v: the answer is %q", i, test.threshold, odds, again[0][0].Answer)
			}
			byLogits := func(a, b Answer) int { return cmp.Or(compareLogits(b, a), cmp.Compare(a.Answer, b.Answer)) }
			if !slices.IsSortedFunc(again[0][1:], byLogits) {
				t.Errorf("question %d, threshold %v: %+v; want the others by score", i, test.threshold, again[0])
			}
			if diff := gocmp.Diff(slices.SortedFunc(slices.Values(got[0]), byLogits), slices.SortedFunc(slices.Values(again[0]), byLogits)); diff != "" {
				t.Errorf("question %d: a threshold changes what is found (-want +got):\n%s", i, diff)
			}
		}
	}
}

// TestEqualWindowsSayNoneByTheFirst has two windows that are as sure of no answer, 3 by
// different logits, and no end that is not before a start.
func TestEqualWindowsSayNoneByTheFirst(t *testing.T) {
	tokens := []tokenizer.Offset{{Start: 0, End: 1}, {Start: 1, End: 2}}
	central := []bool{true, true}
	windows := []Window{{Tokens: tokens, To: 2, First: 3, Central: central}, {Tokens: tokens, To: 2, First: 3, Central: central}}
	starts, ends := []float64{1, 0, 0, 0, 9}, []float64{2, 0, 0, 9, 0}
	readings := []reading{read([2][]float64{starts, ends}, 1), read([2][]float64{{2, 0, 0, 0, 9}, {1, 0, 0, 9, 0}}, 1)}
	want := []Answer{{Score: 1, StartLogit: 1, EndLogit: 2}}
	if diff := gocmp.Diff(want, decode("ab", windows, readings, AnswerOptions{NBest: 1, MaxAnswer: 2, Null: true, NullThreshold: 5})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]Answer{{}}, decode("ab", windows, readings, AnswerOptions{NBest: 1, MaxAnswer: 2})); diff != "" {
		t.Errorf("without no answer (-want +got):\n%s", diff)
	}
}

func TestZerosAreThePapersOptions(t *testing.T) {
	o, err := AnswerOptions{}.filled()
	if err != nil || o.NBest != 20 || o.MaxAnswer != 30 {
		t.Errorf("%+v, %v; want the best 20, of 30 tokens", o, err)
	}
	for longest, want := range map[int]WindowOptions{512: {384, 128, 64}, 100: {100, 128, 64}} {
		if w, err := (WindowOptions{}).filled(longest); err != nil || w != want {
			t.Errorf("%+v, %v; want %+v", w, err, want)
		}
	}
}

func TestQuestionsThatCannotBeAnswered(t *testing.T) {
	e := newAnswerer(t, words, 14)
	long := "a cat sat on the mat . a cat sat on the mat"
	for name, test := range map[string]struct {
		qa   QA
		o    AnswerOptions
		want string
	}{
		"a long question":   {QA{long, "a cat"}, AnswerOptions{}, "the question has 13 tokens, which leaves none of a window of 14 to the context; shorten it, or cut questions at fewer tokens than 64 (question 2)"},
		"a long cut":        {QA{long, "a cat"}, AnswerOptions{WindowOptions: WindowOptions{MaxQuestion: 11}}, "the question has 11 tokens"},
		"a long window":     {QA{"a", "a"}, AnswerOptions{WindowOptions: WindowOptions{MaxLength: 15}}, "the longest window is 15 tokens and the model takes 14"},
		"no stride":         {QA{"a", "a"}, AnswerOptions{WindowOptions: WindowOptions{Stride: -1}}, "the stride of windows is -1 tokens"},
		"no answers":        {QA{"a", "a"}, AnswerOptions{NBest: -1}, "the best -1 answers"},
		"answers of none":   {QA{"a", "a"}, AnswerOptions{MaxAnswer: -3}, "answers may have -3 tokens"},
		"no such threshold": {QA{"a", "a"}, AnswerOptions{NullThreshold: math.NaN()}, "not a number"},
	} {
		_, err := e.Answer([]QA{{"a cat", "the mat"}, test.qa}, test.o)
		if err == nil || !strings.HasPrefix(err.Error(), "pipeline: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want one with %q", name, err, test.want)
		}
	}
	if _, err := mustOpen(t, newFolder(t, bare)).Answer([]QA{{"a", "a"}}, AnswerOptions{}); err == nil || !strings.Contains(err.Error(), "no head for answers (qa_outputs)") {
		t.Errorf("error %v without a head", err)
	}
	for _, qa := range []QA{{" \u200b", "a cat"}, {"a cat", "\n\x00"}} {
		for _, o := range []AnswerOptions{{}, {Null: true}} {
			answers, err := e.Answer([]QA{qa, {"a cat", "the mat"}}, o)
			if err != nil || !slices.Equal(answers[0], []Answer{{}}) || answers[1][0].Answer == "" && !o.Null {
				t.Errorf("%q has the answers %v, %v; want none and those of the next question", qa, answers, err)
			}
		}
		if _, err := e.Windows(qa.Question, qa.Context, WindowOptions{}); !errors.Is(err, ErrBlank) {
			t.Errorf("%q: error %v; want ErrBlank", qa, err)
		}
	}
	windows, err := e.Windows(long, "a cat", WindowOptions{MaxQuestion: 10})
	if err != nil || windows[0].Cut != 3 || len(windows) != 2 {
		t.Errorf("%+v, %v; want two windows of a question without 3 of its tokens", windows, err)
	}
}
