package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// TestAPredictedPlaceThatIsNoNumberIsNoPanic: weights that have diverged show in the loss.
func TestAPredictedPlaceThatIsNoNumberIsNoPanic(t *testing.T) {
	c := LookupConfig{Score: Dot, Window: LocalPredicted, Radius: 2, Dim: 4}
	l := NewLookup(c, 0.1, rand.New(rand.NewPCG(1, 2)))
	l.PlaceV.Data[0] = tensor.Float(math.NaN())
	tape := tensor.NewInferenceTape()
	keys := tensor.Segments{0, 5}
	encoded := tape.Input(5, 4)
	a := l.Ask(tape, l.Index(tape, encoded, encoded), Queries{Rows: tape.Input(3, 4), Spans: tensor.Spans{}.Spread(tensor.Segments{0, 3}, keys), Steps: []int{0, 1, 2}})
	if x := float64(a.Values.Data[0]); !math.IsNaN(x) {
		t.Errorf("the answer is %v; want NaN", x)
	}
}

// TestAWindowOfAnyRadiusIsNoPanic: one that is wider than the sequence is all of it.
func TestAWindowOfAnyRadiusIsNoPanic(t *testing.T) {
	l := Lookup{LookupConfig: LookupConfig{Radius: math.MaxInt}}
	all := tensor.Spans{{Base: 0, First: 0, End: 5}, {Base: 5, First: 5, End: 9}}
	if got := l.around(all, func(int) int { return 2 }); !slices.Equal(got, all) {
		t.Errorf("windows %v; want %v", got, all)
	}
}
