package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/data/builtin"
	"github.com/kotoba-nlp/kotoba/reproduce"
	"github.com/kotoba-nlp/kotoba/train"
)

// luong15 is what the flags of reproduce luong15 say.
type luong15 struct {
	data, src, tgt string
	table          int
	asJSON         bool
	sets           []string
	experiment     reproduce.Luong15
}

func newReproduceLuong15() *cobra.Command {
	var l luong15
	c := &cobra.Command{
		Use:   "luong15 [--data DIR --src LANGUAGE --tgt LANGUAGE]",
		Short: "The comparison of attention of Luong, Pham and Manning 2015",
		Long: `luong15 trains the models of Luong, Pham and Manning, "Effective Approaches to
Attention-based Neural Machine Translation", EMNLP 2015, with one layer of 128 units
unless --set says otherwise, and prints
perplexity, BLEU and, where the true alignment is known, alignment error rate, with the
paper's BLEU (of English to German, WMT 2014) beside. --table 1 adds one thing after the
other to a model without attention, and prints what each gains; --table 4 compares scores
and windows of attention. Unknown words are replaced by a dictionary of what the model
links with each other in the training text.

Without --data it takes the built-in corpus, Japanese to English. With it, DIR holds
train.L, and val.L, valid.L or dev.L, for both languages L, a sentence a line; test.L or
test_2016_flickr.L where there is one. Without a test text, the validation text is the
test, and the end of the training text the validation.

Each model is a run in a folder of --dir; the same command goes on where it was stopped.`,
		Example: `  kotoba reproduce luong15
  kotoba reproduce luong15 --table 4 --seeds 3
  kotoba reproduce luong15 --data enja --src ja --tgt en --steps 6000 \
      --set recurrent.hidden=256 --set recurrent.dim=256`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return l.run(ctx, c)
		},
	}
	f := c.Flags()
	f.StringVar(&l.data, "data", "", "folder of a parallel corpus; none is the built-in one")
	f.StringVar(&l.src, "src", "", "source language: the ending of its files")
	f.StringVar(&l.tgt, "tgt", "", "target language")
	f.StringVar(&l.experiment.Dir, "dir", "luong15", "folder of the runs")
	f.IntVar(&l.table, "table", 1, "of the paper: 1 or 4")
	f.IntVar(&l.experiment.Seeds, "seeds", 1, "runs of each model")
	f.IntVar(&l.experiment.Steps, "steps", 1500, "of training")
	f.StringArrayVar(&l.sets, "set", nil, "change one value of every model's configuration, as in recurrent.hidden=512")
	f.BoolVar(&l.asJSON, "json", false, "print one JSON object a line")
	return c
}

func (l *luong15) run(ctx context.Context, c *cobra.Command) error {
	x := &l.experiment
	if x.Seeds < 1 || x.Steps < 4 {
		return fmt.Errorf("--seeds is %d and --steps %d; want at least 1 and 4", x.Seeds, x.Steps)
	}
	var err error
	if x.Corpus, err = l.corpus(); err != nil {
		return err
	}
	x.Validated = func(folder string, p train.Progress, v train.Validation) {
		fmt.Fprintf(c.ErrOrStderr(), "%s: step %d of %d, %s\n", folder, p.Step, x.Steps, describe(v))
	}
	x.Change = func(c *train.Config) error {
		return applySets(l.sets, func(key, value string) error { return train.Set(c, key, value) })
	}
	table := map[int]func(context.Context, func(reproduce.Compared)) error{1: x.Table1, 4: x.Table4}[l.table]
	if table == nil {
		return fmt.Errorf("--table is %d; want 1 or 4", l.table)
	}
	out := newOutput(c)
	if !l.asJSON {
		fmt.Fprintf(out, "%-38s %14s %14s %7s %15s %10s %7s\n", "", "perplexity", "BLEU", "gain", "AER", "published", "gain")
	}
	err = table(ctx, func(r reproduce.Compared) {
		l.print(out, r)
		_ = out.flush() // the next takes long
	})
	err = errors.Join(err, out.flush())
	if errors.Is(err, train.ErrInterrupted) {
		fmt.Fprintln(c.ErrOrStderr(), "stopped; the same command goes on from here")
		return errReported
	}
	return err
}

func (l *luong15) print(w output, r reproduce.Compared) {
	if l.asJSON {
		w.json(r)
		return
	}
	published := ""
	if r.Published > 0 {
		published = fmt.Sprintf("%.1f", r.Published)
	}
	fmt.Fprintf(w, "%-38s %14s %14s %7s %15s %10s %7s\n", r.Name, spread(r.Perplexity, 1), spread(r.BLEU, 1), gain(r.Gain), spread(r.AER, 100), published, gain(r.PublishedGain))
}

// gain renders what a row adds to the one before.
func gain(x *float64) string {
	if x == nil {
		return ""
	}
	return fmt.Sprintf("%+.2f", *x)
}

// spread renders the mean of values over seeds, times scale, and the deviation of the
// sample.
func spread(values []float64, scale float64) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%.2f", scale*values[0])
	}
	mean, deviation := stat.MeanStdDev(values, nil)
	return fmt.Sprintf("%.2f ± %.2f", scale*mean, scale*deviation)
}

// heldOut is the number of pairs at the end of the training text that validate where
// the validation text is the test.
const heldOut = 500

func (l *luong15) corpus() (reproduce.Corpus, error) {
	if l.data == "" {
		if l.src != "" || l.tgt != "" {
			return reproduce.Corpus{}, errors.New("--src and --tgt need --data: the folder of a corpus")
		}
		return builtinCorpus(), nil
	}
	if l.src == "" || l.tgt == "" {
		return reproduce.Corpus{}, errors.New("--data needs --src and --tgt: the endings of its files")
	}
	var c reproduce.Corpus
	var err error
	if c.Fit, err = l.mustRead("train"); err != nil {
		return c, err
	}
	if c.Valid, err = l.mustRead("val", "valid", "dev"); err != nil {
		return c, err
	}
	var found bool
	if c.Test, found, err = l.read("test", "test_2016_flickr"); found || err != nil {
		return c, err
	}
	cut := len(c.Fit.Source) - heldOut
	if cut < 1 {
		return c, fmt.Errorf("%s has no test text and only %d pairs to train on; want more than %d, or a test text", l.data, len(c.Fit.Source), heldOut)
	}
	c.Test = c.Valid
	c.Valid = train.Text{Source: c.Fit.Source[cut:], Target: c.Fit.Target[cut:]}
	c.Fit = train.Text{Source: c.Fit.Source[:cut], Target: c.Fit.Target[:cut]}
	return c, nil
}

// read reads the first of some texts that is there, if only in one of the languages, which
// is an error.
func (l *luong15) read(names ...string) (t train.Text, found bool, err error) {
	for _, name := range names {
		path := filepath.Join(l.data, name+".")
		_, source := os.Stat(path + l.src)
		_, target := os.Stat(path + l.tgt)
		if errors.Is(source, os.ErrNotExist) && errors.Is(target, os.ErrNotExist) {
			continue
		}
		if t.Source, t.Target, err = data.ReadParallel(path+l.src, path+l.tgt); err != nil {
			err = fmt.Errorf("--data: %w", err)
		}
		return t, true, err
	}
	return t, false, nil
}

// mustRead reads the first of some texts that is there, of which one has to be.
func (l *luong15) mustRead(names ...string) (train.Text, error) {
	t, found, err := l.read(names...)
	if !found {
		return t, fmt.Errorf("--data: %s has no %s with the endings %s and %s", l.data, strings.Join(names, " or "), l.src, l.tgt)
	}
	return t, err
}

func builtinCorpus() reproduce.Corpus {
	fit, valid, test := builtin.Corpus()
	c := reproduce.Corpus{Fit: textOf(fit), Valid: textOf(valid), Test: textOf(test)}
	for _, p := range test {
		c.Gold = append(c.Gold, goldOf(p))
	}
	return c
}
