package optim

import (
	"math"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Where few rows have gradients, only those are looked at: what comes out is the same.
func TestSGDOfRowsIsSGDOfAll(t *testing.T) {
	const rows, cols = 500, 300 // more than two blocks, whose borders are within rows
	few, all := tensor.New(rows, cols), tensor.New(rows, cols)
	for i := range few.Data {
		few.Data[i] = tensor.Float(math.Sin(float64(i)))
	}
	copy(all.Data, few.Data)
	tape := tensor.NewTape()
	step := func(s *SGD, table *tensor.Tensor, ids []int32) float64 {
		tape.Reset()
		s.ZeroGrad()
		x := tape.Embed(table, ids, -1, 1)
		tape.BackwardFrom(tensor.Seed{Of: x, Grad: x.Data})
		if table == all {
			table.Gradient() // has no list of rows any more
		}
		norm := s.GradNorm()
		s.Step(0.1, 1)
		return norm
	}
	a := NewSGD([]nn.Param{{Names: []string{"few"}, Tensor: few}})
	b := NewSGD([]nn.Param{{Names: []string{"all"}, Tensor: all}})
	for _, ids := range [][]int32{{3, 3, 218, 499}, {218, 436, 0}, {0}} {
		na, nb := step(a, few, ids), step(b, all, ids)
		if math.Abs(na-nb) > 1e-5*nb {
			t.Errorf("ids %v: the norm is %v by rows and %v by all", ids, na, nb)
		}
		if !slices.Equal(few.Data, all.Data) {
			t.Errorf("ids %v: the tables differ", ids)
		}
	}
	a.ZeroGrad()
	if norm := a.GradNorm(); norm != 0 {
		t.Errorf("the norm of a step that does not use the table is %v; want 0", norm)
	}
}
