package main

import (
	"fmt"
	"io"

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
			if *asJSON {
				return bench.Recurrence(func(r bench.RecurrenceResult) { printJSON(c.OutOrStdout(), r) })
			}
			t := recurrenceTable{w: c.OutOrStdout()}
			if err := bench.Recurrence(t.add); err != nil {
				return err
			}
			t.end()
			return nil
		},
	}
}

// recurrenceTable prints a line a layer as its results come.
type recurrenceTable struct {
	w          io.Writer
	rtrl, bptt []bench.RecurrenceResult
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
