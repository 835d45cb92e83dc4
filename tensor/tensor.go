// Package tensor computes with matrices and remembers how, so that gradients
// can be computed.
//
// A [Tensor] is a matrix in row-major order; what a model calls (B, T, D) has
// B·T rows of D columns here, and sequences of unequal length lie one after
// the other without padding (see [Segments]). Operations are methods of a
// [Tape]: each one computes its result at once and notes on the tape what
// [Tape.Backward] needs. Memory of results belongs to the tape and is used
// again after [Tape.Reset]; parameters come from [New] and stay.
//
// The operations are those that the models of kotoba need; others can be added in this
// package alone.
//
// Several goroutines may compute with the same parameters, each on a tape of its own, as
// long as none of them changes a parameter or computes gradients. A loop over elements runs
// on the workers of the package when they are free, as many as runtime.GOMAXPROCS says when
// the program starts, and in its own goroutine otherwise.
//
// Operands of the wrong shape are a mistake in the program: an operation then
// panics with a [ShapeError].
package tensor

import (
	"fmt"
	"slices"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
)

// Float is the element type: float32, or float64 under the build tag of that
// name, which serves the tests of gradients.
type Float = kernel.Float

// Tensor is a matrix of rows x cols with, once computed, its gradient.
type Tensor struct {
	Data []Float // rows·cols elements, row by row
	// Grad is the derivative of the loss by Data. That of a parameter is
	// valid from the end of Backward until ZeroGrad, that of an input of the
	// tape until Reset; those of results are gone when Backward returns.
	Grad []Float

	rows, cols int
	param      bool
	constant   bool // takes no gradient
	loose      bool // what computed it does not read it on the way back
	stale      bool // Grad holds an earlier step's values and counts as zero
	packed     *kernel.PackedB

	// Where sparse, Grad is zero but for the rows looked, which may be listed twice.
	sparse bool
	looked []int32
}

// New returns a parameter of rows x cols zeros. Gradients accumulate in it.
func New(rows, cols int) *Tensor {
	return &Tensor{Data: kernel.Alloc(rows * cols), rows: rows, cols: cols, param: true}
}

// NewConstant returns a tensor of rows x cols zeros that is kept as a parameter is
// and takes no gradient: a state that another batch has left, say.
func NewConstant(rows, cols int) *Tensor {
	x := New(rows, cols)
	x.constant = true
	return x
}

// Rows returns the number of rows.
func (x *Tensor) Rows() int { return x.rows }

// Cols returns the number of columns.
func (x *Tensor) Cols() int { return x.cols }

// Row returns row i.
func (x *Tensor) Row(i int) []Float { return x.Data[i*x.cols : (i+1)*x.cols : (i+1)*x.cols] }

// ZeroGrad makes the gradient of a parameter count as zero.
func (x *Tensor) ZeroGrad() { x.stale = true }

// Gradient returns the gradient of a parameter, zeros when no operation of
// the last step used it.
func (x *Tensor) Gradient() []Float {
	g, fresh := x.gradient(nil)
	if fresh {
		clear(g)
	}
	return g
}

// gradient returns the memory of x's gradient, and whether it is fresh: then
// its content is undefined, and the caller must overwrite all of it.
func (x *Tensor) gradient(t *Tape) (g []Float, fresh bool) {
	if x.Grad == nil {
		if x.param {
			x.Grad = kernel.Alloc(len(x.Data))
		} else {
			x.Grad = t.arena.get(len(x.Data))
		}
		x.stale = true
	}
	fresh = x.stale
	x.stale, x.sparse = false, false
	return x.Grad, fresh
}

// accumulator is gradient with zeros instead of undefined content.
func (x *Tensor) accumulator(t *Tape) []Float {
	g, fresh := x.gradient(t)
	if fresh {
		clear(g)
	}
	return g
}

// rowAccumulator is accumulator for an operation that adds to the given rows alone. Where
// no other has added to the gradient, those rows are all that the next step clears, and
// that an optimiser has to look at: of a large table, few.
func (x *Tensor) rowAccumulator(t *Tape, rows []int32) {
	if !x.param { // lives too short for a list
		x.accumulator(t)
		return
	}
	sparse := x.sparse
	g, fresh := x.gradient(t)
	switch {
	case fresh && sparse:
		for _, r := range x.looked {
			clear(g[int(r)*x.cols : int(r+1)*x.cols])
		}
		x.looked = x.looked[:0]
	case fresh:
		clear(g)
		x.looked = x.looked[:0]
	case !sparse:
		return
	}
	if x.sparse = len(x.looked)+len(rows) < x.rows; x.sparse {
		x.looked = append(x.looked, rows...)
	}
}

// GradientRows returns the rows of a parameter's gradient, in order, that can be other
// than zero. It returns false where all can: then no list is kept.
func (x *Tensor) GradientRows() (rows []int32, few bool) {
	if x.Grad == nil || x.stale {
		x.rowAccumulator(nil, nil) // no operation of the last step used it
	}
	if !x.sparse {
		return nil, false
	}
	slices.Sort(x.looked)
	x.looked = slices.Compact(x.looked)
	return x.looked, true
}

// Pack prepares a weight for products without gradients: they become faster
// and x must not change any more.
func (x *Tensor) Pack() {
	x.packed = kernel.PackB(x.cols, x.rows, kernel.Matrix{Data: x.Data, Stride: x.cols, Trans: true})
}

// Unpack lets x change again.
func (x *Tensor) Unpack() { x.packed = nil }

// matrix returns x as an operand of a product.
func (x *Tensor) matrix(trans bool) kernel.Matrix {
	return kernel.Matrix{Data: x.Data, Stride: x.cols, Trans: trans}
}

// ShapeError says that operands do not fit together.
type ShapeError struct {
	Op     string // the operation
	Detail string // the shapes that it was given and what it needs
}

// Error implements error.
func (e *ShapeError) Error() string { return "tensor: " + e.Op + ": " + e.Detail }

// misfit panics with a ShapeError. It is called inside a branch, so that what it
// formats is put on the heap only then.
func misfit(op, format string, args ...any) {
	panic(&ShapeError{Op: op, Detail: fmt.Sprintf(format, args...)})
}

// Segments cuts the rows of a tensor into sequences: sequence i is made of
// rows Segments[i] to Segments[i+1]-1. The first entry is 0.
type Segments []int

// Len is the number of sequences.
func (s Segments) Len() int { return len(s) - 1 }

// Rows is the number of rows of all sequences together.
func (s Segments) Rows() int { return s[len(s)-1] }

// SegmentsOf returns the segments of sequences of the given lengths.
func SegmentsOf(lengths ...int) Segments {
	s := make(Segments, 1, len(lengths)+1)
	for i, n := range lengths {
		s = append(s, s[i]+n)
	}
	return s
}
