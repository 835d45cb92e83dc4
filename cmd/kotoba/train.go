package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kotoba-nlp/kotoba/train"
)

// training is what the flags of train say.
type training struct {
	preset, dir string
	sets        []string
	files       train.DataConfig   // of a translation model
	text        train.LMDataConfig // of a language model
	bert        bertFlags
}

func newTrain() *cobra.Command {
	var t training
	c := &cobra.Command{
		Use:   "train [CONFIG.yaml] --dir RUN",
		Short: "Train a model, or go on where training stopped",
		Long: `train fits a model: a Transformer or a recurrent encoder-decoder to a parallel corpus,
a recurrent language model to a text, a BERT to instances of pre-training, to labelled
texts or words, or to questions. The preset says which. The run is a folder: running the same
command again goes on from its last checkpoint, to the same weights bit for bit.
Ctrl-C makes a checkpoint and stops.`,
		Example: `  kotoba train --preset transformer-tiny --src train.en --tgt train.de \
      --valid-src val.en --valid-tgt val.de --dir runs/ende
  kotoba train --preset lstm-zaremba-small --text train.txt --valid-text valid.txt --dir runs/lm
  kotoba train --preset bert-tiny --data pretrain --tokenizer bert-base --dir runs/tiny
  kotoba train --preset bert-base --init bert-base --data pretrain --dir runs/further
  kotoba train --preset bert-classify --init minilm --task sst2 --data glue --dir runs/sst2
  kotoba train --preset bert-classify --init minilm --train my.csv --dev dev.csv --text review --label stars --dir runs/stars
  kotoba train --preset bert-qa --init minilm --train train-v1.1.json --dev dev-v1.1.json --dir runs/qa
  kotoba train --preset bert-label --init minilm --train eng.train --dev eng.testa --dir runs/ner
  kotoba config > ende.yaml
  kotoba train ende.yaml --set training.seed=2 --dir runs/ende-2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return t.run(ctx, c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&t.preset, "preset", "", "start from a preset: "+strings.Join(train.Presets(), ", "))
	f.StringVar(&t.dir, "dir", "", "folder of the run")
	f.StringVar(&t.files.Source, "src", "", "training text, source language")
	f.StringVar(&t.files.Target, "tgt", "", "training text, target language")
	f.StringVar(&t.files.ValidSource, "valid-src", "", "validation text, source language")
	f.StringVar(&t.files.ValidTarget, "valid-tgt", "", "validation text, target language")
	f.StringVar(&t.text.Text, "text", "", "training text of a language model; of a classifier's table, the column of the text, by name, or by number from 0 where the table has no line of names")
	f.StringVar(&t.text.Valid, "valid-text", "", "its validation text; without one, the end of the training text")
	t.bert.add(f)
	f.StringArrayVar(&t.sets, "set", nil, "change one value of the configuration, as in training.seed=2")
	require(c, "dir")
	return c
}

// kind is what train does for the presets of one kind of model.
type kind struct {
	what  string // the model
	flags []string
	is    func(preset string) bool // nil for the one that is left
	train func(t training, ctx context.Context, w io.Writer, args []string) error
}

var kinds = []kind{
	{"a classifier", []string{"init", "task", "data", "train", "dev", "text", "pair", "label", "regression", "seeds"}, train.Classifiers.Has, training.classifier},
	{"question answering", []string{"init", "train", "dev", "seeds"}, train.Answerers.Has, training.answerer},
	{"labelling words", []string{"init", "train", "dev", "seeds"}, train.Labellers.Has, training.labeller},
	{"pre-training", []string{"init", "data", "tokenizer"}, train.Pretrainings.Has, training.pretrain},
	{"a language model", []string{"text", "valid-text"}, train.LanguageModels.Has, training.language},
	{"a translation model", []string{"src", "tgt", "valid-src", "valid-tgt"}, nil, training.translation},
}

// check refuses flags that the kind would not read.
func (k kind) check(flags *pflag.FlagSet) error {
	stray := strayFlag(flags, append([]string{"preset", "dir", "set", "threads"}, k.flags...))
	if stray == "" {
		return nil
	}
	var others []string
	for _, other := range kinds {
		if slices.Contains(other.flags, stray) {
			others = append(others, other.what)
		}
	}
	return fmt.Errorf("--%s is not for %s, which takes --%s; it is for %s: name one of its presets with --preset",
		stray, k.what, strings.Join(k.flags, ", --"), strings.Join(others, ", "))
}

func (t training) run(ctx context.Context, c *cobra.Command, args []string) error {
	if len(args) == 1 && t.preset != "" {
		return errors.New("a configuration and --preset are given; name the preset in the configuration instead")
	}
	if len(args) == 0 && strayFlag(c.Flags(), []string{"dir", "set", "threads"}) == "" {
		return fmt.Errorf("there is nothing to train: name a configuration, or one of the presets %s with --preset", strings.Join(train.Presets(), ", "))
	}
	preset := t.preset
	if len(args) == 1 {
		var err error
		if preset, err = train.PresetOfFile(args[0]); err != nil {
			return err
		}
	}
	k := kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.is == nil || k.is(preset) })]
	if k.is == nil && preset != "" {
		if _, err := train.Translations.Preset(preset); err != nil {
			return err
		}
	}
	if err := k.check(c.Flags()); err != nil {
		return err
	}
	for _, name := range []*string{&t.bert.init, &t.bert.tokenizer} {
		if *name == "" {
			continue
		}
		var err error
		if *name, err = modelFolder(*name); err != nil {
			return err
		}
	}
	return k.train(t, ctx, c.ErrOrStderr(), args)
}

// configure returns, each going before the one before it, the preset or the file,
// then the values of flags, and --set.
func configure[C any](args []string, preset string, k train.Kind[C], flags map[string]string, sets []string) (config C, err error) {
	if len(args) == 1 {
		config, err = k.Read(args[0])
	} else {
		config, err = k.Preset(preset)
	}
	if err != nil {
		return config, err
	}
	for key, value := range flags {
		if value == "" {
			continue
		}
		if err := train.Set(&config, key, strconv.Quote(value)); err != nil {
			return config, err
		}
	}
	err = applySets(sets, func(key, value string) error { return train.Set(&config, key, value) })
	return config, err
}

// applySets sets what flags --set key=value say.
func applySets(sets []string, set func(key, value string) error) error {
	for _, s := range sets {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("--set %s: want key=value", s)
		}
		if err := set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (t training) translation(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.Translations, map[string]string{
		"data.source": t.files.Source, "data.target": t.files.Target,
		"data.valid_source": t.files.ValidSource, "data.valid_target": t.files.ValidTarget,
	}, t.sets)
	if err != nil {
		return err
	}
	run, err := train.NewRun(t.dir, config)
	if err != nil {
		return err
	}
	if n := run.Task.Skipped; n > 0 {
		fmt.Fprintf(w, "skipped %d pairs that are empty on one side or over %d tokens\n", n, run.Task.Model.MaxLength())
	}
	if n := run.Task.SkippedValid; n > 0 {
		fmt.Fprintf(w, "the validation loss is without %d pairs of over %d tokens\n", n, run.Task.Model.MaxLength())
	}
	_, err = fit(ctx, w, t.dir, run.Steps(), run.Train)
	return err
}

func (t training) language(ctx context.Context, w io.Writer, args []string) error {
	config, err := configure(args, t.preset, train.LanguageModels, map[string]string{
		"data.text": t.text.Text, "data.valid": t.text.Valid,
	}, t.sets)
	if err != nil {
		return err
	}
	run, err := train.NewLMRun(t.dir, config)
	if err != nil {
		return err
	}
	_, err = fit(ctx, w, t.dir, run.Steps(), run.Train)
	return err
}

// fit trains with a bar of the given number of steps, and returns the best validation.
func fit(ctx context.Context, w io.Writer, dir string, steps int,
	run func(context.Context, func(train.Progress, *train.Validation)) (train.Validation, error),
) (best train.Validation, err error) {
	bar := newTrainBar(w, steps)
	best, err = run(ctx, bar.update)
	bar.finish()
	if errors.Is(err, train.ErrInterrupted) {
		fmt.Fprintf(w, "stopped; the same command goes on from here\n")
		return best, errReported
	}
	if err != nil {
		return best, err
	}
	fmt.Fprintf(w, "best: %s; in %s\n", describe(best), dir)
	return best, nil
}

// describe renders a validation for people.
func describe(v train.Validation) string {
	parts := []string{fmt.Sprintf("validation loss %.3f", v.Loss)}
	if v.BLEU != nil {
		parts = append(parts, fmt.Sprintf("BLEU %.2f", *v.BLEU))
	}
	if v.Perplexity != nil {
		parts = append(parts, "perplexity "+perplexity(*v.Perplexity))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Scores)) {
		parts = append(parts, fmt.Sprintf("%s %.4f", name, v.Scores[name]))
	}
	return strings.Join(parts, ", ")
}

// perplexity renders one, which a bad model makes very large.
func perplexity(x float64) string {
	if x < 1e6 {
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.2e", x)
}

func newConfig() *cobra.Command {
	var preset string
	c := &cobra.Command{
		Use: "config", Short: "Print a full configuration with the meaning of each value", Args: cobra.NoArgs,
		Example: "  kotoba config --preset transformer-base > base.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := train.FormatPreset(preset)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			return err
		},
	}
	c.Flags().StringVar(&preset, "preset", "", "the preset: "+strings.Join(train.Presets(), ", "))
	return c
}

// round shortens a duration for people.
func round(d time.Duration) time.Duration { return d.Round(time.Second) }
