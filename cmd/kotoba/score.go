package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/train"
)

func newScore() *cobra.Command {
	var src, tgt string
	var asJSON bool
	c := &cobra.Command{
		Use:   "score RUN... --src FILE --tgt FILE",
		Short: "Print how probable a model finds given translations",
		Long: `score prints, for each pair of lines, the log-probability of the target given
the source: natural logarithm, summed over the tokens and the end of the sentence.
Several runs that share a vocabulary score together, as an ensemble.`,
		Example: `  kotoba score runs/ende --src test.en --tgt test.de
  kotoba score runs/ende runs/ende-2 --src test.en --tgt test.de`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var t train.Text
			var err error
			if t.Source, t.Target, err = data.ReadParallel(src, tgt); err != nil {
				return err
			}
			m, err := openAll(args)
			if err != nil {
				return err
			}
			scores, err := m.Score(t)
			if err != nil {
				return err
			}
			return printScores(newOutput(c), scores, asJSON)
		},
	}
	c.Flags().StringVar(&src, "src", "", "source text")
	c.Flags().StringVar(&tgt, "tgt", "", "target text")
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line: line, log_prob, tokens")
	require(c, "src", "tgt")
	return c
}

func printScores(w output, scores []train.Score, asJSON bool) error {
	for i, s := range scores {
		if !asJSON {
			w.finite(s.LogProb)
			fmt.Fprintf(w, "%.4f\n", s.LogProb)
			continue
		}
		w.json(struct {
			Line    int     `json:"line"` // counted from 0
			LogProb float64 `json:"log_prob"`
			Tokens  int     `json:"tokens"`
		}{i, s.LogProb, s.Tokens})
	}
	return w.flush()
}
