package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/train"
)

// evalBERT scores the model of a run, a classifier of texts or words or one that answers questions, on a file.
func evalBERT(c *cobra.Command, dir, path string, asJSON bool) error {
	preset, err := train.PresetOfFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		return err
	}
	eval, unit := train.EvalClassifier, "rows"
	switch {
	case train.Classifiers.Has(preset):
	case train.Answerers.Has(preset):
		eval, unit = train.EvalAnswerer, "questions"
	case train.Labellers.Has(preset):
		eval, unit = train.EvalLabeller, "sentences"
	default:
		return fmt.Errorf("the run %s is of %s; --data is for runs of bert-classify, bert-qa and bert-label", dir, preset)
	}
	v, n, err := eval(dir, path)
	if err != nil {
		return err
	}
	w := newOutput(c)
	if asJSON {
		result := map[string]any{unit: n, "loss": v.Loss}
		for name, score := range v.Scores {
			result[name] = score
		}
		w.json(result)
		return w.flush()
	}
	for _, name := range slices.Sorted(maps.Keys(v.Scores)) {
		fmt.Fprintf(w, "%s = %.4f\n", name, v.Scores[name])
	}
	return w.flush()
}
