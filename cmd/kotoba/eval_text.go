package main

import (
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
		out.json(score)
	} else {
		perplexity := fmt.Sprintf("%.2f", score.Perplexity)
		if score.Perplexity > 1e7 {
			perplexity = fmt.Sprintf("%.4g", score.Perplexity)
		}
		out.finite(score.Nats)
		left := ""
		if score.LeftOut > 0 {
			left = fmt.Sprintf(" and %d left out", score.LeftOut)
		}
		fmt.Fprintf(out, "perplexity = %s (%d tokens%s, %d unknown, %.4f nats a token, %.4f a character)\n",
			perplexity, score.Tokens, left, score.Unknown, score.Nats, score.PerChar)
	}
	return out.flush()
}
