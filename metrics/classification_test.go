package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestClassificationEqualsScikitLearn compares with scikit-learn and SciPy; see
// testdata/classification.py.
func TestClassificationEqualsScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/classification.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Gold, Predicted                           []int
		X, Y                                      []float64
		Accuracy, F1, Matthews, Pearson, Spearman float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 8 {
		t.Fatalf("%d cases; want 8", len(cases))
	}
	for i, c := range cases {
		for _, m := range []struct {
			name      string
			got, want float64
		}{
			{"accuracy", Accuracy(c.Predicted, c.Gold), c.Accuracy},
			{"F1", F1(c.Predicted, c.Gold), c.F1},
			{"Matthews", Matthews(c.Predicted, c.Gold), c.Matthews},
			{"Pearson", Pearson(c.X, c.Y), c.Pearson},
			{"Spearman", Spearman(c.X, c.Y), c.Spearman},
		} {
			if !(math.Abs(m.got-m.want) <= 1e-12) {
				t.Errorf("case %d: %s is %v; want %v", i, m.name, m.got, m.want)
			}
		}
	}
}

func TestPairsAreWanted(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for two predictions of one label")
		}
	}()
	Accuracy([]int{1, 0}, []int{1})
}

func TestConstantSeriesHaveNoCorrelation(t *testing.T) {
	constant, other := make([]float64, 20), make([]float64, 20)
	for i := range constant {
		constant[i], other[i] = 2.3, float64(i)
	}
	for name, r := range map[string]float64{"both": Pearson(constant, constant), "one": Pearson(other, constant), "ranks": Spearman(constant, other), "none": Pearson(nil, nil)} {
		if !math.IsNaN(r) {
			t.Errorf("%s: %v; want NaN", name, r)
		}
	}
}
