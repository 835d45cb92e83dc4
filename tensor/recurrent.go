package tensor

import "github.com/kotoba-nlp/kotoba/internal/kernel"

// Steps cuts the rows of a tensor into steps in time: those of step t are rows
// Steps[t] to Steps[t+1]-1, one for each sequence that is still going on. Sequences
// come longest first, so that row i of every step belongs to sequence i, and a
// step has at most as many rows as the one before. The first entry is 0.
type Steps []int

// Len is the number of steps.
func (s Steps) Len() int { return len(s) - 1 }

// Rows is the number of rows of all steps together.
func (s Steps) Rows() int { return s[len(s)-1] }

// Sequences is the number of sequences, that is of rows of the first step.
func (s Steps) Sequences() int {
	if s.Len() == 0 {
		return 0
	}
	return s[1]
}

// Width is the number of rows of step t.
func (s Steps) Width(t int) int { return s[t+1] - s[t] }

// EqualSteps returns n steps of the given number of sequences.
func EqualSteps(n, sequences int) Steps {
	s := make(Steps, n+1)
	for t := range s {
		s[t] = t * sequences
	}
	return s
}

// Recurrence is what recurrent layers have in common: how they go from step to
// step.
type Recurrence struct {
	Steps   Steps
	Weight  *Tensor // (gates·H, H), of the product with the output of the step before
	Initial *Tensor // (sequences, H), the output before the first step; nil for zeros
}

// check panics unless the recurrence fits x, which has parts·H columns.
func (r Recurrence) check(op string, x *Tensor, parts int) {
	hidden := r.Weight.cols
	if x.cols != parts*hidden || r.Weight.rows != parts*hidden {
		misfit(op, "x is %d x %d and the weight %d x %d; want %d columns and rows for each of the weight's columns", x.rows, x.cols, r.Weight.rows, hidden, parts)
	}
	if r.Steps.Rows() != x.rows {
		misfit(op, "steps of %d rows, x has %d", r.Steps.Rows(), x.rows)
	}
	for t := 1; t < r.Steps.Len(); t++ {
		if r.Steps.Width(t) > r.Steps.Width(t-1) {
			misfit(op, "step %d has %d rows, more than the %d of the one before", t, r.Steps.Width(t), r.Steps.Width(t-1))
		}
	}
	r.checkState(op, r.Initial)
}

// checkState panics unless x is a state of the recurrence, or nil.
func (r Recurrence) checkState(op string, x *Tensor) {
	if x != nil && (x.rows != r.Steps.Sequences() || x.cols != r.Weight.cols) {
		misfit(op, "the initial state is %d x %d; want %d x %d", x.rows, x.cols, r.Steps.Sequences(), r.Weight.cols)
	}
}

// scan is a recurrence on its way over the steps of one operation.
type scan struct {
	Recurrence
	h      *Tensor // outputs, (rows, H)
	step   int
	zeros  *Tensor         // the state before the first step where none is given
	packed *kernel.PackedB // the weight, for the product of every step
	owned  kernel.PackedB  // its memory where the weight is not packed for inference
}

// begin makes room for the outputs and packs the weight. The product is worth
// packing for where it is computed more than once.
func (s *scan) begin(t *Tape, r Recurrence) {
	s.Recurrence = r
	s.h = t.new(r.Steps.Rows(), r.Weight.cols)
	if r.Initial == nil {
		s.zeros = t.zeros(r.Steps.Sequences(), r.Weight.cols)
	}
	switch w := r.Weight; {
	case w.packed != nil && t.inference:
		s.packed = w.packed
	case r.Steps.Len() > 1:
		s.owned.Pack(w.cols, w.rows, w.matrix(true))
		s.packed = &s.owned
	}
}

// end forgets all but memory.
func (s *scan) end() { *s = scan{owned: s.owned} }

// before returns the output before step t, one row a sequence.
func (s *scan) before(t int) []Float { return s.state(s.Initial, s.h, t) }

// state returns what x, with a row for each row of the steps, has before step t.
func (s *scan) state(initial, x *Tensor, t int) []Float {
	switch {
	case t > 0:
		return x.Data[s.Steps[t-1]*x.cols:]
	case initial != nil:
		return initial.Data
	}
	return s.zeros.Data
}

// first says that nothing comes before step t: a product with it is zero.
func (s *scan) first(t int) bool { return t == 0 && s.Initial == nil }

// takesGradient says whether x is a state that the gradient goes on to.
func takesGradient(x *Tensor) bool { return x != nil && !x.constant }

// product computes y = h·Wᵀ for step t, h being the output of the step before,
// or adds it to y.
func (s *scan) product(t int, y []Float, e kernel.Epilogue) {
	n, hidden := s.Steps.Width(t), s.Weight.cols
	a := kernel.Matrix{Data: s.before(t), Stride: hidden}
	if s.packed != nil {
		kernel.GemmPacked(n, a, s.packed, y, s.Weight.rows, e)
		return
	}
	kernel.Gemm(n, s.Weight.rows, hidden, a, s.Weight.matrix(true), y, s.Weight.rows, e)
}

// beginBack prepares the way back through the steps: it packs the weight as the
// gradient needs it, and returns room for the gradient by the outputs of a step as
// far as it comes from later ones, (sequences, H), zero so far.
func (s *scan) beginBack(t *Tape) (dh *Tensor) {
	s.h.accumulator(t)
	if w := s.Weight; s.Steps.Len() > 1 || takesGradient(s.Initial) {
		s.owned.Pack(w.rows, w.cols, w.matrix(false))
	}
	return t.zeros(s.Steps.Sequences(), s.h.cols)
}

// addLater adds to d, a row a sequence, the gradient that x has at the current
// step from what uses it.
func (s *scan) addLater(d, x *Tensor) {
	if x.Grad == nil {
		return
	}
	lo, hi := s.Steps[s.step]*x.cols, s.Steps[s.step+1]*x.cols
	addTo(d.Data[:hi-lo], x.Grad[lo:hi])
}

// productBack computes dh = dy·W, dy being the gradient by the product of the
// current step, or adds it to dh: the gradient by the output of the step before.
func (s *scan) productBack(dh *Tensor, dy []Float, e kernel.Epilogue) {
	if s.step == 0 && !takesGradient(s.Initial) {
		return
	}
	a := kernel.Matrix{Data: dy[s.Steps[s.step]*s.Weight.rows:], Stride: s.Weight.rows}
	kernel.GemmPacked(s.Steps.Width(s.step), a, &s.owned, dh.Data, s.Weight.cols, e)
}

// endBack hands on what has arrived at the initial output, and adds to the gradient
// of the weight that by the products of all steps, dy.
func (s *scan) endBack(t *Tape, dh *Tensor, dy []Float) {
	if takesGradient(s.Initial) {
		addTo(s.Initial.accumulator(t), dh.Data)
	}
	s.weightGradient(t, dy)
}

// weightGradient adds dyᵀ·h to the gradient of the weight, h being the outputs
// before every step.
func (s *scan) weightGradient(t *Tape, dy []Float) {
	w, hidden := s.Weight, s.Weight.cols
	from := 0 // the first step that has something before it
	if s.Initial == nil {
		from = 1
	}
	if from >= s.Steps.Len() {
		w.accumulator(t)
		return
	}
	rows := s.Steps.Rows() - s.Steps[from]
	h := t.new(rows, hidden)
	for step := from; step < s.Steps.Len(); step++ {
		n := s.Steps.Width(step) * hidden
		copy(h.Data[(s.Steps[step]-s.Steps[from])*hidden:][:n], s.before(step))
	}
	dw, fresh := w.gradient(t)
	a := kernel.Matrix{Data: dy[s.Steps[from]*w.rows:], Stride: w.rows, Trans: true}
	kernel.Gemm(w.rows, hidden, rows, a, h.matrix(false), dw, hidden, kernel.Epilogue{Add: !fresh})
}

// unitGrain is the number of sequences of n units that a task computes a step of:
// some ten microseconds.
func unitGrain(n int) int { return max(1, (1<<11)/max(n, 1)) }

func addTo(dst, x []Float) { kernel.Add(dst, dst, x) }

// zeros returns a tensor of zeros that lives until Reset.
func (t *Tape) zeros(rows, cols int) *Tensor {
	x := t.new(rows, cols)
	clear(x.Data)
	return x
}

// loosen returns x for an operation to overwrite, or a copy of it where it is a parameter,
// or what the operation that computed it asks for on the way back.
func (t *Tape) loosen(x *Tensor) *Tensor {
	if x.loose || t.inference && !x.param {
		return x
	}
	return t.SliceRows(x, 0, x.rows)
}

// takeGradient makes the memory of x, an operand that an operation has turned
// into its own gradient, the gradient of x.
func takeGradient(x *Tensor) {
	if x.Grad == nil {
		x.Grad, x.Data = x.Data, nil
		return
	}
	addTo(x.Grad, x.Data)
}
