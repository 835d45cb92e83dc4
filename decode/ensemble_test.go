package decode

import (
	"math"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// meanOf is the model that an ensemble of tables is to equal.
type meanOf struct{ parts []*table }

func (m meanOf) Step(tokens []int32) *tensor.Tensor {
	y := tensor.New(len(tokens), m.parts[0].vocab)
	for _, p := range m.parts {
		for i, x := range p.Step(tokens).Data {
			y.Data[i] += x / tensor.Float(len(m.parts))
		}
	}
	return y
}

func (m meanOf) Select(parents []int) {
	for _, p := range m.parts {
		p.Select(parents)
	}
}

func TestAnEnsembleIsTheMeanOfItsModels(t *testing.T) {
	tables := func() []*table {
		a, b, c := newTable(5, 4), newTable(5, 4), newTable(5, 4)
		b.salt, c.salt = 1000, 2000
		return []*table{a, b, c}
	}
	o := Options{Begin: 0, End: 1, Beam: 4, NBest: 3}
	parts := tables()
	got, err := Run(Ensemble{parts[0], parts[1], parts[2]}, Limits(4, 6), o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Run(meanOf{tables()}, Limits(4, 6), o)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Run(newTable(5, 4), Limits(4, 6), o)
	if err != nil {
		t.Fatal(err)
	}
	differ := false
	for i := range want {
		for j := range want[i] {
			if !same(got[i][j], want[i][j]) {
				t.Errorf("sentence %d, result %d: %+v; want %+v", i, j, got[i][j], want[i][j])
			}
			differ = differ || math.Abs(alone[i][j].LogProb-want[i][j].LogProb) > 1e-3
		}
	}
	if !differ {
		t.Error("the ensemble finds what its first model finds")
	}
}
