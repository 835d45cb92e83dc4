package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/train"
)

func newTrain() *cobra.Command {
	var preset, dir string
	var sets []string
	var files train.DataConfig
	c := &cobra.Command{
		Use:   "train [CONFIG.yaml] --dir RUN",
		Short: "Train a translation model, or go on where training stopped",
		Long: `train fits a Transformer to a parallel corpus. The run is a folder: running the
same command again goes on from its last checkpoint, to the same weights bit for
bit. Ctrl-C makes a checkpoint and stops.`,
		Example: `  kotoba train --preset transformer-tiny --src train.en --tgt train.de \
      --valid-src val.en --valid-tgt val.de --dir runs/ende
  kotoba config > ende.yaml
  kotoba train ende.yaml --set training.seed=2 --dir runs/ende-2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			config, err := trainConfig(args, preset, files, sets)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return runTrain(ctx, c.ErrOrStderr(), dir, config)
		},
	}
	c.Flags().StringVar(&preset, "preset", "", "start from a preset: "+strings.Join(train.Presets(), ", "))
	c.Flags().StringVar(&dir, "dir", "", "folder of the run")
	c.Flags().StringVar(&files.Source, "src", "", "training text, source language")
	c.Flags().StringVar(&files.Target, "tgt", "", "training text, target language")
	c.Flags().StringVar(&files.ValidSource, "valid-src", "", "validation text, source language")
	c.Flags().StringVar(&files.ValidTarget, "valid-tgt", "", "validation text, target language")
	c.Flags().StringArrayVar(&sets, "set", nil, "change one value of the configuration, as in training.seed=2")
	if err := c.MarkFlagRequired("dir"); err != nil {
		panic(err)
	}
	return c
}

// trainConfig joins, each going before the one before it, the preset, the
// file, the flags for files and --set.
func trainConfig(args []string, preset string, files train.DataConfig, sets []string) (config train.Config, err error) {
	switch {
	case len(args) == 1 && preset != "":
		return config, errors.New("a configuration and --preset are given; name the preset in the configuration instead")
	case len(args) == 1:
		config, err = train.ReadConfig(args[0])
	default:
		config, err = train.Preset(preset)
	}
	if err != nil {
		return config, err
	}
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&config.Data.Source, files.Source},
		{&config.Data.Target, files.Target},
		{&config.Data.ValidSource, files.ValidSource},
		{&config.Data.ValidTarget, files.ValidTarget},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	for _, s := range sets {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return config, fmt.Errorf("--set %s: want key=value", s)
		}
		if err := config.Set(key, value); err != nil {
			return config, err
		}
	}
	return config, nil
}

func runTrain(ctx context.Context, w io.Writer, dir string, config train.Config) error {
	run, err := train.NewRun(dir, config)
	if err != nil {
		return err
	}
	if n := run.Task.Skipped; n > 0 {
		fmt.Fprintf(w, "skipped %d pairs that are empty on one side or over %d tokens\n", n, run.Task.Model.MaxLength)
	}
	bar := newTrainBar(w, config.Training.MaxSteps)
	best, err := run.Train(ctx, bar.update)
	bar.finish()
	if errors.Is(err, train.ErrInterrupted) {
		fmt.Fprintf(w, "stopped; the same command goes on from here\n")
		return errReported
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "best: %s; in %s\n", describe(best), dir)
	return nil
}

// describe renders a validation for people.
func describe(v train.Validation) string {
	s := fmt.Sprintf("validation loss %.3f", v.Loss)
	if v.BLEU != nil {
		s += fmt.Sprintf(", BLEU %.2f", *v.BLEU)
	}
	return s
}

func newConfig() *cobra.Command {
	var preset string
	c := &cobra.Command{
		Use: "config", Short: "Print a full configuration with the meaning of each value", Args: cobra.NoArgs,
		Example: "  kotoba config --preset transformer-base > base.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := train.Preset(preset)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), config.Format())
			return err
		},
	}
	c.Flags().StringVar(&preset, "preset", "", "the preset: "+strings.Join(train.Presets(), ", "))
	return c
}

// round shortens a duration for people.
func round(d time.Duration) time.Duration { return d.Round(time.Second) }
