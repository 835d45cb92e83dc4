package inspect

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/plot"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

func randomText(rows, cols int) *tensor.Tensor {
	return nn.Uniform(rows, cols, 1, rand.New(rand.NewPCG(7, 7)))
}

// stateAfter runs a layer over rows lo to hi of x from a state and returns what an
// error is carried through: cells of an LSTM, outputs otherwise.
func stateAfter(l nn.Recurrent, x *tensor.Tensor, lo, hi int, before nn.State) (carried []tensor.Float, after nn.State) {
	tape := tensor.NewInferenceTape()
	in := tape.Input(hi-lo, x.Cols())
	copy(in.Data, x.Data[lo*x.Cols():])
	s := l.Forward(tape, in, tensor.EqualSteps(hi-lo, 1), before)
	last := func(x *tensor.Tensor) *tensor.Tensor {
		if x == nil {
			return nil
		}
		y := tensor.NewConstant(1, x.Cols())
		copy(y.Data, x.Row(x.Rows()-1))
		return y
	}
	after = nn.State{H: last(s.H), C: last(s.C)}
	if after.C != nil {
		return after.C.Data, after
	}
	return after.H.Data, after
}

// TestErrorFlowEqualsFiniteDifferences moves each unit of the state a little and looks
// at the state some steps later.
func TestErrorFlowEqualsFiniteDifferences(t *testing.T) {
	const units, lags = 6, 7
	by, tolerance := tensor.Float(1e-3), 2e-2
	if unsafe.Sizeof(by) == 8 {
		by, tolerance = 1e-5, 2e-5 // of spectralNorm
	}
	x := randomText(warmUp+lags, 4)
	for _, cell := range nn.Cells {
		t.Run(string(cell), func(t *testing.T) {
			limit := 0.9
			if cell == nn.RNNReLU {
				limit = 0.4 // stays where small differences can be seen
			}
			l := nn.NewRecurrent(cell, 4, units, limit, rand.New(rand.NewPCG(1, 2)))
			f, err := MeasureErrorFlow(l, x, lags, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Lags) != lags+1 || f.Lags[0].Median != 1 {
				t.Fatalf("%d lags, the first %+v; want %d, the first of 1", len(f.Lags), f.Lags[0], lags+1)
			}
			for q := 1; q <= lags; q++ {
				from := x.Rows() - q
				_, before := stateAfter(l, x, 0, from, nn.State{})
				jacobian := make([]tensor.Float, units*units) // [moved][seen]
				for i := range units {
					moved := before.H
					if before.C != nil {
						moved = before.C
					}
					old := moved.Data[i]
					moved.Data[i] = old + by
					up, _ := stateAfter(l, x, from, x.Rows(), before)
					moved.Data[i] = old - by
					down, _ := stateAfter(l, x, from, x.Rows(), before)
					moved.Data[i] = old
					for j := range units {
						jacobian[i*units+j] = (up[j] - down[j]) / (2 * by)
					}
				}
				want := spectralNorm(jacobian, units)
				if got := f.Lags[q].Median; math.Abs(got-want) > tolerance*(want+5e-3) {
					t.Errorf("%d steps back the error is scaled by %v; differences give %v", q, got, want)
				}
			}
		})
	}
}

func TestCarouselOfTheCellOf1997IsOne(t *testing.T) {
	l := nn.NewRecurrent(nn.LSTMNoForget, 4, 5, 0.5, rand.New(rand.NewPCG(1, 2)))
	f, err := MeasureErrorFlow(l, randomText(150, 4), 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Lags {
		if s.Carousel != 1 {
			t.Errorf("after %d steps %v of the error is left in the cell; want all", s.Lag, s.Carousel)
		}
	}
	forgetful := nn.NewRecurrent(nn.LSTM, 4, 5, 0.5, rand.New(rand.NewPCG(1, 2)))
	if f, err = MeasureErrorFlow(forgetful, randomText(450, 4), 400, 3); err != nil {
		t.Fatal(err)
	}
	// Beyond 150 steps it is below all single precision has.
	for lag, most := range map[int]float64{100: 1e-10, 400: 1e-80} {
		if s := f.Lags[lag]; s.Carousel > most || s.Carousel <= 0 {
			t.Errorf("forget gates about one half leave %v after %d steps; want less than %v", s.Carousel, lag, most)
		}
	}
}

// TestSingleUnit is the example of the analysis: one step scales the error by f'(net)·w,
// and a unit that rests at 0 has the steepest f'.
func TestSingleUnit(t *testing.T) {
	const lags = 30
	x := tensor.New(warmUp+lags, 1)
	for _, c := range []struct {
		cell        nn.Cell
		w, steepest float64
	}{{nn.RNNTanh, 1.25, 1}, {nn.RNNTanh, 0.5, 1}, {nn.RNNLogistic, 2, 0.25}} {
		l := nn.NewRecurrent(c.cell, 1, 1, 0, rand.New(rand.NewPCG(1, 1)))
		l.Hidden.Weight.Data[0] = tensor.Float(c.w)
		if c.cell == nn.RNNLogistic {
			l.Input.Bias.Data[0] = tensor.Float(-c.w / 2) // rests at an output of one half
		}
		f, err := MeasureErrorFlow(l, x, lags, 1)
		if err != nil {
			t.Fatal(err)
		}
		step := c.w * c.steepest
		if f.Bound != step || f.SpectralRadius != c.w || f.LargestWeight != c.w {
			t.Errorf("%s, w = %v: bound %v, radius %v, largest weight %v", c.cell, c.w, f.Bound, f.SpectralRadius, f.LargestWeight)
		}
		if got, want := f.Lags[lags].Mean, math.Pow(step, lags); math.Abs(got-want) > 1e-3*want {
			t.Errorf("%s, w = %v: scaled by %v; want %v", c.cell, c.w, got, want)
		}
	}
}

func TestErrorFlowRefuses(t *testing.T) {
	l := nn.NewRecurrent(nn.RNNTanh, 2, 3, 0.1, rand.New(rand.NewPCG(1, 1)))
	for _, c := range []struct{ rows, lags, positions int }{{30, 11, 1}, {30, math.MaxInt, 1}, {50, 0, 1}, {50, 5, 0}} {
		if _, err := MeasureErrorFlow(l, randomText(c.rows, 2), c.lags, c.positions); err == nil {
			t.Errorf("no error for %+v", c)
		}
	}
	l.Hidden.Weight.Data[0] = tensor.Float(math.NaN())
	if _, err := MeasureErrorFlow(l, randomText(50, 2), 5, 1); err == nil {
		t.Error("no error for weights that are not numbers")
	}
}

func TestErrorFlowFigure(t *testing.T) {
	scales := func(factor float64, carousel float64) (f ErrorFlow) {
		for q := range 21 {
			s := math.Pow(factor, float64(q))
			f.Lags = append(f.Lags, ErrorScale{Lag: q, Mean: s, Low: s / 2, Median: s, High: 2 * s, Carousel: carousel})
		}
		return f
	}
	r := ErrorFlowReport{
		{"dies <at once>", scales(1e-3, 0)}, {"grows", scales(1.5, 0)}, {"stays", scales(1, 1)}, {"is dead", scales(0, 0)},
	}
	f, err := r.Figure()
	if err != nil {
		t.Fatal(err)
	}
	text := render(t, f)
	for _, want := range []string{"dies", "grows", "stays: inside the cells", "1e+0", "time lag (steps)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "<td>dies &lt;at once&gt;</td>", "<th>20 back</th>", "<td>3.3e&#43;03</td>"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	_, rows := r.Table()
	var figures []string
	for _, row := range rows {
		figures = append(figures, strings.Join([]string{row[0], row[5], row[6]}, ": "))
	}
	want := []string{
		"dies <at once>: median: 0.001", ": 5 %: 0.0005", ": 95 %: 0.002", ": mean: 0.001",
		"grows: median: 1.5", ": 5 %: 0.75", ": 95 %: 3", ": mean: 1.5",
		"stays: median: 1", ": 5 %: 0.5", ": 95 %: 2", ": mean: 1", ": carousel: 1",
		"is dead: median: 0", ": 5 %: 0", ": 95 %: 0", ": mean: 0",
	}
	if diff := cmp.Diff(want, figures); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(page.String(), "<?xml") {
		t.Error("the page holds the head of an SVG file")
	}
	if _, err := (ErrorFlowReport{}).Figure(); err == nil {
		t.Error("no error for a picture of nothing")
	}
}

func TestSummaryOfScales(t *testing.T) {
	var scales []float64
	for i := range 41 {
		scales = append(scales, float64((i*7)%41)) // 0 to 40 in another order
	}
	want := ErrorScale{Lag: 3, Mean: 20, Low: 2, Median: 20, High: 38, Carousel: 0.5}
	if diff := cmp.Diff(want, summary(3, scales, 0.5), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Error(diff)
	}
}

// TestBoundOfAStep compares with n·w_max·max f' by hand.
func TestBoundOfAStep(t *testing.T) {
	for cell, steepest := range map[nn.Cell]float64{nn.RNNLogistic: 0.25, nn.RNNTanh: 1, nn.RNNReLU: 1} {
		l := nn.NewRecurrent(cell, 2, 5, 0.1, rand.New(rand.NewPCG(1, 1)))
		l.Hidden.Weight.Data[7] = -0.8
		f, err := MeasureErrorFlow(l, randomText(30, 2), 1, 1)
		if want := 5 * 0.8 * steepest; err != nil || math.Abs(f.Bound-want) > 1e-6 {
			t.Errorf("%s: bound %v, error %v; want %v", cell, f.Bound, err, want)
		}
	}
}

// TestScaledLogisticUnitsRestWhereTheyAreSteepest gives them their resting state and no input.
func TestScaledLogisticUnitsRestWhereTheyAreSteepest(t *testing.T) {
	l := nn.NewRecurrent(nn.RNNLogistic, 3, 10, 0.1, rand.New(rand.NewPCG(1, 1)))
	if _, err := ScaleRecurrence(l, 2); err != nil {
		t.Fatal(err)
	}
	rest := tensor.New(1, 10)
	for i := range rest.Data {
		rest.Data[i] = 0.5
	}
	after := l.Forward(tensor.NewInferenceTape(), tensor.New(1, 3), tensor.EqualSteps(1, 1), nn.State{H: rest})
	for i, h := range after.H.Data {
		if math.Abs(float64(h)-0.5) > 1e-6 {
			t.Errorf("unit %d goes from 0.5 to %v", i, h)
		}
	}
}

func TestScaleRecurrence(t *testing.T) {
	for cell, want := range map[nn.Cell]float64{nn.RNNLogistic: 8, nn.RNNTanh: 2} {
		l := nn.NewRecurrent(cell, 3, 10, 0.1, rand.New(rand.NewPCG(1, 1)))
		if _, err := ScaleRecurrence(l, 2); err != nil {
			t.Fatal(err)
		}
		f, err := MeasureErrorFlow(l, randomText(30, 3), 1, 1)
		if err != nil || math.Abs(f.SpectralRadius-want) > 1e-5 {
			t.Errorf("%s: radius %v, error %v; want %v", cell, f.SpectralRadius, err, want)
		}
	}
	if _, err := ScaleRecurrence(nn.NewRecurrent(nn.GRU, 3, 10, 0.1, rand.New(rand.NewPCG(1, 1))), 2); err == nil {
		t.Error("no error for the gates of a GRU")
	}
}

func TestTicksOfErrorFlows(t *testing.T) {
	labels := func(ticks []plot.Tick) (all []string) {
		for _, x := range ticks {
			all = append(all, x.Label)
		}
		return all
	}
	for _, x := range []struct {
		ticks []plot.Tick
		want  string
	}{
		{decades(-16, 0), "1e-16 1e-14 1e-12 1e-10 1e-8 1e-6 1e-4 1e-2 1e+0"},
		{decades(-0.9, 0.2), "2e-1 5e-1 1e+0"},
		{decades(-0.05, 0), "0.891 1"},
		{whole(0, 3), "0 1 2 3"},
		{whole(0, 50), "0 10 20 30 40 50"},
		{whole(0, 4500), "0 500 1000 1500 2000 2500 3000 3500 4000 4500"},
	} {
		if got := strings.Join(labels(x.ticks), " "); got != x.want {
			t.Errorf("ticks %s; want %s", got, x.want)
		}
	}
}
