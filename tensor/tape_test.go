package tensor

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// memory returns the number of elements that a tape holds after Reset.
func (t *Tape) memory() (n int) {
	for size, buffers := range t.arena.free {
		n += size * len(buffers)
	}
	return n
}

// TestTapeHoldsLittleMoreThanItsLargestStep takes steps of many sizes, as
// batches of sentences have.
func TestTapeHoldsLittleMoreThanItsLargestStep(t *testing.T) {
	w := New(48, 48)
	step := func(tape *Tape, rows int) {
		tape.Reset()
		x := tape.Input(rows, 48)
		for range 6 {
			x = tape.Linear(x, Linear{Weight: w, Activation: ReLU})
		}
		loss, _ := tape.CrossEntropy(x, make([]int32, rows), CrossEntropy{Scale: 1})
		tape.Backward(loss)
		tape.Reset()
	}
	const longest = 400
	once := NewTape()
	step(once, longest)
	many := NewTape()
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		step(many, longest/2+r.IntN(longest/2))
	}
	step(many, longest)
	if got, want := many.memory(), once.memory(); got > 2*want {
		t.Errorf("after steps of many sizes the tape holds %d elements; want at most twice the %d of its largest", got, want)
	}
}

// TestScopesKeepTheirResults computes nested layers in scopes and without.
func TestScopesKeepTheirResults(t *testing.T) {
	x, w := New(5, 8), New(8, 8)
	for i := range w.Data {
		w.Data[i] = Float(i%7) / 10
	}
	for i := range x.Data {
		x.Data[i] = Float(i%5) - 2
	}
	layers := func(tape *Tape, scope func(f func() *Tensor) *Tensor) *Tensor {
		y := x
		for range 4 {
			y = scope(func() *Tensor {
				inner := scope(func() *Tensor { return tape.Swish(tape.Linear(y, Linear{Weight: w})) })
				return tape.DropAdd(tape.Linear(inner, Linear{Weight: w}), y, Mask{})
			})
		}
		return scope(func() *Tensor { return y }) // which is none of this scope
	}
	want := layers(NewInferenceTape(), func(f func() *Tensor) *Tensor { return f() }).Data
	for name, tape := range map[string]*Tape{"inference": NewInferenceTape(), "training": NewTape()} {
		for range 2 {
			if got := layers(tape, tape.Scope); !slices.Equal(got.Data, want) {
				t.Errorf("%s: %v in scopes; want %v", name, got.Data, want)
			}
			if n := tape.used; name == "inference" && n != 4 {
				t.Errorf("%d tensors are left; want the results of the layers alone", n)
			}
			tape.Reset()
		}
	}
}
