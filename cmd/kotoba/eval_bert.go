package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/train"
)

// scoring is the model of a run on a file: a classifier of texts or words, or one that
// answers questions; or an encoder on a folder of instances of pre-training.
type scoring struct {
	task    train.Task
	encoder *pipeline.Encoder
	n       int
	unit    string // what n counts
	label   string // that F1 is of, where it is of one
}

// evalBERT scores the model of a run on a file.
func evalBERT(c *cobra.Command, dir, path string, asJSON bool) (err error) {
	s, err := openScoring(c.ErrOrStderr(), dir, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.encoder.Close()) }()
	v, err := s.task.Validate(c.Context())
	if err != nil {
		return err
	}
	if err := number(v.Loss); err != nil {
		return err
	}
	w := newOutput(c)
	if asJSON {
		result := map[string]any{s.unit: s.n, "loss": v.Loss}
		for name, score := range v.Scores {
			result[name] = score
		}
		w.json(result)
		return w.flush()
	}
	for _, name := range slices.Sorted(maps.Keys(v.Scores)) {
		of := ""
		if name == "f1" && s.label != "" {
			of = fmt.Sprintf(" (of the label %q)", s.label)
		}
		fmt.Fprintf(w, "%s = %.4f%s\n", name, v.Scores[name], of)
	}
	return w.flush()
}

// openScoring opens the model of a run and a file, and prints what of the file it does not
// read.
func openScoring(w io.Writer, dir, path string) (s scoring, err error) {
	preset, err := train.PresetOfFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		return s, fmt.Errorf("%w; want the folder of a run that kotoba train has made", err)
	}
	switch {
	case train.Classifiers.Has(preset):
		t, err := train.OpenClassifier(dir, path)
		if err != nil {
			return s, err
		}
		reportCut(w, "", t.CutValid, t.Encoder)
		return scoring{t, t.Encoder, t.Valid(), "rows", t.Positive()}, nil
	case train.Answerers.Has(preset):
		t, err := train.OpenAnswerer(dir, path)
		if err != nil {
			return s, err
		}
		reportQuestions(w, "", t.Encoder, t.Options(), t.Valid)
		return scoring{t, t.Encoder, len(t.Valid), "questions", ""}, nil
	case train.Labellers.Has(preset):
		t, sentences, err := train.OpenLabeller(dir, path)
		if err != nil {
			return s, err
		}
		return scoring{t, t.Encoder, sentences, "sentences", ""}, nil
	case train.Pretrainings.Has(preset):
		t, e, err := train.OpenPretraining(dir, path)
		if err != nil {
			return s, err
		}
		return scoring{t, e, t.Valid(), "instances", ""}, nil
	}
	return s, fmt.Errorf("the run %s is of %s; --data is for runs of BERT", dir, preset)
}

// reportCut prints how many texts, "training " ones for example, are too long.
func reportCut(w io.Writer, part string, n int, e *pipeline.Encoder) {
	if n > 0 {
		fmt.Fprintf(w, "%d %stexts are longer than %d tokens; their ends are left out\n", n, part, e.MaxLength)
	}
}
