package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/train"
)

func evalClassifier(c *cobra.Command, dir, path string, asJSON bool) error {
	v, rows, err := train.EvalClassifier(dir, path)
	if err != nil {
		return err
	}
	w := newOutput(c)
	if asJSON {
		result := map[string]any{"rows": rows, "loss": v.Loss}
		for name, score := range v.Scores {
			result[name] = score
		}
		printJSON(w, result)
		return w.flush()
	}
	for _, name := range slices.Sorted(maps.Keys(v.Scores)) {
		fmt.Fprintf(w, "%s = %.4f\n", name, v.Scores[name])
	}
	return w.flush()
}
