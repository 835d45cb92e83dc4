package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEntitiesAreThoseOfSeqeval compares with testdata/entities.py.
func TestEntitiesAreThoseOfSeqeval(t *testing.T) {
	text, err := os.ReadFile("testdata/entities.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Gold, Predicted       [][]string
		Entities              [][][3]any
		Precision, Recall, F1 float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		for j, labels := range c.Gold {
			var want []Entity
			for _, e := range c.Entities[j] {
				want = append(want, Entity{e[0].(string), int(e[1].(float64)), int(e[2].(float64))})
			}
			if diff := cmp.Diff(want, Entities(labels)); diff != "" {
				t.Errorf("case %d: %q: %s", i, labels, diff)
			}
		}
		got := ScoreEntities(c.Predicted, c.Gold)
		for name, pair := range map[string][2]float64{"precision": {got.Precision, c.Precision}, "recall": {got.Recall, c.Recall}, "F1": {got.F1, c.F1}} {
			if math.Abs(pair[0]-pair[1]) > 1e-12 {
				t.Errorf("case %d: %s %v; want %v", i, name, pair[0], pair[1])
			}
		}
	}
	if len(cases) == 0 {
		t.Error("no cases")
	}
}

func TestWhatMarksEntities(t *testing.T) {
	for _, c := range []struct {
		labels []string
		want   bool
	}{
		{[]string{"O", "B-PER", "I-PER"}, true},
		{[]string{"S-X", "E-X"}, true},
		{[]string{"O"}, false},
		{[]string{"NOUN", "VERB"}, false},
		{[]string{"B-PER", "NOUN"}, false},
		{[]string{"B", "O"}, false},
		{[]string{" -X"}, false},
	} {
		if got := HasEntities(c.labels); got != c.want {
			t.Errorf("%q: %v; want %v", c.labels, got, c.want)
		}
	}
}

// TestOtherNamesOfSingleAndLastWords: of BILOU labels.
func TestOtherNamesOfSingleAndLastWords(t *testing.T) {
	got := Entities([]string{"U-PER", "U-PER", "O", "B-LOC", "I-LOC", "L-LOC", "L-LOC"})
	want := Entities([]string{"S-PER", "S-PER", "O", "B-LOC", "I-LOC", "E-LOC", "E-LOC"})
	if diff := cmp.Diff(want, got); diff != "" || !HasEntities([]string{"O", "U-PER", "L-LOC"}) {
		t.Errorf("%s", diff)
	}
}
