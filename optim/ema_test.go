package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// TestAveragesForgetTheFirstWeights: their decay grows with the steps, up to what is asked for.
func TestAveragesForgetTheFirstWeights(t *testing.T) {
	x := tensor.New(1, 1)
	for step, decay := range map[int]float64{1: 2. / 11, 90: 0.91, 100_000: 0.999} {
		x.Data[0] = 0
		e := NewEMA([]nn.Param{{Tensor: x}}, 0.999)
		x.Data[0] = 1
		e.Update(step)
		if got := float64(e.Mean[0][0]); math.Abs(got-(1-decay)) > 1e-6 {
			t.Errorf("step %d: the average of 0 and 1 is %v; want %v", step, got, 1-decay)
		}
	}
}

// TestAveragesAreOfAllBlocks follows parameters of several blocks over some steps, and
// exchanges them.
func TestAveragesAreOfAllBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a, b := nn.Uniform(3, blockSize-1, 1, r), nn.Uniform(1, 7, 1, r)
	params := []nn.Param{{Tensor: a}, {Tensor: b}}
	e := NewEMA(params, 0.5)
	want := [][]float64{}
	for _, p := range params {
		w := make([]float64, len(p.Tensor.Data))
		for i, v := range p.Tensor.Data {
			w[i] = float64(v)
		}
		want = append(want, w)
	}
	for step := 1; step < 20; step++ {
		decay := min(0.5, float64(1+step)/float64(10+step))
		for i, p := range params {
			for j := range p.Tensor.Data {
				p.Tensor.Data[j] += tensor.Float(r.NormFloat64())
				want[i][j] = decay*want[i][j] + (1-decay)*float64(p.Tensor.Data[j])
			}
		}
		e.Update(step)
	}
	last := a.Data[5]
	e.Swap()
	for i, p := range params {
		for j, v := range p.Tensor.Data {
			if math.Abs(float64(v)-want[i][j]) > 1e-5 {
				t.Fatalf("parameter %d, element %d: %v; want %v", i, j, v, want[i][j])
			}
		}
	}
	if e.Swap(); a.Data[5] != last {
		t.Errorf("after two exchanges %v; want %v", a.Data[5], last)
	}
	var none *EMA
	none.Update(1)
	none.Swap()
	if s := none.State(); s != nil {
		t.Errorf("%v of no average", s)
	}
}
