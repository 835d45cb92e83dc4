package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// squadGoldens is what testdata/squad.py writes.
type squadGoldens struct {
	Normalized [][2]string
	Pairs      []struct {
		Gold, Predicted string
		Exact, F1       float64 // of SQuAD 2.0
		F1Words         float64 `json:"f1_words"` // of SQuAD 1.1
		F1Characters    float64 `json:"f1_characters"`
	}
	Sets []struct {
		Questions []struct {
			Gold      []string
			Predicted string
			NoAnswer  float64 `json:"no_answer"`
		}
		Words, Characters SQuAD1Scores
		Plain             SQuAD2Scores
		Thresholds        map[string]SQuAD2Scores
	}
}

func readSQuADGoldens(t *testing.T) (g squadGoldens) {
	t.Helper()
	text, err := os.ReadFile("testdata/squad.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestSQuADAnswersEqualTheOfficialScripts compares single answers with squad.py, to the
// last digit.
func TestSQuADAnswersEqualTheOfficialScripts(t *testing.T) {
	g := readSQuADGoldens(t)
	if len(g.Normalized) < 150 || len(g.Pairs) < 600 {
		t.Fatalf("%d texts and %d pairs; want hundreds", len(g.Normalized), len(g.Pairs))
	}
	for _, n := range g.Normalized {
		if got := normalizeAnswer(n[0]); got != n[1] {
			t.Errorf("%q is normalised to %q; want %q", n[0], got, n[1])
		}
	}
	for _, p := range g.Pairs {
		answer := []SQuADAnswer{{Gold: []string{p.Gold}, Predicted: p.Predicted}}
		for name, c := range map[string][2]float64{
			"exact match":      {SQuAD2(answer, SQuADWords, nil, 1).Exact, 100 * p.Exact},
			"F1":               {SQuAD2(answer, SQuADWords, nil, 1).F1, 100 * p.F1},
			"F1 of 1.1":        {SQuAD1(answer, SQuADWords).F1, 100 * p.F1Words},
			"F1 by characters": {SQuAD1(answer, SQuADCharacters).F1, 100 * p.F1Characters},
		} {
			if c[0] != c[1] {
				t.Errorf("%s of %q for %q is %v; want %v", name, p.Predicted, p.Gold, c[0], c[1])
			}
		}
	}
}

// TestSQuADScoresEqualTheOfficialScripts compares those of sets of questions with squad.py,
// to the last digit.
func TestSQuADScoresEqualTheOfficialScripts(t *testing.T) {
	thresholds := map[string]float64{"1.0": 1, "-2.0": -2, "4.5": 4.5}
	for i, s := range readSQuADGoldens(t).Sets {
		var answers []SQuADAnswer
		var noAnswer []float64
		for _, q := range s.Questions {
			answers = append(answers, SQuADAnswer{q.Gold, q.Predicted})
			noAnswer = append(noAnswer, q.NoAnswer)
		}
		if got := SQuAD1(answers, SQuADWords); got != s.Words {
			t.Errorf("set %d, 1.1: %v; want %v", i, got, s.Words)
		}
		if got := SQuAD1(answers, SQuADCharacters); got != s.Characters {
			t.Errorf("set %d, by characters: %v; want %v", i, got, s.Characters)
		}
		if diff := cmp.Diff(s.Plain, SQuAD2(answers, SQuADWords, nil, 1)); diff != "" {
			t.Errorf("set %d, without odds (-want +got):\n%s", i, diff)
		}
		if len(s.Thresholds) != len(thresholds) {
			t.Fatalf("set %d has %d thresholds; want %d", i, len(s.Thresholds), len(thresholds))
		}
		for name, threshold := range thresholds {
			if diff := cmp.Diff(s.Thresholds[name], SQuAD2(answers, SQuADWords, noAnswer, threshold)); diff != "" {
				t.Errorf("set %d, threshold %s (-want +got):\n%s", i, name, diff)
			}
		}
	}
}

func TestSQuADScoresHaveTheOfficialNames(t *testing.T) {
	answers := []SQuADAnswer{{Gold: []string{"a cat"}, Predicted: "The cat"}, {}}
	for want, got := range map[string]any{
		`{"exact_match":100,"f1":100}`: SQuAD1(answers[:1], SQuADWords),
		`{"exact":100,"f1":100,"total":2,"HasAns_exact":100,"HasAns_f1":100,"HasAns_total":1,"NoAns_exact":100,"NoAns_f1":100,"NoAns_total":1,` +
			`"best_exact":100,"best_exact_thresh":-3,"best_f1":100,"best_f1_thresh":-3}`: SQuAD2(answers, SQuADWords, []float64{-3, 2}, 1),
		`{"exact":100,"f1":100,"total":1,"HasAns_exact":100,"HasAns_f1":100,"HasAns_total":1}`: SQuAD2(answers[:1], SQuADWords, nil, 1),
		`{"exact":0,"f1":0,"total":0}`: SQuAD2(nil, SQuADWords, nil, 1),
		`{"exact_match":0,"f1":0}`:     SQuAD1(nil, SQuADWords),
	} {
		text, err := json.Marshal(got)
		if err != nil || string(text) != want {
			t.Errorf("%s, %v; want %s", text, err, want)
		}
	}
}

// TestCharactersAreCountedInTextWithoutSpaces has what words make 0: 東大寺の仏像 shares 3 of
// its 6 characters with 東大寺.
func TestCharactersAreCountedInTextWithoutSpaces(t *testing.T) {
	answer := []SQuADAnswer{{Gold: []string{"東大寺"}, Predicted: "東大寺の仏像"}}
	if got := SQuAD1(answer, SQuADWords).F1; got != 0 {
		t.Errorf("by words %v; want 0", got)
	}
	if got, want := SQuAD1(answer, SQuADCharacters).F1, 100*2*0.5/1.5; math.Abs(got-want) > 1e-12 {
		t.Errorf("by characters %v; want %v", got, want)
	}
}
