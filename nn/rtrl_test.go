package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

var plainCells = []Cell{RNNTanh, RNNLogistic, RNNReLU}

// wide says that elements are float64: go test -tags float64.
func wide() bool { return tensor.Float(1)/3 != tensor.Float(float32(1)/3) }

// online is a layer, what it reads, and the gradient of a loss by its outputs, a row a
// step: the loss is the sum of the products of outputs with it.
type online struct {
	layer Recurrent
	x, dh *tensor.Tensor
}

func newOnline(c Cell, units, inputs, steps int, limit float64) online {
	r := rand.New(rand.NewPCG(uint64(units), uint64(steps)))
	return online{
		layer: NewRecurrent(c, inputs, units, limit, r),
		x:     Uniform(steps, inputs, 1, r), dh: Uniform(steps, units, 1, r),
	}
}

// onlines are layers of all plain cells, of several sizes.
func onlines(t *testing.T, f func(t *testing.T, o online)) {
	for _, c := range plainCells {
		for _, s := range [][3]int{{1, 1, 6}, {2, 3, 10}, {5, 4, 20}, {17, 3, 12}, {33, 20, 8}} {
			t.Run(fmt.Sprintf("%s/%d units, %d inputs, %d steps", c, s[0], s[1], s[2]), func(t *testing.T) {
				f(t, newOnline(c, s[0], s[1], s[2], 1.5/math.Sqrt(float64(s[0]))))
			})
		}
	}
}

// parameters are those that RTRL accumulates the gradients of.
func (o online) parameters() []*tensor.Tensor {
	return []*tensor.Tensor{o.layer.Hidden.Weight, o.layer.Input.Weight, o.layer.Input.Bias}
}

func (o online) zeroGrad() {
	for _, p := range o.parameters() {
		p.ZeroGrad()
	}
}

// gradient returns the gradients by all parameters, one after the other.
func (o online) gradient() (all []float64) {
	for _, p := range o.parameters() {
		for _, g := range p.Gradient() {
			all = append(all, float64(g))
		}
	}
	return all
}

// rtrl adds the gradient to what is there.
func (o online) rtrl(r *RTRL) {
	for t := range o.x.Rows() {
		r.Step(o.x.Row(t))
		r.Accumulate(o.dh.Row(t))
	}
}

func (o online) newRTRL(t *testing.T) *RTRL {
	t.Helper()
	r, err := NewRTRL(o.layer, RTRLBytes(o.dh.Cols(), o.x.Cols()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bptt adds the gradient that goes back through at most the given number of steps: the
// state is carried on, and the way back is cut each time so many steps are done.
func (o online) bptt(steps int) {
	state := o.layer.Cell.NewState(1, o.dh.Cols())
	for lo := 0; lo < o.x.Rows(); lo += steps {
		n := min(steps, o.x.Rows()-lo)
		tape := tensor.NewTape()
		in := tape.Input(n, o.x.Cols())
		copy(in.Data, o.x.Data[lo*o.x.Cols():])
		h := o.layer.Forward(tape, in, tensor.EqualSteps(n, 1), state).H
		seed := o.dh.Data[lo*h.Cols():][:n*h.Cols()]
		tape.BackwardFrom(tensor.Seed{Of: h, Grad: seed})
		copy(state.H.Data, h.Row(n-1))
	}
}

// loss runs the layer in float64 with the given parameters, and uses none of the code
// that is tested.
func (o online) loss(w, u, b []float64) float64 {
	n, m := o.dh.Cols(), o.x.Cols()
	h, loss := make([]float64, n), 0.0
	for t := range o.x.Rows() {
		next := make([]float64, n)
		for k := range next {
			net := b[k]
			for j := range n {
				net += w[k*n+j] * h[j]
			}
			for j := range m {
				net += u[k*m+j] * float64(o.x.Row(t)[j])
			}
			switch o.layer.Cell {
			case RNNTanh:
				next[k] = math.Tanh(net)
			case RNNLogistic:
				next[k] = 1 / (1 + math.Exp(-net))
			case RNNReLU:
				next[k] = max(net, 0)
			}
			loss += next[k] * float64(o.dh.Row(t)[k])
		}
		h = next
	}
	return loss
}

// differences are central differences of the loss, of the fourth order, in float64 in
// either build.
func (o online) differences() (all []float64) {
	h := 1e-3
	if o.layer.Cell == RNNReLU {
		h = 1e-5 // few steps across its kink, beside which its polynomials need no smaller one
	}
	var p [3][]float64
	for i, x := range o.parameters() {
		for _, v := range x.Data {
			p[i] = append(p[i], float64(v))
		}
	}
	for _, x := range p {
		for i, v := range x {
			across := func(h float64) float64 {
				x[i] = v + h
				up := o.loss(p[0], p[1], p[2])
				x[i] = v - h
				return up - o.loss(p[0], p[1], p[2])
			}
			all = append(all, (8*across(h)-across(2*h))/(12*h))
			x[i] = v
		}
	}
	return all
}

// distance is the length of the difference relative to that of want.
func distance(got, want []float64) float64 {
	var d, w float64
	for i := range want {
		d += (got[i] - want[i]) * (got[i] - want[i])
		w += want[i] * want[i]
	}
	return math.Sqrt(d / w)
}

func TestRTRLEqualsFullBPTTAndDifferences(t *testing.T) {
	atMost, differ := 2e-6, 2e-6
	if wide() {
		atMost, differ = 1e-9, 1e-9
	}
	onlines(t, func(t *testing.T, o online) {
		o.bptt(o.x.Rows())
		want := o.gradient()
		o.zeroGrad()
		o.rtrl(o.newRTRL(t))
		got := o.gradient()
		fromBPTT, fromDifferences := distance(got, want), distance(got, o.differences())
		t.Logf("of the gradient's length RTRL differs from BPTT by %.2g, from central differences by %.2g", fromBPTT, fromDifferences)
		if !(fromBPTT <= atMost && fromDifferences <= differ) { // or NaN
			t.Errorf("want at most %v and %v", atMost, differ)
		}
	})
}

func TestRTRLOutputsEqualForward(t *testing.T) {
	onlines(t, func(t *testing.T, o online) {
		r, tape := o.newRTRL(t), tensor.NewInferenceTape()
		want := o.layer.Forward(tape, o.x, tensor.EqualSteps(o.x.Rows(), 1), State{}).H
		for s := range o.x.Rows() {
			for k, h := range r.Step(o.x.Row(s)) {
				if w := want.Row(s)[k]; math.Abs(float64(h-w)) > 1e-5*(1+math.Abs(float64(w))) {
					t.Fatalf("step %d, unit %d: %v, want %v", s, k, h, w)
				}
			}
		}
	})
}

func TestRTRLAddsToTheGradient(t *testing.T) {
	onlines(t, func(t *testing.T, o online) {
		o.bptt(o.x.Rows())
		want := o.gradient()
		for i := range want {
			want[i] *= 2
		}
		o.rtrl(o.newRTRL(t))
		if d := distance(o.gradient(), want); !(d <= 1e-5) {
			t.Errorf("on top of the same gradient RTRL differs from twice of it by %.2g", d)
		}
	})
}

func TestRTRLResetBeginsANewSequence(t *testing.T) {
	onlines(t, func(t *testing.T, o online) {
		r := o.newRTRL(t)
		o.rtrl(r)
		want := o.gradient()
		r.Reset()
		o.zeroGrad()
		o.rtrl(r)
		if !slices.Equal(o.gradient(), want) {
			t.Error("after Reset the same sequence has another gradient")
		}
	})
}

// TestTruncatedBPTTIsNotExact says how far truncation is from the gradient, and that
// the gap closes as it looks further back.
func TestTruncatedBPTTIsNotExact(t *testing.T) {
	const units, inputs, steps = 8, 4, 60
	for _, c := range plainCells {
		t.Run(string(c), func(t *testing.T) {
			o := newOnline(c, units, inputs, steps, 0.3)
			o.rtrl(o.newRTRL(t))
			exact := o.gradient()
			last := math.Inf(1)
			for _, k := range []int{1, 2, 5, 20} {
				o.zeroGrad()
				o.bptt(k)
				d := distance(o.gradient(), exact)
				t.Logf("%s: cut every %d steps, BPTT differs from the gradient by %.2g of its length", c, k, d)
				if d < 1e-3 || d >= last {
					t.Errorf("cut every %d steps, BPTT differs by %v; want more than 1e-3 and less than the %v before", k, d, last)
				}
				last = d
			}
			o.zeroGrad()
			o.bptt(steps)
			if d := distance(o.gradient(), exact); !(d <= 2e-6) {
				t.Errorf("not cut at all, BPTT differs by %v", d)
			}
		})
	}
}

func TestRTRLAllocatesNothing(t *testing.T) {
	o := newOnline(RNNTanh, 20, 10, 4, 0.3)
	r := o.newRTRL(t)
	run := func() { o.rtrl(r) }
	n := testing.AllocsPerRun(10, run)
	for range 3 { // the runtime allocates now and then, RTRL would every time
		n = min(n, testing.AllocsPerRun(10, run))
	}
	if n != 0 {
		t.Errorf("%v allocations in %d steps", n, o.x.Rows())
	}
}

func TestRTRLRefusesWhatDoesNotFitTheLimit(t *testing.T) {
	l := NewRecurrent(RNNTanh, 5, 10, 0.1, rand.New(rand.NewPCG(1, 1)))
	size := 4
	if wide() {
		size = 8
	}
	need := 2 * 10 * 10 * (10 + 5 + 1) * size
	if got := RTRLBytes(10, 5); got != need {
		t.Errorf("10 units and 5 inputs need %d bytes, want %d", got, need)
	}
	if _, err := NewRTRL(l, need); err != nil {
		t.Errorf("a limit of just what is needed: %v", err)
	}
	_, err := NewRTRL(l, need-1)
	if err == nil {
		t.Fatal("no error for a limit that is too low")
	}
	for _, part := range []string{"10 units and 5 inputs", fmt.Sprintf("needs %d bytes", need), fmt.Sprintf("limit of %d;", need-1), "fewer units, or truncated"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}
}

func TestRTRLBytesDoNotOverflow(t *testing.T) {
	for _, s := range [][2]int{{1 << 30, 1}, {1, math.MaxInt}, {math.MaxInt, 1}, {math.MaxInt, math.MaxInt}, {1 << 21, 1 << 20}} {
		if got := RTRLBytes(s[0], s[1]); got != math.MaxInt {
			t.Errorf("%d units and %d inputs: %d bytes, want math.MaxInt", s[0], s[1], got)
		}
	}
	if got := RTRLBytes(0, 3); got != 0 {
		t.Errorf("no units need %d bytes", got)
	}
}

func TestRTRLRefusesLayersWithGates(t *testing.T) {
	for _, c := range Cells {
		_, err := NewRTRL(NewRecurrent(c, 2, 3, 0.1, rand.New(rand.NewPCG(1, 1))), math.MaxInt)
		switch plain := slices.Contains(plainCells, c); {
		case plain && err != nil:
			t.Errorf("%s: %v", c, err)
		case !plain && (err == nil || !strings.Contains(err.Error(), string(c)) || !strings.Contains(err.Error(), "rnn-tanh, rnn-logistic or rnn-relu")):
			t.Errorf("%s: the error is %v; want one that names the cell and the plain ones", c, err)
		}
	}
}

func TestRTRLPanicsOnWrongShapes(t *testing.T) {
	o := newOnline(RNNTanh, 3, 2, 1, 0.1)
	r := o.newRTRL(t)
	for name, f := range map[string]func(){
		"an input too long":    func() { r.Step(make([]tensor.Float, 3)) },
		"a gradient too short": func() { r.Accumulate(make([]tensor.Float, 2)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if _, ok := recover().(*tensor.ShapeError); !ok {
					t.Error("no ShapeError")
				}
			}()
			f()
		})
	}
}
