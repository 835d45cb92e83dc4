package tensor

import (
	"math/rand/v2"
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
