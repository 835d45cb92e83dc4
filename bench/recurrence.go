package bench

import (
	"math"
	"math/rand/v2"
	"time"
	"unsafe"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// RecurrenceResult is what a step of one way to the gradient of a plain recurrent layer
// costs.
type RecurrenceResult struct {
	Workload   string  `json:"workload"`  // recurrence
	Algorithm  string  `json:"algorithm"` // rtrl or bptt
	Units      int     `json:"units"`
	Inputs     int     `json:"inputs"`
	CPU        string  `json:"cpu"`
	Threads    int     `json:"threads"`
	Value      float64 `json:"value"` // the best of all runs
	Unit       string  `json:"unit"`
	Flops      float64 `json:"flops"` // of a step; multiply-adds count twice
	Bytes      int     `json:"bytes"` // RTRL: both influence matrices; BPTT: what a sequence leaves for the way back
	PeakGFLOPS float64 `json:"peak_gflops"`
	Share      float64 `json:"share"` // of the peak
	Runs       int     `json:"runs"`
}

// recurrenceUnits are the numbers of units, and of inputs, that are measured, each twice
// the one before. The influence matrices of the largest take 269 MB.
var recurrenceUnits = []int{8, 16, 32, 64, 128, 256}

// recurrenceSteps is the length of the sequence that BPTT goes back through.
const recurrenceSteps = 50

// recurrenceBudget is how long one layer runs with one algorithm.
const recurrenceBudget = 1200 * time.Millisecond

// recurrenceSlowest is the longest step of RTRL that is waited for.
const recurrenceSlowest = 2 * time.Second

// Recurrence measures how the cost of a step grows with the units of a plain recurrent
// layer of as many inputs: by Real-Time Recurrent Learning, and by back-propagation
// through a whole sequence. It hands each result to report, both of a layer one after
// the other. Layers of which a step of RTRL would take seconds are left out.
func Recurrence(report func(RecurrenceResult)) error {
	return recurrence(recurrenceUnits, recurrenceBudget, recurrenceSlowest, report)
}

func recurrence(units []int, budget, slowest time.Duration, report func(RecurrenceResult)) error {
	last := time.Duration(0) // of a step of RTRL
	for _, n := range units {
		if 16*last > slowest { // twice the units, 2⁴ times the work
			return nil
		}
		r := rand.New(rand.NewPCG(1, uint64(n)))
		w := recurrenceWork{
			layer: nn.NewRecurrent(nn.RNNTanh, n, n, 1/math.Sqrt(float64(n)), r),
			x:     nn.Uniform(recurrenceSteps, n, 1, r), dh: nn.Uniform(recurrenceSteps, n, 1, r),
		}
		rtrl, err := w.rtrl(budget)
		if err != nil {
			return err
		}
		last = time.Duration(rtrl.Value * float64(time.Microsecond))
		report(rtrl)
		report(w.bptt(budget))
	}
	return nil
}

// recurrenceWork is a layer with one sequence, and the gradient of a loss by its
// outputs, a row a step.
type recurrenceWork struct {
	layer nn.Recurrent
	x, dh *tensor.Tensor
}

// rtrl measures steps that each add to the gradient.
func (w recurrenceWork) rtrl(budget time.Duration) (RecurrenceResult, error) {
	n := w.x.Cols()
	memory := nn.RTRLBytes(n, n)
	l, err := nn.NewRTRL(w.layer, memory)
	if err != nil {
		return RecurrenceResult{}, err
	}
	const most = 1 << 24 // units³ of a run: more would take too long
	steps := min(recurrenceSteps, max(1, most/(n*n*n)))
	seconds, peak, runs := measure(budget, func() {
		for t := range steps {
			l.Step(w.x.Row(t))
			l.Accumulate(w.dh.Row(t))
		}
	})
	return w.result("rtrl", seconds/float64(steps), rtrlFlops(n, n), memory, peak, runs), nil
}

// rtrlFlops are the operations of a step: the outputs, the product of influences, the
// direct terms and the product with the gradient by the outputs.
func rtrlFlops(units, inputs int) float64 {
	n, m := float64(units), float64(inputs)
	params := n * (n + m + 1)
	return 2 * (n*(n+m) + n*n*params + params + n*params)
}

// bptt measures the way forward and back through the whole sequence.
func (w recurrenceWork) bptt(budget time.Duration) RecurrenceResult {
	n := w.x.Cols()
	tape, steps := tensor.NewTape(), tensor.EqualSteps(recurrenceSteps, 1)
	seconds, peak, runs := measure(budget, func() {
		tape.Reset()
		x := tape.Input(recurrenceSteps, n)
		copy(x.Data, w.x.Data)
		h := w.layer.Forward(tape, x, steps, nn.State{}).H
		tape.BackwardFrom(tensor.Seed{Of: h, Grad: w.dh.Data})
	})
	memory := recurrenceSteps * 3 * n * int(unsafe.Sizeof(tensor.Float(0))) // inputs, net and outputs
	return w.result("bptt", seconds/recurrenceSteps, bpttFlops(n, n), memory, peak, runs)
}

// bpttFlops are the operations of a step: two products forward, and two for each of
// them on the way back.
func bpttFlops(units, inputs int) float64 {
	n, m := float64(units), float64(inputs)
	return 3 * 2 * n * (n + m)
}

func (w recurrenceWork) result(algorithm string, seconds, flops float64, memory int, peak float64, runs int) RecurrenceResult {
	return RecurrenceResult{
		Workload: "recurrence", Algorithm: algorithm, Units: w.dh.Cols(), Inputs: w.x.Cols(),
		CPU: kernel.Path().String(), Threads: par.Threads(),
		Value: 1e6 * seconds, Unit: "us/step", Flops: flops, Bytes: memory,
		PeakGFLOPS: peak, Share: flops / seconds / (peak * 1e9), Runs: runs,
	}
}

// Growth is the exponent with which the cost of a step has grown with the units: that of
// the power of units which fits the results best, by least squares of the logarithms. Of
// two results it is the exponent between them; of fewer it is not a number.
func Growth(results []RecurrenceResult) float64 {
	var x, y, xx, xy float64
	for _, r := range results {
		a, b := math.Log(float64(r.Units)), math.Log(r.Value)
		x, y, xx, xy = x+a, y+b, xx+a*a, xy+a*b
	}
	n := float64(len(results))
	return (n*xy - x*y) / (n*xx - x*x)
}
