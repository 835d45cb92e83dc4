package tensor

import (
	"slices"

	"github.com/kotoba-nlp/kotoba/internal/freelist"
	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
)

// Tape records operations and owns the memory of their results. It is not safe
// for concurrent use.
type Tape struct {
	inference bool
	arena     arena
	ops       []operation
	tensors   []*Tensor // every tensor the tape has made; the first used are in use
	used      int
}

// operation is what an op leaves on the tape.
type operation interface {
	// backward adds to the gradients of the operands, given that of the result.
	backward(t *Tape)
	// result is the tensor that the operation computed.
	result() *Tensor
	// release returns the operation to the pool that it came from.
	release()
}

// NewTape returns a tape that records.
func NewTape() *Tape { return &Tape{} }

// NewInferenceTape returns a tape that computes the same but records nothing.
func NewInferenceTape() *Tape { return &Tape{inference: true} }

// Reset forgets all operations and takes back the memory of their results,
// which must not be used any more.
func (t *Tape) Reset() {
	for _, o := range t.ops {
		o.release()
	}
	t.ops = t.ops[:0]
	t.free(0)
}

// free takes back the memory of all tensors from number first on.
func (t *Tape) free(first int) {
	for _, x := range t.tensors[first:t.used] {
		t.arena.put(x.Data)
		t.arena.put(x.Grad)
		*x = Tensor{}
	}
	t.used = first
}

// Scope returns what f returns. On a tape for inference it takes back at once the
// memory of all else that f has computed, so that the next layer works in what is
// still near the core.
func (t *Tape) Scope(f func() *Tensor) *Tensor {
	first := t.used
	y := f()
	if !t.inference {
		return y
	}
	if i := slices.Index(t.tensors[first:t.used], y); i >= 0 {
		t.tensors[first], t.tensors[first+i] = y, t.tensors[first]
		first++
	}
	t.free(first)
	return y
}

// Backward computes the gradients of loss, which must have one element, by all
// tensors that it depends on.
func (t *Tape) Backward(loss *Tensor) {
	if len(loss.Data) != 1 {
		misfit("Backward", "the loss is %d x %d; want 1 x 1", loss.rows, loss.cols)
	}
	g, _ := loss.gradient(t)
	g[0] = 1
	t.propagate()
}

// Seed is the gradient that a way back begins with.
type Seed struct {
	Of   *Tensor
	Grad []Float // of as many elements
}

// BackwardFrom computes the gradients of the sum of the products of tensors with
// their seeds, element by element: a row of a Jacobian where a seed is a unit vector.
func (t *Tape) BackwardFrom(seeds ...Seed) {
	for _, s := range seeds {
		if len(s.Grad) != len(s.Of.Data) {
			misfit("BackwardFrom", "%d elements for a tensor of %d x %d", len(s.Grad), s.Of.rows, s.Of.cols)
		}
		addTo(s.Of.accumulator(t), s.Grad)
	}
	t.propagate()
}

// propagate runs the tape backwards from the results that have gradients.
func (t *Tape) propagate() {
	for _, o := range slices.Backward(t.ops) {
		y := o.result()
		if y.Grad == nil {
			continue // the loss does not depend on it
		}
		o.backward(t)
		t.arena.put(y.Grad)
		y.Grad, y.stale = nil, false
	}
}

// new returns a tensor of undefined content that lives until Reset.
func (t *Tape) new(rows, cols int) *Tensor {
	if t.used == len(t.tensors) {
		t.tensors = append(t.tensors, new(Tensor))
	}
	x := t.tensors[t.used]
	t.used++
	x.Data, x.rows, x.cols = t.arena.get(rows*cols), rows, cols
	return x
}

// newLoose is new for the result of an operation that does not read it on the way back.
func (t *Tape) newLoose(rows, cols int) *Tensor {
	x := t.new(rows, cols)
	x.loose = true
	return x
}

// Input returns a tensor of undefined content, for the caller to copy into, that
// lives until Reset. Its gradient is there from the end of Backward until then.
func (t *Tape) Input(rows, cols int) *Tensor { return t.newLoose(rows, cols) }

// done puts an operation on the tape.
func (t *Tape) done(o operation) {
	if t.inference {
		o.release()
		return
	}
	t.ops = append(t.ops, o)
}

// loop runs ranges of rows of an operation O in parallel. An operation embeds
// it, so that a loop needs no memory of its own.
type loop[O any] struct {
	op       *O
	body     func(o *O, lo, hi int)
	n, grain int
}

// Do implements par.Task.
func (l *loop[O]) Do(i int) { l.body(l.op, i*l.grain, min((i+1)*l.grain, l.n)) }

// each calls body for ranges of at most grain of 0 to n-1. The ranges depend
// on n and grain alone.
func (l *loop[O]) each(o *O, n, grain int, body func(o *O, lo, hi int)) {
	l.op, l.body, l.n, l.grain = o, body, n, grain
	par.For((n+grain-1)/grain, l)
}

// rowGrain is the number of rows of cols columns that one task works on: some
// ten microseconds of elementwise work.
func rowGrain(cols int) int { return max(1, (1<<14)/max(cols, 1)) }

// pool keeps operations for reuse.
type pool[O any] struct{ freelist.List[O] }

// put takes back an operation that needs nothing of what it holds.
func (p *pool[O]) put(o *O) {
	*o = *new(O)
	p.Put(o)
}

// arena keeps buffers by size for reuse. Sizes are rounded up to four steps
// for each power of two, and a request takes a buffer of up to twice its size
// where its own is not there, so that batches of similar shape share buffers.
type arena struct {
	free map[int][][]Float
}

// sizeClass rounds n up.
func sizeClass(n int) int {
	step := 16
	for step*8 < n {
		step *= 2
	}
	return (n + step - 1) / step * step
}

func (a *arena) get(n int) []Float {
	size := sizeClass(n)
	for c := size; c <= 2*size; c = sizeClass(c + 1) {
		if l := a.free[c]; len(l) > 0 {
			buf := l[len(l)-1]
			a.free[c] = l[:len(l)-1]
			return buf[:n]
		}
	}
	return kernel.Alloc(size)[:n]
}

// put takes a buffer back; nil is none.
func (a *arena) put(buf []Float) {
	if buf == nil {
		return
	}
	if a.free == nil {
		a.free = map[int][][]Float{}
	}
	c := cap(buf)
	a.free[c] = append(a.free[c], buf[:0])
}
