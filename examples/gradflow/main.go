// Gradflow shows why plain recurrent networks forget, by the smallest of them
// (Hochreiter 1991; Hochreiter et al. 2001, section 2).
//
// One unit feeds itself: h = tanh(w·h'). On its way back through q steps an error is
// multiplied by f'(net)·w q times. A unit that rests at 0 has f' = 1, so the factor is
// w to the power of q: below 1 the error vanishes, above 1 it explodes, and only at 1
// does it stay. An LSTM is built around a unit that has 1 for good.
//
//	go run ./examples/gradflow [picture.png]
package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

const lags = 40

func main() {
	flows, err := measure()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	show(os.Stdout, flows)
	if len(os.Args) > 1 {
		if err := save(os.Args[1], flows); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// measure sends an error back through a unit of each kind.
func measure() (inspect.ErrorFlowReport, error) {
	silence := tensor.New(100, 1) // what the unit reads: nothing, for 100 steps
	var flows inspect.ErrorFlowReport
	for _, w := range []float64{0.8, 1, 1.25} {
		unit := nn.NewRecurrent(nn.RNNTanh, 1, 1, 0, rand.New(rand.NewPCG(1, 1)))
		unit.Hidden.Weight.Data[0] = tensor.Float(w)
		f, err := inspect.MeasureErrorFlow(unit, silence, lags, 1)
		if err != nil {
			return nil, err
		}
		flows = append(flows, inspect.NamedErrorFlow{Name: fmt.Sprintf("f'·w = %g", w), ErrorFlow: f})
	}
	cell := nn.NewRecurrent(nn.LSTMNoForget, 1, 1, 0, rand.New(rand.NewPCG(1, 1)))
	f, err := inspect.MeasureErrorFlow(cell, silence, lags, 1)
	return append(flows, inspect.NamedErrorFlow{Name: "memory cell", ErrorFlow: f}), err
}

func show(w io.Writer, flows inspect.ErrorFlowReport) {
	for _, f := range flows {
		fmt.Fprintf(w, "%-14s", f.Name)
		for _, q := range []int{1, 10, 20, lags} {
			fmt.Fprintf(w, "  %2d steps back %-9.3g", q, f.Lags[q].Median)
		}
		fmt.Fprintln(w)
	}
}

func save(path string, flows inspect.ErrorFlowReport) error {
	figure, err := flows.Figure()
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := figure.WritePNG(file); err != nil {
		return err
	}
	return file.Close()
}
