package main

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// features is what the flags of features say.
type features struct {
	layers []int
	npy    npyFile
}

func newFeatures() *cobra.Command {
	var f features
	c := &cobra.Command{
		Use:   "features DIR [TEXT...]",
		Short: "Print the vectors of all tokens, at chosen layers",
		Long: `features prints, for each text given or each line of standard input, one JSON object
with the vectors of its tokens, in the form that extract_features.py of BERT's authors
writes: linex_index, features: token, layers: index, values. As there, ||| with a space on
each side stands between the two texts of a pair.

With --npy the vectors go to a file of NumPy instead: a row for each token of all texts,
[CLS] and [SEP] among them, with its layers one after the other as --layers names them.
What is printed then are the tokens of each text: linex_index, tokens.`,
		Example: `  kotoba features bert-base --layers -1,-2,-3,-4 --json < text.txt
  kotoba features bert-base --layers -1 --npy vectors.npy < text.txt > tokens.jsonl`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	c.Flags().IntSliceVar(&f.layers, "layers", []int{-1}, "layers, 1 to the last; -1 is the last, 0 are the embeddings")
	f.npy.add(c)
	c.Flags().Bool("json", true, "print JSON, the only form there is")
	return c
}

// featuresTexts is how many texts are in memory at a time, as JSON takes many times the
// memory of the vectors.
const featuresTexts = 64

func (f features) run(c *cobra.Command, args []string) error {
	if json, err := c.Flags().GetBool("json"); err != nil || !json {
		return cmp.Or(err, errors.New("--json=false: there is no other form; for vectors alone give --npy FILE"))
	}
	if err := f.npy.check(); err != nil {
		return err
	}
	t, err := openTexts(c, args)
	if err != nil {
		return err
	}
	w := newOutput(c)
	var vectors [][]tensor.Float
	err = t.each(featuresTexts, w, func(some []string) error {
		all, err := t.Features(t.inputs(some, " ||| "), f.layers)
		for i, tokens := range all {
			if f.npy.path == "" {
				w.json(struct {
					Index    int                      `json:"linex_index"`
					Features []pipeline.TokenFeatures `json:"features"`
				}{t.n + i, tokens})
			} else {
				vectors = append(vectors, f.rows(w, t.n+i, tokens)...)
			}
		}
		return err
	})
	if err != nil || f.npy.path == "" {
		return err
	}
	return f.npy.write(vectors, len(f.layers)*t.Network.Encoder.Dim)
}

// rows prints the tokens of a text and returns the vector of each, its layers one after the
// other.
func (f features) rows(w output, index int, tokens []pipeline.TokenFeatures) (rows [][]tensor.Float) {
	var names []string
	for _, t := range tokens {
		var row []tensor.Float
		for _, l := range t.Layers {
			row = append(row, l.Values...)
		}
		rows, names = append(rows, row), append(names, t.Token)
	}
	w.json(struct {
		Index  int      `json:"linex_index"`
		Tokens []string `json:"tokens"`
	}{index, names})
	return rows
}
