package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/train"
)

func newLabel() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "label RUN [TEXT...]",
		Short: "Print the entities of each text, or what else its words are labelled with",
		Long: `label prints the parts of each text given, or of each line of standard input, whose words
have the same label: the label, how probable it is, and where the part is, in characters.
There is an empty line after each text. With --json a text is one line, a list as the pipeline
token-classification of transformers returns it with the strategy "first", but for word,
which is the text as it stands there, and for labels with E-, S-, L- or U-, which are
understood here.`,
		Example: `  kotoba label runs/ner "Angela Merkel was in Paris on Monday."
  kotoba label runs/ner --json < sentences.txt`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := openTexts(c, args)
			if err != nil {
				return err
			}
			run, _, err := train.Labellers.OfRun(t.dir)
			if err != nil {
				return err
			}
			if err := t.Shorten(run.Data.MaxLength); err != nil {
				return err
			}
			w := newOutput(c)
			return t.each(textsAtOnce, w, func(some []string) error {
				results, err := t.Entities(some)
				for _, entities := range results {
					printEntities(w, entities, asJSON)
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: entity_group, score, word, start, end")
	return c
}

func printEntities(w output, entities []pipeline.Entity, asJSON bool) {
	if asJSON {
		w.json(entities)
		return
	}
	for _, x := range entities {
		fmt.Fprintf(w, "%s  %.4f  %d-%d  %s\n", x.Group, x.Score, x.Start, x.End, x.Word)
	}
	fmt.Fprintln(w)
}
