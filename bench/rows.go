package bench

import (
	"time"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
)

// rowLength is the length of the rows that Rows normalises, the dimension of
// the base model.
const rowLength = 512

// rowSizes are the numbers of elements of an array: in the second-level cache
// of each core, and far beyond every cache.
var rowSizes = []struct {
	name string
	n    int
}{{"cache", 1 << 17}, {"memory", 1 << 25}}

// rowWork is a function of rows and what it moves: bytes read and written for
// each element, four for each array and direction.
type rowWork struct {
	name  string
	bytes float64
	yard  *rowWork // what moves bytes in the same way and does nothing else
	run   func(x [4][]kernel.Float)
}

// The yardsticks. A line that is written without having been read costs the
// memory a read too, so functions that write where they did not read are
// compared with a copy, the others with a triad, y = y + a·x.
var (
	copied = rowWork{"copy", 8, nil, func(x [4][]kernel.Float) { copy(x[0], x[1]) }}
	triad  = rowWork{"triad", 12, nil, func(x [4][]kernel.Float) { kernel.Axpy(x[0], x[1], 0.5) }}
)

var rowWorks = []rowWork{
	{"softmax", 8, &copied, func(x [4][]kernel.Float) {
		for i := 0; i < len(x[0]); i += rowLength {
			kernel.Softmax(x[0][i:i+rowLength], x[1][i:i+rowLength], 1)
		}
	}},
	{"layer norm", 8, &copied, func(x [4][]kernel.Float) {
		for i := 0; i < len(x[0]); i += rowLength {
			row := x[1][i : i+rowLength]
			mean := kernel.Sum(row) / rowLength
			kernel.Norm(x[0][i:i+rowLength], row, x[2], x[3], mean, 1/(kernel.SumSquares(row, mean)/rowLength+1))
		}
	}},
	{"gelu", 8, &copied, func(x [4][]kernel.Float) { kernel.GELU(x[0], x[1]) }},
	{"gelu-tanh", 8, &copied, func(x [4][]kernel.Float) { kernel.GELUTanh(x[0], x[1]) }},
	{"adam", 28, &triad, func(x [4][]kernel.Float) {
		s := kernel.AdamStep{Scale: 1, Beta1: 0.9, Beta2: 0.98, Rate: 1e-4, Root: 1, Epsilon: 1e-9, Decay: 1}
		s.Apply(x[0], x[1], x[2], x[3])
	}},
}

// rowTask runs a function on blocks of arrays, in parallel.
type rowTask struct {
	work   rowWork
	arrays [4][]kernel.Float
	block  int
}

// Do implements par.Task.
func (t *rowTask) Do(i int) {
	var part [4][]kernel.Float
	for j, a := range t.arrays {
		part[j] = a[i*t.block : (i+1)*t.block]
	}
	t.work.run(part)
}

// rate returns the best rate of a function in GB/s.
func (t *rowTask) rate(w rowWork, budget time.Duration) (best float64, runs int) {
	t.work = w
	n := len(t.arrays[0])
	for start := time.Now(); runs < 2 || time.Since(start) < budget; runs++ {
		at := time.Now()
		par.For(n/t.block, t)
		best = max(best, w.bytes*float64(n)/time.Since(at).Seconds()/1e9)
	}
	return best, runs
}

// Rows measures functions of rows against the bandwidth that their yardstick
// reaches with arrays of the same size, and hands each result to report.
func Rows(report func(Result)) {
	for _, size := range rowSizes {
		t := &rowTask{block: max(min(size.n/par.Threads(), 1<<16)/rowLength, 1) * rowLength}
		n := size.n / t.block * t.block
		for i := range t.arrays {
			t.arrays[i] = kernel.Alloc(n)
			for j := range t.arrays[i] {
				t.arrays[i][j] = kernel.Float(j%7) / 8
			}
		}
		for _, w := range rowWorks {
			peak, _ := t.rate(*w.yard, 300*time.Millisecond)
			rate, runs := t.rate(w, 500*time.Millisecond)
			again, _ := t.rate(*w.yard, 300*time.Millisecond)
			peak = max(peak, again)
			report(Result{
				Workload: w.name, Shape: size.name, CPU: kernel.Path().String(), Threads: par.Threads(),
				Value: rate, Unit: "GB/s", PeakGBs: peak, Share: rate / peak, Runs: runs,
			})
		}
	}
}
