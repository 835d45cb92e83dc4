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

// TestRowsOfAGradient uses a table in one step after the other as an embedding, as a
// matrix, as both, and not at all.
func TestRowsOfAGradient(t *testing.T) {
	const rows, cols = 20, 3
	table := New(rows, cols)
	for i := range table.Data {
		table.Data[i] = weight(i)
	}
	x := New(2, cols)
	for i := range x.Data {
		x.Data[i] = Float(i + 1)
	}
	tape := NewTape()
	embed := func(ids ...int32) func(want []Float) {
		return func(want []Float) {
			y := tape.Embed(table, ids, -1, 2)
			tape.BackwardFrom(Seed{Of: y, Grad: slices.Repeat([]Float{1}, len(y.Data))})
			for _, id := range ids {
				for j := range cols {
					want[int(id)*cols+j] += 2
				}
			}
		}
	}
	multiply := func(want []Float) {
		y := tape.Linear(x, Linear{Weight: table})
		tape.BackwardFrom(Seed{Of: y, Grad: slices.Repeat([]Float{1}, len(y.Data))})
		for i := range want { // the sum of both rows of x
			want[i] += x.Data[i%cols] + x.Data[cols+i%cols]
		}
	}
	for i, step := range []struct {
		uses []func(want []Float)
		rows []int32 // nil for all
	}{
		{uses: []func([]Float){embed(4, 7, 4)}, rows: []int32{4, 7}},
		{uses: []func([]Float){embed(9), embed(2, 9)}, rows: []int32{2, 9}},
		{uses: nil, rows: []int32{}},
		{uses: []func([]Float){embed(1), multiply}},
		{uses: []func([]Float){multiply, embed(1)}},
		{uses: []func([]Float){embed(5)}, rows: []int32{5}},
		{uses: []func([]Float){multiply}},
		{uses: []func([]Float){embed(slices.Repeat([]int32{6}, rows)...)}}, // as many as there are
		{uses: []func([]Float){embed(19)}, rows: []int32{19}},
	} {
		table.ZeroGrad()
		want := make([]Float, rows*cols)
		for _, use := range step.uses {
			tape.Reset()
			use(want)
		}
		got, few := table.GradientRows()
		if few != (step.rows != nil) || !slices.Equal(got, step.rows) {
			t.Errorf("step %d: rows %v (%v); want %v", i, got, few, step.rows)
		}
		if !slices.Equal(table.Grad, want) {
			t.Errorf("step %d: the gradient is %v; want %v", i, table.Grad, want)
		}
	}
}

// TestSeedsOfOneTensorAddUp gives a tensor two seeds, beside what a parameter has.
func TestSeedsOfOneTensorAddUp(t *testing.T) {
	w, tape := New(1, 2), NewTape()
	for range 2 {
		y := tape.SliceRows(w, 0, 1)
		tape.BackwardFrom(Seed{Of: y, Grad: []Float{1, 2}}, Seed{Of: y, Grad: []Float{3, 0}}, Seed{Of: w, Grad: []Float{10, 10}})
		tape.Reset()
	}
	if want := []Float{28, 24}; !slices.Equal(w.Grad, want) {
		t.Errorf("the gradient is %v; want %v", w.Grad, want)
	}
}

// TestNoRowsHaveGradients trains with an empty batch, beside one that is not.
func TestNoRowsHaveGradients(t *testing.T) {
	w, bias := New(2, 3), New(1, 2)
	tape := NewTape()
	y := tape.Linear(tape.Input(0, 3), Linear{Weight: w, Bias: bias})
	loss, _ := tape.CrossEntropy(y, nil, CrossEntropy{Scale: 1})
	tape.Backward(loss)
	if got := w.Gradient(); !slices.Equal(got, make([]Float, 6)) {
		t.Errorf("the gradient is %v; want zeros", got)
	}
}

func TestWrongOperandsPanicWithAShapeError(t *testing.T) {
	x, w := New(2, 3), New(4, 5)
	self := Attention{Heads: 1, Queries: SegmentsOf(2), Keys: SegmentsOf(2)}
	for name, run := range map[string]func(t *Tape){
		"columns":             func(t *Tape) { t.Linear(x, Linear{Weight: w}) },
		"a rate of 1.5":       func(t *Tape) { t.Dropout(x, Mask{Rate: 1.5}) },
		"a negative rate":     func(t *Tape) { t.DropAdd(x, x, Mask{Rate: -1}) },
		"a negative column":   func(t *Tape) { t.Attention(Columns{x, -1}, Columns{x, 0}, Columns{x, 0}, 2, self) },
		"a row of no table":   func(t *Tape) { t.AddRows(x, New(4, 3), []int32{0, 4}) },
		"a row without place": func(t *Tape) { t.Embed(w, []int32{4}, -1, 1) },
	} {
		func() {
			defer func() {
				if _, ok := recover().(*ShapeError); !ok {
					t.Errorf("%s: no ShapeError", name)
				}
			}()
			run(NewTape())
		}()
	}
}
