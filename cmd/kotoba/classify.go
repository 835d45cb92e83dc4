package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newClassify() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "classify RUN [TEXT...]",
		Short: "Print the label of each text",
		Long: `classify prints the most probable label of each text given, or of each line of standard
input, and how probable it is. A tab stands between the two texts of a pair. With --json a
text is one line, a list of all labels, as the pipeline text-classification of
transformers returns. Where numbers are predicted, it prints the number.`,
		Example: `  kotoba classify runs/sst2 < reviews.txt
  kotoba classify runs/sst2 "a charming and often affecting journey" --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, texts, err := openTexts(c, args)
			if err != nil {
				return err
			}
			results, err := e.Classify(inputsOf(c, e, texts, "\t"))
			if err != nil {
				return err
			}
			w := newOutput(c)
			for _, labels := range results {
				switch {
				case asJSON:
					w.json(labels)
				case len(labels) == 1:
					fmt.Fprintf(w, "%.4f\n", labels[0].Score)
				default:
					fmt.Fprintf(w, "%s\t%.4f\n", labels[0].Label, labels[0].Score)
				}
			}
			return w.flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: label, score")
	return c
}
