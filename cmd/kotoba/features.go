package main

import (
	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/pipeline"
)

func newFeatures() *cobra.Command {
	var layers []int
	var asJSON bool
	c := &cobra.Command{
		Use:   "features DIR [TEXT...]",
		Short: "Print the vectors of all tokens, at chosen layers",
		Long: `features prints, for each text given or each line of standard input, one JSON object
with the vectors of its tokens, in the form that extract_features.py of BERT's authors
writes: linex_index, features: token, layers: index, values.`,
		Example: `  kotoba features bert-base --layers -1,-2,-3,-4 --json < text.txt`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, texts, err := openTexts(c, args)
			if err != nil {
				return err
			}
			all, err := e.Features(inputsOf(c, e, texts), layers)
			if err != nil {
				return err
			}
			w := newOutput(c)
			for i, tokens := range all {
				printJSON(w, struct {
					Index    int                      `json:"linex_index"`
					Features []pipeline.TokenFeatures `json:"features"`
				}{i, tokens})
			}
			return w.flush()
		},
	}
	c.Flags().IntSliceVar(&layers, "layers", []int{-1}, "layers, 1 to the last; -1 is the last, 0 are the embeddings")
	c.Flags().BoolVar(&asJSON, "json", true, "print JSON, the only form there is")
	return c
}
