package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/stat"

	"github.com/kotoba-nlp/kotoba/train"
)

// bertFlags are the flags of train for BERT.
type bertFlags struct {
	init, task, data string
	tokenizer        string
	train, dev       string
	pair, label      string // columns of a classifier's table
	regression       bool
	seeds            int
}

func (f *bertFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.init, "init", "", "folder of the encoder to fine-tune, or to pre-train further, in the layout of Hugging Face")
	flags.StringVar(&f.task, "task", "", "what a classifier learns: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte or wnli of GLUE, or swag")
	flags.StringVar(&f.data, "data", "", "folder of the task's files, or of what pretrain-data has made")
	flags.StringVar(&f.tokenizer, "tokenizer", "", "folder of the vocabulary of what pretrain-data has made")
	flags.StringVar(&f.train, "train", "", "training questions in the form of SQuAD, a file, or files by a pattern in quotes; sentences with a label a word, as those of CoNLL; or a classifier's own table: .csv, .jsonl, or with tabs")
	flags.StringVar(&f.dev, "dev", "", "validation questions or sentences; without them, the last ones for training; or a table, which a classifier needs")
	flags.StringVar(&f.pair, "pair", "", "of a classifier's table, the column of the second text, by name, or by number from 0 where the table has no line of names; none for single texts")
	flags.StringVar(&f.label, "label", "", "of a classifier's table, the column of the label, by name, or by number from 0 where the table has no line of names")
	flags.BoolVar(&f.regression, "regression", false, "labels of a classifier's table are numbers to be predicted")
	flags.IntVar(&f.seeds, "seeds", 1, "fine-tune as many times, a folder each, and print mean and deviation of the scores")
}

func (t training) classifier(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.Classifiers, map[string]string{
		"init": t.bert.init, "data.task": strings.ToLower(t.bert.task), "data.dir": t.bert.data,
		"data.train": t.bert.train, "data.valid": t.bert.dev, "data.text": t.text.Text, "data.pair": t.bert.pair, "data.label": t.bert.label,
	}, t.sets)
	if err != nil {
		return err
	}
	config.Data.Regression = config.Data.Regression || t.bert.regression
	return t.fineTune(w, config.Training.Seed, func(dir string, seed uint64) (train.Validation, error) {
		config.Training.Seed = seed
		run, err := train.NewClassifyRun(dir, config)
		if err != nil {
			return train.Validation{}, err
		}
		reportCut(w, "training ", run.Task.Cut, run.Task.Encoder)
		reportCut(w, "validation ", run.Task.CutValid, run.Task.Encoder)
		if config.Data.Task == "" { // a wrong column, or a line of names that is taken for a text, shows here
			printCounts(w, run.Task)
		}
		return fit(ctx, w, dir, run.Steps(), run.Train)
	})
}

// printCounts prints how many texts have each label, of so many labels at most, and which
// one F1 is of.
func printCounts(w io.Writer, t *train.ClassifyTask) {
	const most = 20
	labels, counts := t.Encoder.Labels, t.Counts()
	var all []string
	for i, n := range counts[:min(most, len(counts))] {
		all = append(all, fmt.Sprintf("%q %d", labels[i], n))
	}
	if len(counts) > most {
		all = append(all, fmt.Sprintf("and %d more labels", len(counts)-most))
	}
	if len(all) > 0 {
		fmt.Fprintf(w, "texts for training: %s\n", strings.Join(all, ", "))
	}
	if label := t.Positive(); label != "" {
		fmt.Fprintf(w, "f1 is of the label %q\n", label)
	}
}

func (t training) answerer(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.Answerers, map[string]string{
		"init": t.bert.init, "data.train": t.bert.train, "data.valid": t.bert.dev,
	}, t.sets)
	if err != nil {
		return err
	}
	return t.fineTune(w, config.Training.Seed, func(dir string, seed uint64) (train.Validation, error) {
		config.Training.Seed = seed
		run, err := train.NewAnswerRun(dir, config)
		if err != nil {
			return train.Validation{}, err
		}
		reportQuestions(w, "training ", run.Task.Encoder, run.Task.Options(), run.Task.Train)
		reportQuestions(w, "validation ", run.Task.Encoder, run.Task.Options(), run.Task.Valid)
		return fit(ctx, w, dir, run.Steps(), run.Train)
	})
}

func (t training) labeller(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.Labellers, map[string]string{
		"init": t.bert.init, "data.train": t.bert.train, "data.valid": t.bert.dev,
	}, t.sets)
	if err != nil {
		return err
	}
	return t.fineTune(w, config.Training.Seed, func(dir string, seed uint64) (train.Validation, error) {
		config.Training.Seed = seed
		run, err := train.NewLabelRun(dir, config)
		if err != nil {
			return train.Validation{}, err
		}
		return fit(ctx, w, dir, run.Steps(), run.Train)
	})
}

func (t training) pretrain(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.Pretrainings, map[string]string{
		"init": t.bert.init, "data.dir": t.bert.data, "data.tokenizer": t.bert.tokenizer,
	}, t.sets)
	if err != nil {
		return err
	}
	run, err := train.NewPretrainRun(t.dir, config)
	if err != nil {
		return err
	}
	if run.NoHead {
		fmt.Fprintf(w, "%s has no head for masked words, which begins with random weights\n", config.Init)
	}
	_, err = fit(ctx, w, t.dir, run.Steps(), run.Train)
	return err
}

// fineTune fine-tunes once, or with several seeds from the first on, a folder each: then it
// prints the mean of the scores and how far they spread. It says which runs have learned to
// say one label, or the like, of everything.
func (t training) fineTune(w io.Writer, first uint64, tune func(dir string, seed uint64) (train.Validation, error)) error {
	if t.bert.seeds < 1 {
		return fmt.Errorf("--seeds is %d; want how many times to fine-tune, at least 1", t.bert.seeds)
	}
	scores := map[string][]float64{}
	for i := range t.bert.seeds {
		dir, seed := t.dir, first+uint64(i)
		if t.bert.seeds > 1 {
			dir = filepath.Join(dir, fmt.Sprintf("seed-%d", seed))
		}
		v, err := tune(dir, seed)
		if err != nil {
			return err
		}
		if v.OneLabel {
			fmt.Fprintf(w, "seed %d has learned to say one and the same of everything; take a lower rate or more epochs\n", seed)
		}
		for name, score := range v.Scores {
			scores[name] = append(scores[name], score)
		}
	}
	if t.bert.seeds < 2 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		mean, deviation := stat.MeanStdDev(scores[name], nil)
		fmt.Fprintf(w, "%-10s %.4f ± %.4f over %d seeds\n", name, mean, deviation, t.bert.seeds)
	}
	return nil
}
