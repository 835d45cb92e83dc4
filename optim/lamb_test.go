package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// lambGolden is a case of what testdata/lamb.py writes.
type lambGolden struct {
	Corrected                          bool
	Rate, Beta1, Beta2, Epsilon, Decay float64
	Shape                              map[string][2]int
	Start                              map[string][]float64
	Gradients, Weights                 []map[string][]float64 // of each step
}

// joined returns the values of a parameter, those of its names one after the other.
func joined(p nn.Param, values map[string][]float64) (all []float64) {
	for _, name := range p.Names {
		all = append(all, values[name]...)
	}
	return all
}

// params returns the parameters of a case. The matrices query and key are one tensor, as in
// BERT here.
func (g lambGolden) params() (all []nn.Param) {
	for _, names := range [][]string{{"large"}, {"query", "key"}, {"zero"}, {"still"}, {"bias"}, {"gain"}} {
		shape := g.Shape[names[0]]
		p := nn.Param{Names: names, Tensor: tensor.New(shape[0]*len(names), shape[1])}
		for i, x := range joined(p, g.Start) {
			p.Tensor.Data[i] = tensor.Float(x)
		}
		all = append(all, p)
	}
	return all
}

// TestLAMBEqualsTimm compares with the LAMB of timm in double precision; see
// testdata/lamb.py.
func TestLAMBEqualsTimm(t *testing.T) {
	text, err := os.ReadFile("testdata/lamb.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []lambGolden
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 3 {
		t.Fatalf("%d cases; want 3", len(cases))
	}
	for _, g := range cases {
		t.Run(fmt.Sprintf("corrected %v decay %.2g", g.Corrected, g.Decay), func(t *testing.T) { g.follow(t) })
	}
}

// follow takes the steps of a case. Gradients are twice what they should be, and scaled.
func (g lambGolden) follow(t *testing.T) {
	t.Helper()
	params := g.params()
	l := NewLAMB(params, g.Beta1, g.Beta2, g.Epsilon, g.Decay)
	if !l.Uncorrected {
		t.Error("moments are corrected, other than in the authors' code")
	}
	l.Uncorrected = !g.Corrected
	for step, want := range g.Weights {
		for _, p := range params {
			for i, x := range joined(p, g.Gradients[step]) {
				p.Tensor.Gradient()[i] = tensor.Float(2 * x)
			}
		}
		l.Step(g.Rate, 0.5)
		for _, p := range params {
			all := joined(p, want)
			largest := max(slices.Max(all), -slices.Min(all))
			for i, w := range all {
				if d := math.Abs(float64(p.Tensor.Data[i])-w) / largest; !(d <= 1e-6) {
					t.Fatalf("step %d: element %d of %s is %v, want %v: differs by %.2g of the largest", step+1, i, p.Name(), p.Tensor.Data[i], w, d)
				}
			}
		}
	}
}

// TestLAMBThreadsAgree takes steps of matrices of more than one part each, whose ratios have
// to be of the whole, on one thread and on three.
func TestLAMBThreadsAgree(t *testing.T) {
	defer par.SetThreads(par.Threads())
	var first []*tensor.Tensor
	var norms []layer // of which the last bits are not in the weights
	for _, threads := range []int{1, 3} {
		par.SetThreads(threads)
		matrix, bias := tensor.New(600, 300), tensor.New(1, 70_000)
		l := NewLAMB([]nn.Param{{Names: []string{"a", "b"}, Tensor: matrix}, {Names: []string{"c"}, Tensor: bias}}, 0.9, 0.999, 1e-6, 0.01)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range matrix.Data {
			matrix.Data[i] = tensor.Float(r.NormFloat64())
		}
		for range 3 {
			quadratic(matrix, 0.5)
			quadratic(bias, 0.5)
			l.Step(0.1, 1)
		}
		if first == nil {
			first, norms = []*tensor.Tensor{matrix, bias}, l.layers
		} else if !slices.Equal(norms, l.layers) || !slices.Equal(first[0].Data, matrix.Data) || !slices.Equal(first[1].Data, bias.Data) {
			t.Error("one and three threads move the weights to different places")
		}
	}
}

// TestLAMBRatiosAreOfWholeLayers moves matrices of which all elements, and their gradients,
// are the same: by the ratio each moves by the rate, relative to itself.
func TestLAMBRatiosAreOfWholeLayers(t *testing.T) {
	const half = 300 * 300 // more than one part
	x := tensor.New(600, 300)
	for i := range x.Data {
		x.Data[i] = 0.25
		if i >= half {
			x.Data[i] = -8
		}
	}
	quadratic(x, 1) // away from it: the gradients are negative
	NewLAMB([]nn.Param{{Names: []string{"a", "b"}, Tensor: x}}, 0.9, 0.999, 1e-6, 0).Step(0.125, 1)
	for i, got := range x.Data {
		want := 0.25 * (1 + 0.125)
		if i >= half {
			want = -8 * (1 - 0.125)
		}
		if d := math.Abs(float64(got)/want - 1); !(d <= 1e-6) {
			t.Fatalf("element %d is %v, want %v", i, got, want)
		}
	}
}

func TestLAMBAllocatesNothing(t *testing.T) {
	x := tensor.New(300, 300)
	l := NewLAMB([]nn.Param{{Names: []string{"x"}, Tensor: x}}, 0.9, 0.999, 1e-6, 0.01)
	run := func() {
		l.ZeroGrad()
		quadratic(x, 1)
		l.Step(0.1, 1)
	}
	n := testing.AllocsPerRun(10, run)
	for range 3 { // the runtime allocates now and then, LAMB would every time
		n = min(n, testing.AllocsPerRun(10, run))
	}
	if n != 0 {
		t.Errorf("%v allocations in a step", n)
	}
}
