package main

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/train"
)

// textEvaluation is what the flags of eval say for language models.
type textEvaluation struct {
	path    string
	streams int
}

func (e textEvaluation) run(c *cobra.Command, dir string, asJSON bool) error {
	m, err := train.OpenLM(dir)
	if err != nil {
		return err
	}
	lines, err := readSegments(c, "--text", e.path)
	if err != nil {
		return err
	}
	score, err := m.Score(lines, e.streams)
	if err != nil {
		return err
	}
	out := newOutput(c)
	if asJSON {
		err = json.NewEncoder(out).Encode(score)
	} else {
		fmt.Fprintf(out, "perplexity = %.2f (%d tokens, %d unknown, %.4f nats a token, %.4f a character)\n",
			score.Perplexity, score.Tokens, score.Unknown, score.Nats, score.PerChar)
	}
	return cmp.Or(err, out.flush())
}
