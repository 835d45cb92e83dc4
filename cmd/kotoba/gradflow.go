package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/data/builtin"
	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/models/rnnlm"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
	"github.com/kotoba-nlp/kotoba/train"
)

// mostUnits bounds a fresh layer: an analysis computes with units² errors.
const mostUnits = 1024

// gradflow is what the flags of inspect gradflow say.
type gradflow struct {
	preset, text, path     string
	units, lags, positions int
	seed                   uint64
	force, asJSON          bool
}

func newInspectGradflow() *cobra.Command {
	var g gradflow
	c := &cobra.Command{
		Use:   "gradflow [RUN] [-o FILE]",
		Short: "Measure how errors vanish or explode on their way back in time",
		Long: `gradflow measures by what factor an error is scaled when it is carried back
through the steps of a recurrent layer (Hochreiter 1991): the norm of the product
of Jacobians, over places of a text, with the spectral radius of the recurrent
weights and the bound that follows from the largest of them.

With a run of a language model or of a recurrent encoder-decoder it measures each layer,
of the latter's encoder in both directions, on --text, all lines as one. With --preset it
compares fresh layers on --text or on the built-in corpus: a plain recurrent layer
whose errors vanish, one with larger weights whose errors explode, and an LSTM.`,
		Example: `  kotoba inspect gradflow --preset rnn-logistic -o gradflow.png
  kotoba inspect gradflow --preset lstm --lags 200 -o gradflow.html
  kotoba inspect gradflow runs/lm --text valid.txt --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return g.run(c, args) },
	}
	f := c.Flags()
	f.StringVar(&g.preset, "preset", "", "fresh layers: "+joinCells())
	f.StringVar(&g.text, "text", "", "text that the layers read; needed with a run")
	f.StringVarP(&g.path, "out", "o", "", "picture to write: .png, .svg or .html")
	f.IntVar(&g.units, "units", 100, "units of fresh layers")
	f.IntVar(&g.lags, "lags", 100, "steps to go back")
	f.IntVar(&g.positions, "positions", 20, "places of the text to start from")
	f.Uint64Var(&g.seed, "seed", 1, "of the weights of fresh layers")
	f.BoolVar(&g.asJSON, "json", false, "print the figures of every lag as JSON")
	f.BoolVar(&g.force, "force", false, "replace a picture that is there")
	return c
}

func joinCells() string {
	var names []string
	for _, c := range nn.Cells {
		names = append(names, string(c))
	}
	return strings.Join(names, ", ")
}

func (g *gradflow) run(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 1 && g.preset != "":
		return errors.New("a run and --preset are given; measure one at a time")
	case len(args) == 0 && g.preset == "":
		return errors.New("inspect gradflow needs a run or --preset: one of " + joinCells())
	case len(args) == 1 && g.text == "":
		return fmt.Errorf("inspect gradflow of the run %s needs --text: a text for it to read", args[0])
	case g.units < 1 || g.units > mostUnits:
		return fmt.Errorf("--units is %d; want 1 to %d", g.units, mostUnits)
	case g.path != "" && !slices.Contains([]string{".png", ".svg", ".html"}, strings.ToLower(filepath.Ext(g.path))):
		return fmt.Errorf("-o: %s ends in %q; want .png, .svg or .html", g.path, filepath.Ext(g.path))
	case len(args) == 1 && (c.Flags().Changed("units") || c.Flags().Changed("seed")):
		return errors.New("--units and --seed are of fresh layers; those of a run have theirs")
	}
	if g.path != "" {
		if err := checkNew(g.path, g.force); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	var report inspect.ErrorFlowReport
	var err error
	if len(args) == 1 {
		report, err = g.ofRun(args[0])
	} else {
		report, err = g.ofPreset()
	}
	if err != nil {
		return err
	}
	if g.path != "" {
		if err := g.draw(report); err != nil {
			return err
		}
	}
	out := newOutput(c)
	if g.asJSON {
		out.json(report)
	} else {
		printFlows(out, report)
	}
	return out.flush()
}

func printFlows(w io.Writer, r inspect.ErrorFlowReport) {
	head, rows := r.Table()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush() // w keeps its error
}

func (g *gradflow) draw(r inspect.ErrorFlowReport) error {
	if strings.ToLower(filepath.Ext(g.path)) == ".html" {
		if err := writeNew(g.path, g.force, r.WriteHTML); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
		return nil
	}
	f, err := r.Figure()
	if err != nil {
		return err
	}
	return writeFigure(g.path, g.force, f)
}

// ofRun measures every recurrent layer of a trained model, or of its encoder.
func (g *gradflow) ofRun(dir string) (report inspect.ErrorFlowReport, err error) {
	lines, err := data.ReadLines(g.text)
	if err != nil {
		return nil, err
	}
	preset, err := train.PresetOfFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		return nil, fmt.Errorf("%w; want the folder of a run", err)
	}
	if train.LanguageModels.Has(preset) {
		m, err := train.OpenLM(dir)
		if err != nil {
			return nil, err
		}
		ids := shorten(m.Tokens(lines))
		for i, l := range m.Model.Layers {
			if report, err = g.measure(report, fmt.Sprintf("%s, layer %d", l.Cell, i+1), l, inputs(m.Model, i, ids)); err != nil {
				return nil, err
			}
		}
		return report, nil
	}
	m, err := train.Open(dir)
	if err != nil {
		return nil, err
	}
	e := m.Encoder()
	if e == nil {
		return nil, fmt.Errorf("the run %s has no recurrent layers; want one of a language model or of a recurrent encoder-decoder", dir)
	}
	ids := tokensOf(m.Source, lines)
	for i := range e.Encoder {
		x := e.Inputs(seq2seq.Pass{Tape: tensor.NewInferenceTape()}, i, ids)
		if report, err = g.measure(report, fmt.Sprintf("encoder, %s, layer %d", e.Cell, i+1), e.Encoder[i], x); err != nil {
			return nil, err
		}
		if i < len(e.Backward) {
			if report, err = g.measure(report, fmt.Sprintf("encoder from the end, %s, layer %d", e.Cell, i+1), e.Backward[i], fromTheEnd(x)); err != nil {
				return nil, err
			}
		}
	}
	return report, nil
}

// fromTheEnd returns the rows of x in reverse order.
func fromTheEnd(x *tensor.Tensor) *tensor.Tensor {
	y := tensor.NewConstant(x.Rows(), x.Cols())
	for i := range x.Rows() {
		copy(y.Row(i), x.Row(x.Rows()-1-i))
	}
	return y
}

// tokensOf returns the tokens of lines, each with its end symbol.
func tokensOf(tok tokenizer.Tokenizer, lines []string) (ids []int32) {
	for _, line := range lines {
		ids = append(append(ids, tok.Encode(line)...), tok.Special().End)
	}
	return shorten(ids)
}

// shorten returns as much of a text as lets errors start from anywhere.
func shorten(ids []int32) []int32 { return ids[:min(len(ids), 50_000)] }

// inputs are what a layer of a language model reads.
func inputs(m *rnnlm.Model, layer int, ids []int32) *tensor.Tensor {
	return m.Inputs(rnnlm.Pass{Tape: tensor.NewInferenceTape()}, layer, ids, tensor.EqualSteps(len(ids), 1))
}

// measure adds the error flow of a layer that reads x to a report.
func (g *gradflow) measure(r inspect.ErrorFlowReport, name string, l nn.Recurrent, x *tensor.Tensor) (inspect.ErrorFlowReport, error) {
	f, err := inspect.MeasureErrorFlow(l, x, g.lags, g.positions)
	return append(r, inspect.NamedErrorFlow{Name: name, ErrorFlow: f}), err
}

// ofPreset measures fresh layers side by side: the one asked for, and those that show
// what can happen to an error.
func (g *gradflow) ofPreset() (inspect.ErrorFlowReport, error) {
	asked := nn.Cell(g.preset)
	if err := asked.Validate(); err != nil {
		return nil, fmt.Errorf("--preset: %w", err)
	}
	ids, vocab, err := g.words()
	if err != nil {
		return nil, err
	}
	plain, gated := nn.RNNTanh, []nn.Cell{nn.LSTMNoForget}
	switch asked {
	case nn.RNNTanh, nn.RNNLogistic, nn.RNNReLU:
		plain = asked
	case nn.LSTMNoForget:
	default:
		gated = append(gated, asked)
	}
	var report inspect.ErrorFlowReport
	for _, radius := range []float64{0.5, 2} {
		m, err := g.fresh(plain, vocab)
		if err != nil {
			return nil, err
		}
		scaled, err := inspect.ScaleRecurrence(m.Layers[0], radius)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%s, radius %g", plain, scaled)
		if report, err = g.measure(report, name, m.Layers[0], inputs(m, 0, ids)); err != nil {
			return nil, err
		}
	}
	for _, cell := range gated {
		m, err := g.fresh(cell, vocab)
		if err != nil {
			return nil, err
		}
		if report, err = g.measure(report, string(cell), m.Layers[0], inputs(m, 0, ids)); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// fresh returns a model of one layer as training begins with it.
func (g *gradflow) fresh(cell nn.Cell, vocab int) (*rnnlm.Model, error) {
	c := rnnlm.Config{Cell: cell, Vocab: vocab, Dim: g.units, Hidden: g.units, Layers: 1, Init: 0.1}
	return rnnlm.New(c, rand.New(rand.NewPCG(g.seed, 0)))
}

// words returns the text as numbers of its words.
func (g *gradflow) words() (ids []int32, vocab int, err error) {
	var lines []string
	if g.text == "" {
		_, _, test := builtin.Corpus()
		for _, p := range test {
			lines = append(lines, strings.Join(p.Target, " "))
		}
	} else if lines, err = data.ReadLines(g.text); err != nil {
		return nil, 0, err
	}
	tok, err := tokenizer.TrainWords(slices.Values(lines), tokenizer.WordsOptions{MaxSize: 10_000})
	if err != nil {
		return nil, 0, err
	}
	return tokensOf(tok, lines), tok.Len(), nil
}
