package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kotoba-nlp/kotoba/train"
)

// classifyFlags are the flags of train for classifiers.
type classifyFlags struct {
	init, task, data string
	tokenizer        string
	seeds            int
}

func (f *classifyFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.init, "init", "", "folder of the encoder to fine-tune, in the layout of Hugging Face")
	flags.StringVar(&f.task, "task", "", "what a classifier learns: cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte or wnli of GLUE, or swag")
	flags.StringVar(&f.data, "data", "", "folder of the task's files, or of what pretrain-data has made")
	flags.StringVar(&f.tokenizer, "tokenizer", "", "folder of the vocabulary of what pretrain-data has made")
	flags.IntVar(&f.seeds, "seeds", 0, "train as many classifiers, a folder each, and print mean and deviation of their scores")
}

func (t training) classifier(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.ReadClassifyConfig, train.ClassifyPreset, map[string]string{
		"init": t.classify.init, "data.task": t.classify.task, "data.dir": t.classify.data,
	}, t.sets, (*train.ClassifyConfig).Set)
	if err != nil {
		return err
	}
	if t.classify.seeds < 2 {
		_, err = fitClassifier(ctx, w, t.dir, config)
		return err
	}
	return t.seeds(ctx, w, config)
}

func (t training) pretrain(ctx context.Context, w io.Writer, args []string) error {
	if t.classify.init != "" || t.classify.task != "" || t.classify.seeds != 0 {
		return errors.New("--init, --task and --seeds are for fine-tuning; pre-training takes --data and --tokenizer")
	}
	config, err := configure(args, t.preset, train.ReadPretrainConfig, train.PretrainPreset, map[string]string{
		"data.dir": t.classify.data, "data.tokenizer": t.classify.tokenizer,
	}, t.sets, (*train.PretrainConfig).Set)
	if err != nil {
		return err
	}
	run, err := train.NewPretrainRun(t.dir, config)
	if err != nil {
		return err
	}
	return fit(ctx, w, t.dir, run.Steps(), run.Train)
}

// fitClassifier trains one classifier and returns its scores.
func fitClassifier(ctx context.Context, w io.Writer, dir string, config train.ClassifyConfig) (train.Validation, error) {
	run, err := train.NewClassifyRun(dir, config)
	if err != nil {
		return train.Validation{}, err
	}
	if n := run.Task.Cut; n > 0 {
		fmt.Fprintf(w, "%d training texts are longer than %d tokens; their ends are left out\n", n, run.Task.Encoder.MaxLength)
	}
	var best train.Validation
	err = fit(ctx, w, dir, run.Steps(), func(ctx context.Context, progress func(train.Progress, *train.Validation)) (v train.Validation, err error) {
		best, err = run.Train(ctx, progress)
		return best, err
	})
	return best, err
}

// seeds trains with several seeds, a folder each, and prints the mean of the scores, how
// far they spread, and which runs have learned to say one label for all texts only.
func (t training) seeds(ctx context.Context, w io.Writer, config train.ClassifyConfig) error {
	scores := map[string][]float64{}
	for seed := 1; seed <= t.classify.seeds; seed++ {
		config.Training.Seed = uint64(seed)
		dir := filepath.Join(t.dir, fmt.Sprintf("seed-%d", seed))
		v, err := fitClassifier(ctx, w, dir, config)
		if err != nil {
			return err
		}
		for name, score := range v.Scores {
			scores[name] = append(scores[name], score)
		}
		if v.OneLabel {
			fmt.Fprintf(w, "seed %d has learned to say one label for all texts; take a lower rate or more epochs\n", seed)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		mean, deviation := meanAndDeviation(scores[name])
		fmt.Fprintf(w, "%-10s %.4f ± %.4f over %d seeds\n", name, mean, deviation, t.classify.seeds)
	}
	return nil
}

// meanAndDeviation returns the mean and the deviation of a sample.
func meanAndDeviation(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean) / float64(max(len(x)-1, 1))
	}
	return mean, math.Sqrt(deviation)
}
