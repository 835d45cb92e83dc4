package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/data/builtin"
	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/train"
)

func newDemo() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Train a small Transformer on the built-in corpus and look at it",
		Long: `demo trains a Transformer to translate Japanese into English, on a corpus that
is built in, in less than a minute on two cores. It prints held-out BLEU and ten
translations, and leaves a run folder with the attention as a web page
(attention.html) and the training curve (curve.png).`,
		Example: "  kotoba demo --dir demo",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return demo(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), dir)
		},
	}
	c.Flags().StringVar(&dir, "dir", "demo", "folder of the run")
	return c
}

// demoConfig is a model that learns the built-in corpus in half a minute.
func demoConfig() (train.Config, error) {
	c, err := train.Translations.Preset(train.DefaultPreset)
	if err != nil {
		return c, err
	}
	c.Tokenizer = train.TokenizerConfig{Type: "words"}
	c.Data.Tokenize, c.Data.ValidLines = "none", 200
	c.Model = transformer.Config{Dim: 128, Heads: 4, FFN: 512, EncoderLayers: 2, DecoderLayers: 2, MaxLength: 64, Dropout: 0.1}
	c.Training.BatchTokens, c.Training.MaxSteps, c.Training.MaxMinutes = 1024, 420, 0.7
	c.Training.Rate, c.Training.Warmup = 4e-3, 100
	c.Training.ValidateEvery, c.Training.Average, c.Training.Patience = 60, 0, 0
	c.Decoding = train.DecodingConfig{Beam: 1}
	return c, nil
}

// demoShown is the number of translations, and of examples on the page, that
// the demo shows.
const demoShown = 10

func demo(ctx context.Context, out, progress io.Writer, dir string) error {
	c, err := demoConfig()
	if err != nil {
		return err
	}
	fit, valid, test := builtin.Corpus()
	run, err := train.NewRunOf(dir, c, textOf(fit), textOf(valid))
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "training a Transformer of %d + %d layers on %d sentence pairs\n", c.Model.EncoderLayers, c.Model.DecoderLayers, len(fit))
	bar := newTrainBar(progress, c.Training.MaxSteps)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	_, err = run.Train(ctx, bar.update)
	stop() // what follows keeps nothing, and a signal ends it
	bar.finish()
	if errors.Is(err, train.ErrInterrupted) {
		fmt.Fprintln(progress, "stopped; the same command goes on from here")
		return errReported
	}
	if err != nil {
		return err
	}
	return demoReport(out, run, test)
}

// demoReport prints what the model does with the held-out text and writes the
// pictures.
func demoReport(out io.Writer, run *train.Run, test []builtin.Pair) error {
	text := textOf(test)
	hyp, err := run.Task.Translate(text.Source)
	if err != nil {
		return err
	}
	bleu, err := metrics.BLEUConfig{Tokenize: metrics.TokenizeNone}.Corpus(hyp, text.Target)
	if err != nil {
		return err
	}
	for i := range demoShown {
		fmt.Fprintf(out, "source     %s\nreference  %s\nkotoba     %s\n\n", text.Source[i], text.Target[i], hyp[i])
	}
	attention, gold, err := demoAttention(run.Task, test)
	if err != nil {
		return err
	}
	report, err := inspect.ScoreAttention(attention, gold)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "How often the strongest encoder-decoder attention hits the gold alignment:\n%s\n", report)
	page := filepath.Join(run.Dir, "attention.html")
	if err := writeNew(page, true, func(w io.Writer) error {
		return inspect.WriteHTML(w, "Attention of the demo", attention[:demoShown]...)
	}); err != nil {
		return err
	}
	fmt.Fprintf(out, "attention: %s\n", page)
	curve, err := curveOf(filepath.Join(run.Dir, "metrics.jsonl"))
	if err != nil {
		return err
	}
	figure, err := inspect.TrainingCurve(curve)
	if err != nil {
		return err
	}
	path := filepath.Join(run.Dir, "curve.png")
	if err := writeNew(path, true, figure.WritePNG); err != nil {
		return err
	}
	fmt.Fprintf(out, "curve: %s\n", path)
	_, err = fmt.Fprintf(out, "BLEU = %.2f\n", bleu.Score)
	return err
}

// demoAttention returns the attention of the model on the held-out pairs, as it
// puts out the references, with their gold alignments.
func demoAttention(t *train.Translation, test []builtin.Pair) (all []inspect.Attention, gold [][]metrics.Link, err error) {
	for _, p := range test {
		source, target := t.Tokenizer.Encode(strings.Join(p.Source, " ")), t.Tokenizer.Encode(strings.Join(p.Target, " "))
		a, err := t.Model.Attention(source, target)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, a)
		gold = append(gold, goldOf(p))
	}
	return all, gold, nil
}

// goldOf returns the alignment of a built-in pair.
func goldOf(p builtin.Pair) (links []metrics.Link) {
	for _, l := range p.Alignment {
		links = append(links, metrics.Link{Source: l.Source, Target: l.Target})
	}
	return links
}

// curveOf reads the steps of a run and its validations, those of earlier sessions too.
func curveOf(path string) (points []inspect.CurvePoint, err error) {
	l, err := openLines(path, nil)
	if err != nil {
		return nil, err
	}
	defer l.close()
	for l.next() {
		var x struct {
			Step int
			Loss *float64
			BLEU *float64 `json:"valid_bleu"`
		}
		if err := json.Unmarshal([]byte(l.text), &x); err != nil {
			return nil, l.errorf("%v", err)
		}
		p := inspect.CurvePoint{Step: x.Step, Loss: math.NaN(), BLEU: math.NaN()}
		if x.Loss != nil {
			p.Loss = *x.Loss
		}
		if x.BLEU != nil {
			p.BLEU = *x.BLEU
		}
		points = append(points, p)
	}
	return points, l.err
}

func textOf(pairs []builtin.Pair) train.Text {
	var t train.Text
	for _, p := range pairs {
		t.Source = append(t.Source, strings.Join(p.Source, " "))
		t.Target = append(t.Target, strings.Join(p.Target, " "))
	}
	return t
}
