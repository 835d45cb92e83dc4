package metrics

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCorpusErrorsSayWhatIsWrong(t *testing.T) {
	two := []string{"a", "b"}
	for _, c := range []struct {
		config    BLEUConfig
		hyp       []string
		refs      [][]string
		wantParts string
	}{
		{BLEUConfig{}, nil, [][]string{{}}, "no hypotheses"},
		{BLEUConfig{}, two, nil, "no references for 2"},
		{BLEUConfig{}, two, [][]string{two, {"a"}}, "reference 1 has 1 segments, want 2"},
		{BLEUConfig{Tokenize: "ja-mecab"}, two, [][]string{two}, `unknown tokenizer "ja-mecab"`},
		{BLEUConfig{Smooth: "method7"}, two, [][]string{two}, `unknown smoothing "method7"`},
	} {
		if _, err := c.config.Corpus(c.hyp, c.refs...); err == nil || !strings.Contains(err.Error(), c.wantParts) {
			t.Errorf("error is %v, want %q in it", err, c.wantParts)
		}
	}
	if _, err := (ChrFConfig{WordOrder: -1}).Corpus(two, two); err == nil {
		t.Error("no error for a negative word order")
	}
	if _, err := PairedBootstrap(BLEUConfig{}, 10, 1, two, two[:1], two); err == nil ||
		!strings.Contains(err.Error(), "system: metrics: reference 0 has 2 segments, want 1") {
		t.Errorf("error is %v, want it to name the system", err)
	}
	if _, err := Bootstrap(BLEUConfig{}, 0, 1, two, two); err == nil {
		t.Error("no error for no resamples")
	}
}

// A corpus scored against itself is perfect, and no score leaves [0, 100].
func TestScoreRange(t *testing.T) {
	words := rapid.SliceOfN(rapid.SampledFrom(strings.Fields("a b c , . 1 猫 don't")), 4, 12)
	sentences := rapid.SliceOfN(rapid.Map(words, func(w []string) string { return strings.Join(w, " ") }), 3, 3)
	rapid.Check(t, func(t *rapid.T) {
		hyp, ref := sentences.Draw(t, "hyp"), sentences.Draw(t, "ref")
		for _, m := range []Metric{BLEUConfig{}, ChrFConfig{}, ChrFConfig{WordOrder: 2}} {
			same, err := m.segments(hyp, [][]string{hyp})
			if err != nil {
				t.Fatal(err)
			}
			if s := m.score(sumSegments(same)); math.Abs(s-100) > 1e-9 {
				t.Fatalf("%T of a corpus with itself is %v, want 100", m, s)
			}
			other, err := m.segments(hyp, [][]string{ref})
			if err != nil {
				t.Fatal(err)
			}
			if s := m.score(sumSegments(other)); !(s >= 0 && s <= 100+1e-9) {
				t.Fatalf("%T is %v, want [0, 100]", m, s)
			}
		}
	})
}

// The numbers are of numpy.random.default_rng(12345).integers(0, n, 6).
func TestPCG64EqualsNumPy(t *testing.T) {
	for n, want := range map[uint32][6]uint32{
		300:        {209, 68, 236, 95, 61, 239},
		3000000000: {2097645094, 682008066, 2365940964, 950275018, 2392096371, 2028764011},
	} {
		rng := newPCG64(DefaultSeed)
		var got [6]uint32
		for i := range got {
			got[i] = rng.below(n)
		}
		if got != want {
			t.Errorf("below(%d) = %v, want %v", n, got, want)
		}
	}
}

func TestScoreAlignments(t *testing.T) {
	hyp := [][]Link{{{0, 0}, {1, 1}, {2, 3}, {2, 3}}, {{0, 1}}}
	sure := [][]Link{{{0, 0}, {1, 2}}, {{0, 1}}}
	possible := [][]Link{{{1, 1}}, nil}
	got, err := ScoreAlignments(hyp, sure, possible)
	if err != nil {
		t.Fatal(err)
	}
	// |A| = 4, |S| = 3, |A∩S| = 2, |A∩P| = 3.
	want := Alignment{AER: 1 - 5.0/7, Precision: 0.75, Recall: 2.0 / 3}
	if !near(got.AER, want.AER) || !near(got.Precision, want.Precision) || !near(got.Recall, want.Recall) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := ScoreAlignments(hyp, sure[:1], nil); err == nil {
		t.Error("no error for missing gold")
	}
	if _, err := ScoreAlignments(hyp, sure, possible[:1]); err == nil {
		t.Error("no error for missing possible links")
	}
	if _, err := ScoreAlignments([][]Link{{}}, [][]Link{{}}, nil); err == nil {
		t.Error("no error where there is no link")
	}
	if perfect, err := ScoreAlignments(sure, sure, nil); err != nil || perfect != (Alignment{0, 1, 1}) {
		t.Errorf("gold scored with itself is %+v, %v", perfect, err)
	}
}

// TestCompatibilityIdeographsAreChinese: the score is what sacreBLEU 2.6.0 -tok zh prints.
func TestCompatibilityIdeographsAreChinese(t *testing.T) {
	b := BLEUConfig{Tokenize: "zh"}
	score, err := b.Corpus([]string{"\ufa70\ufa71x y"}, []string{"\ufa70 x y z"})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(score.Score-35.355339) > 1e-5 {
		t.Errorf("BLEU %v; want 35.355339", score.Score)
	}
}
