package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/bench"
)

// benchBudget is how long one workload runs.
const benchBudget = 12 * time.Second

func newBench() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed beside what this machine can do at most",
		Long: `bench measures workloads and, between their runs, the machine's peak: a loop
of multiply-adds on registers alone, on as many threads. Figures are the best
of several runs.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	c.PersistentFlags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	report := func(w io.Writer) func(bench.Result) {
		return func(r bench.Result) { printResult(w, r, asJSON) }
	}
	c.AddCommand(&cobra.Command{
		Use: "gemm", Short: "Products of matrices", Args: cobra.NoArgs,
		Example: "  kotoba bench gemm --threads 2 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			bench.GEMM(report(c.OutOrStdout()))
			return nil
		},
	})

	var shape string
	train := &cobra.Command{
		Use: "train", Short: "A whole training step of a Transformer", Args: cobra.NoArgs,
		Example: "  kotoba bench train --shape d256 --threads 2 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := bench.Train(shape, benchBudget)
			if err == nil {
				report(c.OutOrStdout())(r)
			}
			return err
		},
	}
	var beam int
	decode := &cobra.Command{
		Use: "decode", Short: "Translation of a batch with a Transformer", Args: cobra.NoArgs,
		Example: "  kotoba bench decode --shape d512 --beam 4 --threads 2 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := bench.Decode(shape, beam, benchBudget)
			if err == nil {
				report(c.OutOrStdout())(r)
			}
			return err
		},
	}
	for _, s := range []*cobra.Command{train, decode} {
		s.Flags().StringVar(&shape, "shape", "d256", "d256: 3+3 layers, inner 1024; d512: 6+6 layers, inner 2048")
		c.AddCommand(s)
	}
	decode.Flags().IntVar(&beam, "beam", 1, "hypotheses of a sentence")
	return c
}

func printResult(w io.Writer, r bench.Result, asJSON bool) {
	if asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			panic(err) // a Result is always valid JSON
		}
		fmt.Fprintf(w, "%s\n", line)
		return
	}
	what := r.Workload
	switch {
	case r.M > 0:
		what += fmt.Sprintf(" %d x %d x %d %s", r.M, r.N, r.K, r.Layout)
	case r.Beam > 0:
		what += fmt.Sprintf(" %s beam %d", r.Shape, r.Beam)
	case r.Shape != "":
		what += " " + r.Shape
	}
	fmt.Fprintf(w, "%-32s %8.1f %-16s %5.1f %% of %.0f GFLOP/s, %s, %d threads\n",
		what, r.Value, r.Unit, 100*r.Share, r.PeakGFLOPS, r.CPU, r.Threads)
}
