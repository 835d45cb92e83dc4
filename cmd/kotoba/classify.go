package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/train"
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
			t, err := openTexts(c, args)
			if err != nil {
				return err
			}
			run, ok, err := train.Classifiers.OfRun(t.dir)
			if err != nil {
				return err
			}
			if err := t.Shorten(run.Data.MaxLength); err != nil {
				return err
			}
			w, pairs := newOutput(c), run.Data.Pairs()
			var others remark // texts of another form than those the run has learned from
			err = t.each(textsAtOnce, w, func(some []string) error {
				for i, text := range some {
					others.note(t.n+i, ok && strings.Contains(text, tab) != pairs)
				}
				results, err := t.Classify(t.inputs(some, tab))
				for _, labels := range results {
					printLabels(w, labels, asJSON)
				}
				return err
			})
			if pairs {
				others.print(c, "single texts, and the run has learned from pairs; put a tab between the two texts of a pair")
			} else {
				others.print(c, "pairs, as they have a tab, and the run has learned from single texts")
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: label, score")
	return c
}

// tab stands between the two texts of a pair.
const tab = "\t"

func printLabels(w output, labels []pipeline.Label, asJSON bool) {
	switch {
	case asJSON:
		w.json(labels)
	case len(labels) == 1:
		fmt.Fprintf(w, "%.4f\n", labels[0].Score)
	default:
		fmt.Fprintf(w, "%s\t%.4f\n", labels[0].Label, labels[0].Score)
	}
}
