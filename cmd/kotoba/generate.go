package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/train"
)

func newGenerate() *cobra.Command {
	var prefix string
	var length int
	var s decode.Sampling
	c := &cobra.Command{
		Use:   "generate RUN",
		Short: "Write text with a language model",
		Long: `generate continues a text with the language model of a run, drawing token after
token; the unknown word is never drawn. The same seed gives the same text.`,
		Example: `  kotoba generate runs/lm --prefix "the company said" --seed 1
  kotoba generate runs/char --prefix "ROMEO:" --temperature 0.8 --length 500`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkUTF8(prefix); err != nil {
				return fmt.Errorf("--prefix: %w", err)
			}
			m, err := train.OpenLM(args[0])
			if err != nil {
				return err
			}
			unknown := 0
			for _, id := range m.Tokenizer.Encode(prefix) {
				if id == m.Tokenizer.Special().Unknown {
					unknown++
				}
			}
			if unknown > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "%d tokens of the prefix are not in the vocabulary; the model reads them as unknown\n", unknown)
			}
			text, err := m.Generate(prefix, length, s)
			if err != nil {
				return err
			}
			out := newOutput(c)
			fmt.Fprintln(out, text)
			return out.flush()
		},
	}
	f := c.Flags()
	f.StringVar(&prefix, "prefix", "", "text to continue")
	f.IntVar(&length, "length", 200, "tokens to write")
	addSampling(c, &s)
	return c
}

// addSampling adds the flags that say how tokens are drawn.
func addSampling(c *cobra.Command, s *decode.Sampling) {
	f := c.Flags()
	f.Float64Var(&s.Temperature, "temperature", 1, "of sampling: below 1 favours probable tokens; more than 0 (--top-k 1 takes the most probable one)")
	f.IntVar(&s.TopK, "top-k", 0, "sample from the k most probable tokens; 0 is all")
	f.Float64Var(&s.TopP, "top-p", 1, "sample from the most probable tokens of this mass; 0 and 1 are all")
	f.Uint64Var(&s.Seed, "seed", 1, "of sampling")
}
