package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/internal/cpu"
	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
)

// opRow is one operation under test: what it does to its operands, and the
// same computed naively in float64.
type opRow struct {
	op     string // name of the Tape method
	detail string
	shapes [][2]int
	run    func(t *Tape, p []*Tensor) *Tensor
	want   func(p []matrix) matrix
}

// matrix is an operand of an oracle.
type matrix struct {
	rows, cols int
	data       []float64
}

func zeros(rows, cols int) matrix { return matrix{rows, cols, make([]float64, rows*cols)} }

func (m matrix) at(i, j int) *float64 { return &m.data[i*m.cols+j] }

// generate returns the matrix of f.
func generate(rows, cols int, f func(i, j int) float64) matrix {
	m := zeros(rows, cols)
	for i := range rows {
		for j := range cols {
			*m.at(i, j) = f(i, j)
		}
	}
	return m
}

// factor is what dropout multiplies element i by.
func factor(m Mask, i int) float64 {
	one, out := []Float{1}, []Float{0}
	m.At(i).Drop(out, one)
	return float64(out[0])
}

func linearOracle(a Activation, drop Mask) func(p []matrix) matrix {
	return func(p []matrix) matrix {
		x, w := p[0], p[1]
		return generate(x.rows, w.rows, func(i, j int) float64 {
			s := 0.0
			if len(p) > 2 {
				s = p[2].data[j]
			}
			for k := range x.cols {
				s += *x.at(i, k) * *w.at(j, k)
			}
			switch a {
			case ReLU:
				s = max(s, 0)
			case GELU:
				s *= math.Erfc(-s/math.Sqrt2) / 2
			case GELUTanh:
				s *= (1 + math.Tanh(math.Sqrt(2/math.Pi)*(s+0.044715*s*s*s))) / 2
			}
			if drop.Rate > 0 {
				s *= factor(drop, i*w.rows+j)
			}
			return s
		})
	}
}

func linearRow(detail string, rows, in, out int, a Activation, bias bool, drop Mask) opRow {
	shapes := [][2]int{{rows, in}, {out, in}}
	if bias {
		shapes = append(shapes, [2]int{1, out})
	}
	return opRow{"Linear", detail, shapes, func(t *Tape, p []*Tensor) *Tensor {
		l := Linear{Weight: p[1], Activation: a, Drop: drop}
		if bias {
			l.Bias = p[2]
		}
		return t.Linear(p[0], l)
	}, linearOracle(a, drop)}
}

// inferenceOnly are the operations that have no gradient.
var inferenceOnly = map[string]bool{"CachedAttention": true}

var testMask = Mask{Key: 12345, Rate: 0.3}

// opRows are the rows of all operations.
var opRows = slices.Concat(matrixRows, attentionRows, recurrentRows, lookupRows)

var matrixRows = []opRow{
	linearRow("bias", 5, 7, 3, Identity, true, Mask{}),
	linearRow("no bias", 17, 16, 33, Identity, false, Mask{}),
	linearRow("relu", 4, 31, 15, ReLU, true, Mask{}),
	linearRow("relu dropout", 9, 8, 40, ReLU, true, testMask),
	linearRow("gelu", 5, 9, 35, GELU, true, Mask{}),
	linearRow("gelu tanh", 18, 16, 33, GELUTanh, false, Mask{}),
	{"DropAdd", "", [][2]int{{5, 7}, {5, 7}}, func(t *Tape, p []*Tensor) *Tensor { return t.DropAdd(p[0], p[1], testMask) }, func(p []matrix) matrix {
		return generate(5, 7, func(i, j int) float64 { return *p[0].at(i, j) + *p[1].at(i, j)*factor(testMask, i*7+j) })
	}},
	{"DropAdd", "rate 0", [][2]int{{5, 7}, {5, 7}}, func(t *Tape, p []*Tensor) *Tensor { return t.DropAdd(p[0], p[1], Mask{}) }, func(p []matrix) matrix {
		return generate(5, 7, func(i, j int) float64 { return *p[0].at(i, j) + *p[1].at(i, j) })
	}},
	{"Dropout", "", [][2]int{{3, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.Dropout(p[0], testMask) }, func(p []matrix) matrix {
		return generate(3, 17, func(i, j int) float64 { return *p[0].at(i, j) * factor(testMask, i*17+j) })
	}},
	{"Swish", "", [][2]int{{3, 17}}, func(t *Tape, p []*Tensor) *Tensor { return t.Swish(p[0]) }, func(p []matrix) matrix {
		return generate(3, 17, func(i, j int) float64 { x := *p[0].at(i, j); return x / (1 + math.Exp(-x)) })
	}},
	{"LayerNorm", "", [][2]int{{40, 450}, {1, 450}, {1, 450}}, func(t *Tape, p []*Tensor) *Tensor { return t.LayerNorm(p[0], p[1], p[2], 1e-5) }, layerNormOracle},
	{"LayerNorm", "narrow", [][2]int{{3, 5}, {1, 5}, {1, 5}}, func(t *Tape, p []*Tensor) *Tensor { return t.LayerNorm(p[0], p[1], p[2], 1e-5) }, layerNormOracle},
	{"Embed", "one id twice", [][2]int{{6, 9}}, func(t *Tape, p []*Tensor) *Tensor { return t.Embed(p[0], embeddedRows, -1, 3) }, func(p []matrix) matrix {
		return generate(3, 9, func(i, j int) float64 { return 3 * *p[0].at(int(embeddedRows[i]), j) })
	}},
	{"Embed", "zero id", [][2]int{{6, 9}}, func(t *Tape, p []*Tensor) *Tensor { return t.Embed(p[0], embeddedRows, embeddedRows[0], 3) }, func(p []matrix) matrix {
		return generate(3, 9, func(i, j int) float64 {
			if embeddedRows[i] == embeddedRows[0] {
				return 0
			}
			return 3 * *p[0].at(int(embeddedRows[i]), j)
		})
	}},
	{"AddRows", "", [][2]int{{4, 6}}, func(t *Tape, p []*Tensor) *Tensor { return t.AddRows(p[0], rowTable, addedRows) }, func(p []matrix) matrix {
		return generate(4, 6, func(i, j int) float64 { return *p[0].at(i, j) + float64(rowTable.Row(int(addedRows[i]))[j]) })
	}},
	{"CrossEntropy", "smoothed", [][2]int{{4, 19}}, crossEntropy(0.1), crossEntropyOracle(0.1)},
	{"CrossEntropy", "", [][2]int{{4, 19}}, crossEntropy(0), crossEntropyOracle(0)},
	softmaxOf("tanh", [][2]int{{4, 19}}, func(t *Tape, p []*Tensor) *Tensor { return t.TanhSum(p[0], nil) }, func(p []matrix) matrix {
		return generate(4, 19, func(i, j int) float64 { return math.Tanh(*p[0].at(i, j)) })
	}),
	softmaxOf("ReLU", [][2]int{{4, 5}, {19, 5}}, linear(ReLU), linearOracle(ReLU, Mask{})),
	softmaxOf("GELU", [][2]int{{4, 5}, {19, 5}}, linear(GELU), linearOracle(GELU, Mask{})),
	besideSoftmax("Dropout", func(t *Tape, x *Tensor) *Tensor { return t.Dropout(x, testMask) }, func(i, j int) float64 { return factor(testMask, i*19+j) }),
	besideSoftmax("Stack", func(t *Tape, x *Tensor) *Tensor { return t.ConcatRows(x, x) }, func(int, int) float64 { return 1 }),
	{"SequenceRows", "under a softmax", [][2]int{{9, 2}}, func(t *Tape, p []*Tensor) *Tensor {
		loss, _ := t.CrossEntropy(t.SequenceRows(p[0], testSequences), testPlaces, CrossEntropy{Scale: 0.5})
		return loss
	}, func(p []matrix) matrix {
		loss := zeros(1, 1)
		for r, place := range testPlaces {
			column, i, sum := r/3, r%3, 0.0
			for j := testSequences[i]; j < testSequences[i+1]; j++ {
				sum += math.Exp(*p[0].at(j, column))
			}
			loss.data[0] += 0.5 * (math.Log(sum) - *p[0].at(testSequences[i]+int(place), column))
		}
		return loss
	}},
	{"SquaredError", "", [][2]int{{3, 1}}, func(t *Tape, p []*Tensor) *Tensor { return t.SquaredError(p[0], wantedNumbers, 0.3) }, func(p []matrix) matrix {
		sum := 0.0
		for i, y := range wantedNumbers {
			sum += 0.3 * (p[0].data[i] - float64(y)) * (p[0].data[i] - float64(y))
		}
		return generate(1, 1, func(int, int) float64 { return sum })
	}},
}

// Three sequences, and a place in each for both columns.
var (
	testSequences = SegmentsOf(3, 5, 1)
	testPlaces    = []int32{2, 4, 0, 0, 1, 0}
)

var wantedNumbers = []Float{0.5, -1, 3}

var (
	addedRows    = []int32{0, 1, 2, 0}
	embeddedRows = []int32{5, 0, 5}
	rowTable     = countingTable(3, 6)
)

// countingTable holds 0, 1, 2 ...
func countingTable(rows, cols int) *Tensor {
	table := New(rows, cols)
	for i := range table.Data {
		table.Data[i] = Float(i)
	}
	return table
}

func layerNormOracle(p []matrix) matrix {
	x := p[0]
	n := float64(x.cols)
	return generate(x.rows, x.cols, func(i, j int) float64 {
		var mean, variance float64
		for k := range x.cols {
			mean += *x.at(i, k) / n
		}
		for k := range x.cols {
			variance += (*x.at(i, k) - mean) * (*x.at(i, k) - mean) / n
		}
		return (*x.at(i, j)-mean)/math.Sqrt(variance+1e-5)*p[1].data[j] + p[2].data[j]
	})
}

var (
	testTargets = []int32{3, Ignore, 18, 0}
	lastTargets = append(slices.Repeat([]int32{Ignore}, 4), testTargets...)
)

func crossEntropy(smoothing float64) func(t *Tape, p []*Tensor) *Tensor {
	return func(t *Tape, p []*Tensor) *Tensor {
		loss, _ := t.CrossEntropy(p[0], testTargets, CrossEntropy{Smoothing: smoothing, Scale: 0.5})
		return loss
	}
}

func linear(a Activation) func(t *Tape, p []*Tensor) *Tensor {
	return func(t *Tape, p []*Tensor) *Tensor { return t.Linear(p[0], Linear{Weight: p[1], Activation: a}) }
}

// softmaxOf is a row of a loss of what another operation has computed, which asks for it on
// its way back.
func softmaxOf(detail string, shapes [][2]int, run func(t *Tape, p []*Tensor) *Tensor, want func(p []matrix) matrix) opRow {
	return opRow{"CrossEntropy", "of " + detail, shapes, func(t *Tape, p []*Tensor) *Tensor {
		loss, _ := t.CrossEntropy(run(t, p), testTargets, CrossEntropy{Scale: 0.5})
		return loss
	}, func(p []matrix) matrix { return crossEntropyOracle(0)([]matrix{want(p)}) }}
}

// besideSoftmax is a row of an operation on what a loss overwrites afterwards; the last
// four rows of its result are the operand times factors.
func besideSoftmax(name string, run func(t *Tape, x *Tensor) *Tensor, factors func(i, j int) float64) opRow {
	return opRow{name, "beside a softmax", [][2]int{{4, 19}}, func(t *Tape, p []*Tensor) *Tensor {
		x := t.Dropout(p[0], Mask{Rate: 1e-12})
		y := run(t, x)
		a, _ := t.CrossEntropy(y, lastTargets[len(lastTargets)-y.rows:], CrossEntropy{Scale: 0.5})
		b, _ := t.CrossEntropy(x, testTargets, CrossEntropy{Scale: 0.5})
		return t.DropAdd(a, b, Mask{})
	}, func(p []matrix) matrix {
		y := generate(4, 19, func(i, j int) float64 { return *p[0].at(i, j) * factors(i, j) })
		loss := crossEntropyOracle(0)([]matrix{y})
		loss.data[0] += crossEntropyOracle(0)(p).data[0]
		return loss
	}}
}

func crossEntropyOracle(smoothing float64) func(p []matrix) matrix {
	return func(p []matrix) matrix {
		loss := zeros(1, 1)
		for r, target := range testTargets {
			if target == Ignore {
				continue
			}
			row := p[0].data[r*p[0].cols : (r+1)*p[0].cols]
			sum := 0.0
			for _, v := range row {
				sum += math.Exp(v)
			}
			for j, v := range row {
				q := smoothing / float64(len(row))
				if j == int(target) {
					q += 1 - smoothing
				}
				loss.data[0] -= 0.5 * q * (v - math.Log(sum))
			}
		}
		return loss
	}
}

// operands returns random parameters for a row.
func (o opRow) operands() []*Tensor {
	r := rand.New(rand.NewPCG(1, uint64(len(o.op))))
	var p []*Tensor
	for _, s := range o.shapes {
		x := New(s[0], s[1])
		for i := range x.Data {
			x.Data[i] = Float(r.NormFloat64())
		}
		p = append(p, x)
	}
	return p
}

// weight is the derivative of the tests' loss by element i of a result.
func weight(i int) Float { return Float(math.Sin(float64(3*i + 1))) }

// evaluate runs a row forwards and backwards on a fresh tape and returns a
// copy of the result; the gradients are left in p.
func (o opRow) evaluate(t *Tape, p []*Tensor) []Float {
	for _, x := range p {
		x.ZeroGrad()
	}
	y := o.run(t, p)
	out := append([]Float(nil), y.Data...)
	seed := make([]Float, len(y.Data))
	for i := range seed {
		seed[i] = weight(i)
	}
	t.BackwardFrom(Seed{Of: y, Grad: seed})
	return out
}

func eachRow(t *testing.T, f func(t *testing.T, o opRow)) {
	for _, path := range cpu.Supported() {
		for _, o := range opRows {
			t.Run(fmt.Sprintf("%s/%s %s", path, o.op, o.detail), func(t *testing.T) {
				defer kernel.Use(kernel.Use(path))
				f(t, o)
			})
		}
	}
}

func TestEveryOperationHasARow(t *testing.T) {
	rest := map[string]bool{"Reset": true, "Backward": true, "BackwardFrom": true, "Input": true, "Scope": true}
	for _, o := range opRows {
		rest[o.op] = true
	}
	tape := reflect.TypeFor[*Tape]()
	for m := range tape.Methods() {
		if !rest[m.Name] {
			t.Errorf("Tape.%s has no row in opRows", m.Name)
		}
	}
}

func TestOperationsEqualTheirOracles(t *testing.T) {
	eachRow(t, func(t *testing.T, o opRow) {
		p := o.operands()
		var m []matrix
		for _, x := range p {
			m = append(m, generate(x.rows, x.cols, func(i, j int) float64 { return float64(x.Row(i)[j]) }))
		}
		want := o.want(m)
		for _, tape := range []*Tape{NewTape(), NewInferenceTape()} {
			y := o.run(tape, p)
			if y.rows != want.rows || y.cols != want.cols {
				t.Fatalf("the result is %d x %d, want %d x %d", y.rows, y.cols, want.rows, want.cols)
			}
			for i, w := range want.data {
				if math.Abs(float64(y.Data[i])-w) > 1e-5*(1+math.Abs(w)) {
					t.Fatalf("element %d is %v, want %v", i, y.Data[i], w)
				}
			}
		}
	})
}

// TestGradients compares with central differences. It needs float64: run it
// with -tags float64.
func TestGradients(t *testing.T) {
	if Float(1)/3 == Float(float32(1)/3) {
		t.Skip("differences need the float64 build: go test -tags float64")
	}
	eachRow(t, func(t *testing.T, o opRow) {
		if inferenceOnly[o.op] {
			return
		}
		p := o.operands()
		o.evaluate(NewTape(), p)
		loss := func() float64 {
			s := 0.0
			for i, v := range o.run(NewInferenceTape(), p).Data {
				s += float64(v) * float64(weight(i))
			}
			return s
		}
		const h = 1e-5
		for k, x := range p {
			got := x.Gradient()
			for i := range x.Data {
				v := x.Data[i]
				x.Data[i] = v + h
				up := loss()
				x.Data[i] = v - h
				down := loss()
				x.Data[i] = v
				want := (up - down) / (2 * h)
				if math.Abs(float64(got[i])-want) > 1e-6*(1+math.Abs(want)) {
					t.Fatalf("operand %d, element %d: gradient %v, difference quotient %v", k, i, got[i], want)
				}
			}
		}
	})
}

func TestGradientsAccumulate(t *testing.T) {
	eachRow(t, func(t *testing.T, o opRow) {
		if inferenceOnly[o.op] {
			return
		}
		p := o.operands()
		o.evaluate(NewTape(), p)
		var once [][]Float
		for _, x := range p {
			once = append(once, append([]Float(nil), x.Gradient()...))
		}
		tape := NewTape()
		for range 2 { // without ZeroGrad in between
			y := o.run(tape, p)
			g, _ := y.gradient(tape)
			for i := range g {
				g[i] = weight(i)
			}
			tape.propagate()
			tape.Reset()
		}
		for k, x := range p {
			for i, g := range x.Gradient() {
				if want := 3 * float64(once[k][i]); math.Abs(float64(g)-want) > 1e-4*(1+math.Abs(want)) {
					t.Fatalf("operand %d, element %d: three times the gradient %v is %v", k, i, once[k][i], g)
				}
			}
		}
	})
}

func TestOperationsAreTheSameOnAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	eachRow(t, func(t *testing.T, o opRow) {
		var want [][]Float
		for _, threads := range []int{1, 2, 5} {
			par.SetThreads(threads)
			p := o.operands()
			got := [][]Float{o.evaluate(NewTape(), p)}
			for _, x := range p {
				got = append(got, x.Gradient())
			}
			if want == nil {
				want = got
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("one and %d threads differ", threads)
			}
		}
	})
}

func TestOperationsAllocateNothing(t *testing.T) {
	for _, o := range opRows {
		p := o.operands()
		tape := NewTape()
		run := func() {
			for _, x := range p {
				x.ZeroGrad()
			}
			y := o.run(tape, p)
			y.gradient(tape)
			tape.propagate()
			tape.Reset()
		}
		for range 4 {
			run() // until the arena has what every step needs
		}
		// The runtime allocates now and then, an operation would every time.
		n := testing.AllocsPerRun(10, run)
		for range 3 {
			n = min(n, testing.AllocsPerRun(10, run))
		}
		if n != 0 {
			t.Errorf("%s %s: %v allocations", o.op, o.detail, n)
		}
	}
}

func TestCrossEntropyReportsLikelihood(t *testing.T) {
	x := New(3, 2)
	copy(x.Data, []Float{0, 0, 0, 5, 5, 0})
	rows := []float64{9, 9, 9}
	_, l := NewInferenceTape().CrossEntropy(x, []int32{Ignore, 1, 1}, CrossEntropy{Scale: 1, LogProbs: rows})
	want := -math.Log1p(math.Exp(-5)) - math.Log1p(math.Exp(5))
	if l.Tokens != 2 || l.Correct != 1 || math.Abs(l.LogProb-want) > 1e-6 {
		t.Errorf("likelihood %+v, want 2 tokens, 1 correct, log-probability %v", l, want)
	}
	if rows[0] != 0 || math.Abs(rows[1]+math.Log1p(math.Exp(-5))) > 1e-6 || math.Abs(rows[1]+rows[2]-want) > 1e-6 {
		t.Errorf("log-probabilities of the rows %v, want 0 and a sum of %v", rows, want)
	}
}
