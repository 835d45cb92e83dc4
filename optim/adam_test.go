package optim

import (
	"fmt"
	"math"
	"testing"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// quadratic has the gradient 2(x - target) in every element.
func quadratic(x *tensor.Tensor, target float64) {
	g := x.Gradient()
	for i, v := range x.Data {
		g[i] = 2 * (v - tensor.Float(target))
	}
}

func TestAdamFollowsItsDefinition(t *testing.T) {
	for _, uncorrected := range []bool{false, true} {
		t.Run(fmt.Sprintf("uncorrected %v", uncorrected), func(t *testing.T) { followAdam(t, uncorrected) })
	}
}

func followAdam(t *testing.T, uncorrected bool) {
	t.Helper()
	const (
		beta1, beta2, eps = 0.9, 0.98, 1e-8
		decay, rate       = 0.01, 0.05
		scale             = 0.5
	)
	matrix, bias := tensor.New(2, 3), tensor.New(1, 3)
	for _, p := range []*tensor.Tensor{matrix, bias} {
		for i := range p.Data {
			p.Data[i] = tensor.Float(i) / 4
		}
	}
	a := NewAdam([]nn.Param{{Names: []string{"w"}, Tensor: matrix}, {Names: []string{"b"}, Tensor: bias}}, beta1, beta2, eps, decay)
	type state struct{ x, m, v float64 }
	a.Uncorrected = uncorrected
	var want []state
	for i := range 6 {
		want = append(want, state{x: float64(i) / 4})
	}
	biasWant := append([]state(nil), want[:3]...)
	step := func(s []state, n int, decay float64) {
		for i := range s {
			g := scale * 2 * (s[i].x - 1)
			s[i].m = beta1*s[i].m + (1-beta1)*g
			s[i].v = beta2*s[i].v + (1-beta2)*g*g
			m, v := s[i].m, s[i].v
			if !uncorrected {
				m, v = m/(1-math.Pow(beta1, float64(n))), v/(1-math.Pow(beta2, float64(n)))
			}
			s[i].x = s[i].x*(1-rate*decay) - rate*m/(math.Sqrt(v)+eps)
		}
	}
	for n := 1; n <= 20; n++ {
		quadratic(matrix, 1)
		quadratic(bias, 1)
		a.Step(rate, scale)
		step(want, n, decay)
		step(biasWant, n, 0)
	}
	for i, s := range want {
		if d := math.Abs(float64(matrix.Data[i]) - s.x); d > 1e-5 {
			t.Errorf("element %d of the matrix is %v, want %v", i, matrix.Data[i], s.x)
		}
	}
	for i, s := range biasWant {
		if d := math.Abs(float64(bias.Data[i]) - s.x); d > 1e-5 {
			t.Errorf("element %d of the bias, which does not decay, is %v, want %v", i, bias.Data[i], s.x)
		}
	}
}

func TestGradNormAndClip(t *testing.T) {
	x := tensor.New(300, 300) // more than one block
	g := x.Gradient()
	for i := range g {
		g[i] = 0.1
	}
	norm := NewAdam([]nn.Param{{Names: []string{"x"}, Tensor: x}}, 0.9, 0.98, 1e-9, 0).GradNorm()
	if math.Abs(norm-30) > 1e-3 {
		t.Errorf("the norm of 90000 elements of 0.1 is %v, want 30", norm)
	}
	for _, c := range []struct{ norm, limit, want float64 }{{30, 0, 1}, {30, 40, 1}, {30, 15, 0.5}} {
		if got := Clip(c.norm, c.limit); got != c.want {
			t.Errorf("Clip(%v, %v) = %v, want %v", c.norm, c.limit, got, c.want)
		}
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		step int
		want float64
	}{
		{Schedule{Kind: "noam", Rate: 1, Warmup: 4000, Dim: 512}, 1, 1 / (math.Sqrt(512) * math.Pow(4000, 1.5))},
		{Schedule{Kind: "noam", Rate: 1, Warmup: 4000, Dim: 512}, 16000, 1 / math.Sqrt(512*16000)},
		{Schedule{Kind: "inverse-sqrt", Rate: 0.01, Warmup: 100}, 50, 0.005},
		{Schedule{Kind: "inverse-sqrt", Rate: 0.01, Warmup: 100}, 400, 0.005},
		{Schedule{Kind: "linear", Rate: 0.01, Warmup: 100, Total: 300}, 50, 0.005},
		{Schedule{Kind: "linear", Rate: 0.01, Warmup: 100, Total: 300}, 200, 0.005},
		{Schedule{Kind: "linear", Rate: 0.01, Warmup: 100, Total: 300}, 400, 0},
		// create_optimizer of google-research/bert: global_step is 0 in the first step.
		{Schedule{Kind: "bert", Rate: 0.01, Warmup: 100, Total: 300}, 1, 0},
		{Schedule{Kind: "bert", Rate: 0.01, Warmup: 100, Total: 300}, 51, 0.005},
		{Schedule{Kind: "bert", Rate: 0.01, Warmup: 100, Total: 300}, 100, 0.0099},
		{Schedule{Kind: "bert", Rate: 0.01, Warmup: 100, Total: 300}, 101, 0.01 * 2 / 3},
		{Schedule{Kind: "bert", Rate: 0.01, Warmup: 100, Total: 300}, 301, 0},
		{Schedule{Kind: "constant", Rate: 0.01, Warmup: 10}, 5, 0.005},
		{Schedule{Kind: "constant", Rate: 0.01}, 1, 0.01},
		// A hundred steps are an epoch here.
		{Schedule{Kind: "staircase", Rate: 0.8, Hold: 4, Every: 1, Factor: 0.5}, 400, 0.8},
		{Schedule{Kind: "staircase", Rate: 0.8, Hold: 4, Every: 1, Factor: 0.5}, 401, 0.4},
		{Schedule{Kind: "staircase", Rate: 0.8, Hold: 4, Every: 1, Factor: 0.5}, 450, 0.4},
		{Schedule{Kind: "staircase", Rate: 0.8, Hold: 4, Every: 0.5, Factor: 0.5}, 451, 0.2},
	} {
		if err := c.s.Validate(); err != nil {
			t.Error(err)
		}
		if got := c.s.At(c.step, float64(c.step-1)/100); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v at step %d: %v, want %v", c.s, c.step, got, c.want)
		}
	}
	for _, bad := range []Schedule{
		{Kind: "cosine", Rate: 1},
		{Kind: "noam", Rate: 1},
		{Kind: "linear", Rate: 1, Warmup: 10, Total: 10},
		{Kind: "noam", Rate: 1, Warmup: 10},
		{Kind: "constant"},
		{Kind: "constant", Rate: math.NaN()},
		{Kind: "constant", Rate: math.Inf(1)},
		{Kind: "staircase", Rate: 1, Factor: 0.5},
		{Kind: "staircase", Rate: 1, Every: 1, Factor: 2},
	} {
		if bad.Validate() == nil {
			t.Errorf("no error for %+v", bad)
		}
	}
}

func TestSGDFollowsItsDefinition(t *testing.T) {
	x := tensor.New(2, 3)
	s := NewSGD([]nn.Param{{Names: []string{"x"}, Tensor: x}})
	for range 2 {
		quadratic(x, 1)
		s.Step(0.1, 0.5)
	}
	for i, v := range x.Data { // the distance to 1 shrinks by 0.9 a step
		if math.Abs(float64(v)-0.19) > 1e-6 {
			t.Errorf("element %d is %v, want 0.19", i, v)
		}
	}
}
