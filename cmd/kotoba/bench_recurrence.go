package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/bench"
)

// newBenchRecurrence makes the command; asJSON is the flag of all of bench.
func newBenchRecurrence(asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use:   "recurrence",
		Short: "How the cost of RTRL and of BPTT grows with the units",
		Long: `recurrence measures what a step costs on the way to the gradient of a plain
recurrent layer of n units and n inputs, for one sequence: by Real-Time Recurrent
Learning, which carries the influence of each parameter on each unit along, and by
back-propagation through 50 steps (BPTT), forward and back. Growth is the exponent
of n: between a layer and the one above it, and fitted to all. Layers of which a
step of RTRL would take seconds are left out.`,
		Example: `  kotoba bench recurrence
  kotoba bench recurrence --threads 1 --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			t := recurrenceTable{w: newOutput(c)}
			add, end := t.add, t.end
			if *asJSON {
				add, end = t.addJSON, t.endJSON
			}
			if err := bench.Recurrence(add); err != nil {
				return err
			}
			end()
			return t.w.flush()
		},
	}
}

// recurrenceTable prints a line a layer as its results come.
type recurrenceTable struct {
	w          output
	rtrl, bptt []bench.RecurrenceResult
}

// addJSON prints a result, with its growth since the layer before.
func (t *recurrenceTable) addJSON(r bench.RecurrenceResult) {
	all := &t.bptt
	if r.Algorithm == "rtrl" {
		all = &t.rtrl
	}
	*all = append(*all, r)
	growth := 0.0
	if n := len(*all); n > 1 {
		growth = bench.Growth((*all)[n-2:])
	}
	t.w.json(struct {
		bench.RecurrenceResult
		Growth float64 `json:"growth,omitempty"` // exponent of n, since the layer before
	}{r, growth})
	_ = t.w.flush() // a measurement goes on
}

func (t *recurrenceTable) endJSON() {
	for _, all := range [][]bench.RecurrenceResult{t.rtrl, t.bptt} {
		t.w.json(struct {
			Workload  string  `json:"workload"`
			Algorithm string  `json:"algorithm"`
			Growth    float64 `json:"fitted_growth"` // exponent of n, of all layers
		}{all[0].Workload, all[0].Algorithm, bench.Growth(all)})
	}
}

func (t *recurrenceTable) add(r bench.RecurrenceResult) {
	if r.Algorithm == "rtrl" {
		t.rtrl = append(t.rtrl, r)
		return
	}
	t.bptt = append(t.bptt, r)
	i := len(t.bptt) - 1
	if i == 0 {
		fmt.Fprintf(t.w, "rnn-tanh, n units, n inputs, one sequence, %s, %d threads\n", r.CPU, r.Threads)
		fmt.Fprintf(t.w, "%5s  %13s %7s %8s %16s  %13s %7s %8s\n", "n", "RTRL us/step", "growth", "of peak", "influence bytes", "BPTT us/step", "growth", "of peak")
	}
	x := t.rtrl[i]
	fmt.Fprintf(t.w, "%5d  %13.2f %7s %6.1f %% %16d  %13.2f %7s %6.1f %%\n", r.Units,
		x.Value, lastGrowth(t.rtrl), 100*x.Share, x.Bytes, r.Value, lastGrowth(t.bptt), 100*r.Share)
	_ = t.w.flush() // a measurement goes on
}

// lastGrowth is the exponent between the last two results, if there are two.
func lastGrowth(r []bench.RecurrenceResult) string {
	if len(r) < 2 {
		return "-"
	}
	return fmt.Sprintf("%.2f", bench.Growth(r[len(r)-2:]))
}

func (t *recurrenceTable) end() {
	fmt.Fprintf(t.w, "fitted to all: RTRL grows with n^%.2f beside O(n^4), BPTT with n^%.2f beside O(n^2)\n", bench.Growth(t.rtrl), bench.Growth(t.bptt))
}
