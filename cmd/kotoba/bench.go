package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/bench"
	"github.com/kotoba-nlp/kotoba/data"
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
	// workload adds a command that measures one.
	workload := func(name, short, example string, run func(report func(bench.Result)) error) *cobra.Command {
		w := &cobra.Command{
			Use: name, Short: short, Args: cobra.NoArgs, Example: "  kotoba bench " + example,
			RunE: func(c *cobra.Command, _ []string) error {
				return run(func(r bench.Result) { printResult(c, r, asJSON) })
			},
		}
		c.AddCommand(w)
		return w
	}
	workload("gemm", "Products of matrices", "gemm --threads 2 --json", all(bench.GEMM))
	workload("rows", "Softmax, layer norm, GELU and Adam beside the memory's bandwidth", "rows --threads 2", all(bench.Rows))

	var shape string
	train := workload("train", "A whole training step of a Transformer", "train --shape d256 --threads 2 --json",
		one(func() (bench.Result, error) { return bench.Train(shape, benchBudget) }))
	var beam int
	decode := workload("decode", "Translation of a batch with a Transformer", "decode --shape d512 --beam 4 --threads 2 --json",
		one(func() (bench.Result, error) { return bench.Decode(shape, beam, benchBudget) }))
	for _, s := range []*cobra.Command{train, decode} {
		s.Flags().StringVar(&shape, "shape", "d256", "d256: 3+3 layers, inner 1024; d512: 6+6 layers, inner 2048")
	}
	var units string
	lstm := workload("lstm", "A whole training step of an LSTM language model", "lstm --shape d650 --threads 2 --json",
		one(func() (bench.Result, error) { return bench.LSTM(units, benchBudget) }))
	lstm.Flags().StringVar(&units, "shape", "d200", "d200 and d650: two layers of so many units; d1000: four")
	var encoder string
	var batch, length int
	bert := workload("bert", "Hidden states of a batch with BERT", "bert --shape base --batch 8 --length 128 --threads 2 --json",
		one(func() (bench.Result, error) { return bench.BERT(encoder, batch, length, benchBudget) }))
	bert.Flags().IntVar(&batch, "batch", 8, "sequences")
	bert.Flags().IntVar(&length, "length", 128, "tokens of each")
	pretrain := workload("pretrain", "A whole step of pre-training BERT on masked words", "pretrain --shape base --threads 2 --json",
		one(func() (bench.Result, error) { return bench.Pretrain(encoder, benchBudget) }))
	for _, s := range []*cobra.Command{bert, pretrain} {
		s.Flags().StringVar(&encoder, "shape", "base", "base: 12 layers of 768; minilm: 6 of 384; mini: 4 of 256")
	}
	decode.Flags().IntVar(&beam, "beam", 1, "hypotheses of a sentence")
	c.AddCommand(newBenchRecurrence(&asJSON), newBenchEmbed(&asJSON))
	return c
}

func newBenchEmbed(asJSON *bool) *cobra.Command {
	var model, text string
	var batch int
	c := &cobra.Command{
		Use:     "embed --model DIR --text FILE",
		Short:   "Vectors of the lines of a file, from their characters on",
		Example: "  kotoba bench embed --model minilm --text sentences.txt --threads 2 --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			e, _, err := openEncoder(model)
			if err != nil {
				return err
			}
			texts, err := data.ReadLines(text)
			if err != nil {
				return err
			}
			r, err := bench.Embed(e, texts, batch, benchBudget)
			if err == nil {
				printResult(c, r, *asJSON)
			}
			return err
		},
	}
	c.Flags().StringVar(&model, "model", "", "folder of a BERT model in the layout of Hugging Face")
	c.Flags().StringVar(&text, "text", "", "the file")
	c.Flags().IntVar(&batch, "batch", 32, "lines of a batch, in the order of the file")
	require(c, "model", "text")
	return c
}

// all adapts a measurement of many results.
func all(measure func(report func(bench.Result))) func(report func(bench.Result)) error {
	return func(report func(bench.Result)) error {
		measure(report)
		return nil
	}
}

// one adapts a measurement of one result.
func one(measure func() (bench.Result, error)) func(report func(bench.Result)) error {
	return func(report func(bench.Result)) error {
		r, err := measure()
		if err == nil {
			report(r)
		}
		return err
	}
}

func printResult(c *cobra.Command, r bench.Result, asJSON bool) {
	w := newOutput(c)
	defer func() { _ = w.flush() }() // a measurement goes on
	if asJSON {
		w.json(r)
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
	limit := fmt.Sprintf("%.0f GFLOP/s", r.PeakGFLOPS)
	if r.PeakGBs > 0 {
		limit = fmt.Sprintf("%.0f GB/s", r.PeakGBs)
	}
	fmt.Fprintf(w, "%-32s %8.1f %-16s %5.1f %% of %s, %s, %d threads\n", what, r.Value, r.Unit, 100*r.Share, limit, r.CPU, r.Threads)
}
