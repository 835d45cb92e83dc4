package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/pipeline"
)

func newFillMask() *cobra.Command {
	var top int
	var asJSON bool
	c := &cobra.Command{
		Use:   "fill-mask DIR [TEXT...]",
		Short: "Print the most probable words for [MASK] in a text",
		Long: `fill-mask prints the words that a BERT model finds most probable in the place of each
[MASK] of the texts given, or of the lines of standard input. With --json a text is one
line, a list of words, or a list of lists where it has several masks, as the pipeline
fill-mask of transformers returns.`,
		Example: `  kotoba fill-mask bert-base "Paris is the [MASK] of France." --json`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := openTexts(c, args)
			if err != nil {
				return err
			}
			w := newOutput(c)
			return t.each(1, w, func(some []string) error {
				if len(some) == 0 {
					return t.CheckFillMask(top)
				}
				fillings, err := t.FillMask(some[0], top)
				if err != nil {
					return fmt.Errorf("text %d: %w", t.n+1, err)
				}
				printFillings(w, fillings, asJSON)
				return nil
			})
		},
	}
	c.Flags().IntVar(&top, "top-k", 5, "words for each mask")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: score, token, token_str, sequence")
	return c
}

func printFillings(w output, masks [][]pipeline.Filling, asJSON bool) {
	switch {
	case asJSON && len(masks) == 1:
		w.json(masks[0])
		return
	case asJSON:
		w.json(masks)
		return
	}
	for _, fillings := range masks {
		for _, f := range fillings {
			fmt.Fprintf(w, "%.4f  %-16s %s\n", f.Score, f.TokenStr, f.Sequence)
		}
	}
}
