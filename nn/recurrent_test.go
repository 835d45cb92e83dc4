package nn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// TestGatesWithPeepholesSeeTheCells: without what they see there is another output, from the
// first step on that has a cell before it or reads its own.
func TestGatesWithPeepholesSeeTheCells(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l := NewRecurrent(LSTMPeephole, 3, 4, 0.8, r)
	x := Uniform(5, 3, 1, r)
	run := func() []tensor.Float {
		tape := tensor.NewInferenceTape()
		return slices.Clone(l.Forward(tape, x, tensor.EqualSteps(5, 1), State{}).H.Data)
	}
	seen := run()
	clear(l.Peephole.Data)
	if slices.Equal(seen, run()) {
		t.Error("nothing depends on the peepholes")
	}
}
