// Command kotoba trains, evaluates, uses and looks inside neural language
// models on ordinary CPUs.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kotoba-nlp/kotoba/internal/cpu"
	"github.com/kotoba-nlp/kotoba/internal/par"
)

// exitBadInput is the status for everything that the user can mend.
const exitBadInput = 2

func main() {
	root := newRoot()
	if err := root.Execute(); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(os.Stderr, "kotoba:", err)
		}
		os.Exit(exitBadInput)
	}
}

// errReported is an error that the user has been told of already.
var errReported = errors.New("reported")

// maxThreads is more than any processor has; far more, the system does not give.
const maxThreads = 4096

func newRoot() *cobra.Command {
	var threads int
	root := &cobra.Command{
		Use:   "kotoba",
		Short: "Neural language models from the recurrent network to BERT, on ordinary CPUs",
		Long: `kotoba (言葉, "word") trains, evaluates, uses and looks inside the neural
language models that lead from the recurrent network to BERT.

KOTOBA_CPU=generic|avx2|avx512 forces a path of kernels.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if threads < 1 || threads > maxThreads {
				return fmt.Errorf("--threads is %d; want 1 to %d", threads, maxThreads)
			}
			par.SetThreads(threads)
			_, err := cpu.Selected()
			return err
		},
	}
	root.PersistentFlags().IntVar(&threads, "threads", runtime.GOMAXPROCS(0), "threads in total")
	root.AddCommand(newBench(), newDemo(), newTrain(), newConfig(), newTranslate(), newScore(), newExport(), newImport(), newAverage())
	root.AddCommand(newEval(), newGenerate(), newTokenizer(), newInspect(), newReproduce())
	root.AddCommand(newEmbed(), newSimilar(), newFillMask(), newFeatures(), newClassify(), newLabel(), newPretrainData(), newAnswer(), newPull())
	return root
}

// require makes flags of a command necessary.
func require(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // there is no such flag
		}
	}
}

// strayFlag returns a flag that was given and is not among those allowed, "" for none.
func strayFlag(flags *pflag.FlagSet, allowed []string) (stray string) {
	flags.Visit(func(f *pflag.Flag) {
		if stray == "" && !slices.Contains(allowed, f.Name) {
			stray = f.Name
		}
	})
	return stray
}
