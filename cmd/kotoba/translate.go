package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/train"
)

// translateFlags are the flags of translate that are not options of decode.
type translateFlags struct {
	beam, nbest          int
	penalty, onLong      string
	alpha                float64
	sample, json, scores bool
	alignment            bool
	replaceUnknown       bool
	dictionary           string
	words                map[string]string // of dictionary
	sampling             decode.Sampling
	batchTokens          int
}

func newTranslate() *cobra.Command {
	var f translateFlags
	c := &cobra.Command{
		Use:   "translate RUN... < in > out",
		Short: "Translate standard input, a sentence a line",
		Long: `translate answers each line of standard input with its translation. Several runs
that share a vocabulary translate together, as an ensemble.`,
		Example: `  kotoba translate runs/ende < test.en > test.out
  kotoba translate runs/ende --beam 5 --length-penalty power --alpha 1 --nbest 5 < test.en
  kotoba translate runs/ende runs/ende-2 runs/ende-3 < test.en
  echo "A dog runs." | kotoba translate runs/ende --sample --top-p 0.9 --seed 1`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if f.dictionary != "" {
				if !f.replaceUnknown {
					return errors.New("--dictionary needs --replace-unknown")
				}
				var err error
				if f.words, err = readDictionary(f.dictionary); err != nil {
					return err
				}
			}
			m, err := openAll(args)
			if err != nil {
				return err
			}
			if (f.alignment || f.replaceUnknown) && !m.Attends() {
				return errors.New("--alignment and --replace-unknown say what the model attends to; this one has no attention")
			}
			o, err := f.options(c, m.Config.Decoding)
			if err != nil {
				return err
			}
			return translate(c.InOrStdin(), c.OutOrStdout(), m, o, f)
		},
	}
	c.Flags().IntVar(&f.beam, "beam", 0, "hypotheses of a sentence, 1 is greedy; 0: as the run's configuration says")
	c.Flags().StringVar(&f.penalty, "length-penalty", "", "gnmt: ((5+n)/6)^alpha, power: n^alpha, or none")
	c.Flags().Float64Var(&f.alpha, "alpha", 0.6, "the power of the length penalty")
	c.Flags().IntVar(&f.nbest, "nbest", 0, "print the n best translations: line ||| text ||| log-probability ||| score")
	c.Flags().BoolVar(&f.sample, "sample", false, "draw tokens at random instead of searching")
	addSampling(c, &f.sampling)
	c.Flags().BoolVar(&f.json, "json", false, "print a JSON object a line: text, tokens, log_prob, score, alignment")
	c.Flags().BoolVar(&f.scores, "scores", false, "print score, tab, translation")
	c.Flags().BoolVar(&f.alignment, "alignment", false, "print translation ||| links to the source, as 0-0 2-1, by the strongest attention; none for lines that had to be split")
	c.Flags().BoolVar(&f.replaceUnknown, "replace-unknown", false, "put the source word, or what --dictionary has for it, for an unknown word; for vocabularies of words")
	c.Flags().StringVar(&f.dictionary, "dictionary", "", "file of words and their translations, with a tab between")
	c.Flags().IntVar(&f.batchTokens, "batch-tokens", 2048, "source tokens of a batch")
	c.Flags().StringVar(&f.onLong, "on-long", "split", "lines longer than the model takes: split them or refuse them")
	return c
}

// openAll opens a run, or several as an ensemble.
func openAll(dirs []string) (*train.Model, error) {
	var models []*train.Model
	for _, dir := range dirs {
		m, err := train.Open(dir)
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	if len(models) == 1 {
		return models[0], nil
	}
	return train.Ensemble(models...)
}

// options returns the search: what flags say, then what the run says.
func (f translateFlags) options(c *cobra.Command, d train.DecodingConfig) (decode.TranslateOptions, error) {
	o := d.Options()
	for _, n := range []struct {
		flag               string
		value, least, most int
	}{{"beam", f.beam, 0, train.MaxBeam}, {"nbest", f.nbest, 0, train.MaxBeam}, {"batch-tokens", f.batchTokens, 1, math.MaxInt}} {
		if n.value < n.least {
			return o, fmt.Errorf("--%s is %d; want at least %d", n.flag, n.value, n.least)
		}
		if n.value > n.most {
			return o, fmt.Errorf("--%s is %d; want at most %d", n.flag, n.value, n.most)
		}
	}
	if err := f.checkIdle(c); err != nil {
		return o, err
	}
	if f.sample && f.beam > 1 {
		return o, errors.New("--sample draws a translation and --beam searches for one; leave one of them out")
	}
	if f.beam > 0 {
		o.Beam = f.beam
	}
	had := penalised(o.Penalty)
	if f.penalty != "" {
		o.Penalty.Name = f.penalty
	}
	switch alpha := c.Flags().Changed("alpha"); {
	case alpha && !penalised(o.Penalty):
		return o, errors.New("--alpha is the power of a length penalty, and there is none; give --length-penalty gnmt or power")
	case alpha || f.penalty != "" && !had:
		o.Penalty.Alpha = f.alpha
	}
	if f.sample {
		o.Beam, o.Sampling = 1, &f.sampling
	}
	if f.nbest > o.Beam {
		return o, fmt.Errorf("--nbest is %d and --beam %d; want at most as many translations of a sentence as hypotheses, and one of --sample", f.nbest, o.Beam)
	}
	o.NBest, o.BatchTokens = max(f.nbest, 1), f.batchTokens
	o.Scores = f.json || f.scores || f.nbest > 0
	switch f.onLong {
	case "split":
		o.SplitLong = true
	case "refuse":
	default:
		return o, fmt.Errorf("--on-long is %q; want split or refuse", f.onLong)
	}
	return o, o.Validate()
}

// penalised says whether a length penalty is one.
func penalised(p decode.LengthPenalty) bool { return p.Name != "" && p.Name != "none" }

// checkIdle refuses flags that do nothing beside others.
func (f translateFlags) checkIdle(c *cobra.Command) error {
	sampling, search := []string{"temperature", "top-k", "top-p", "seed"}, []string{"length-penalty", "alpha"}
	for _, name := range sampling {
		if c.Flags().Changed(name) && !f.sample {
			return fmt.Errorf("--%s needs --sample", name)
		}
	}
	for _, name := range search {
		if c.Flags().Changed(name) && f.sample {
			return fmt.Errorf("--%s is for searching, and --sample draws a translation; leave one of them out", name)
		}
	}
	switch {
	case f.json && f.scores:
		return errors.New("--json prints scores in any case; leave out --scores")
	case f.nbest > 0 && f.scores:
		return errors.New("--nbest prints scores in any case; leave out --scores")
	case f.alignment && !f.json && (f.nbest > 0 || f.scores):
		return errors.New("--alignment does not go with --nbest or --scores; print all of them with --json")
	}
	return nil
}

// translateBlock is the number of lines that are translated together, in
// batches by length.
const translateBlock = 4096

// translate copies in to out, translated. It answers when no more input waits,
// so that it can be used line by line.
func translate(in io.Reader, out io.Writer, m *train.Model, o decode.TranslateOptions, f translateFlags) error {
	l, w := newLines("stdin", in), outputTo(out)
	s := m.System()
	for o.First = 0; ; {
		lines := l.block(translateBlock)
		if len(lines) == 0 {
			return l.err
		}
		results, err := s.Translate(lines, o)
		if err != nil {
			return fmt.Errorf("stdin, lines %d to %d: %w", o.First+1, o.First+len(lines), err)
		}
		for i, hyps := range results {
			if err := f.print(w, o.First+i, lines[i], hyps, m); err != nil {
				return err
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		if l.err != nil {
			return l.err
		}
		o.First += len(lines)
	}
}

// jsonTranslation is a line of --json.
type jsonTranslation struct {
	Line    int      `json:"line"` // counted from 0
	Text    string   `json:"text"`
	Tokens  []string `json:"tokens"`
	LogProb float64  `json:"log_prob"`
	Score   float64  `json:"score"`
	Ended   bool     `json:"ended"` // false: cut at the maximum length
	// Alignment pairs each token with the source token that it attends to
	// most, in the mean of the heads of the last layer.
	Alignment [][2]int `json:"alignment"` // source, target
}

func (f translateFlags) print(w output, line int, source string, hyps []decode.Translation, m *train.Model) error {
	for _, h := range hyps {
		if f.replaceUnknown {
			var err error
			if h.Text, err = m.ReplaceUnknown(source, h.Tokens, f.words); err != nil {
				return err
			}
		}
		switch {
		case f.json:
			tokens := []string{}
			for _, id := range h.Tokens {
				tokens = append(tokens, m.Target.Token(id))
			}
			w.json(jsonTranslation{line, h.Text, tokens, h.LogProb, h.Score, h.Ended, m.Align(source, h.Tokens)})
		case f.nbest > 0:
			fmt.Fprintf(w, "%d ||| %s ||| %.4f ||| %.4f\n", line, h.Text, h.LogProb, h.Score)
		case f.scores:
			fmt.Fprintf(w, "%.4f\t%s\n", h.Score, h.Text)
		case f.alignment:
			fmt.Fprintf(w, "%s |||%s\n", h.Text, pharaoh(m.Align(source, h.Tokens)))
		default:
			fmt.Fprintln(w, h.Text)
		}
	}
	return nil
}

// pharaoh writes an alignment as Pharaoh and those after it do: source-target for each
// link, a space before it.
func pharaoh(links [][2]int) string {
	var b strings.Builder
	for _, l := range links {
		fmt.Fprintf(&b, " %d-%d", l[0], l[1])
	}
	return b.String()
}

// readDictionary reads a word and its translation a line, with a tab between.
func readDictionary(path string) (map[string]string, error) {
	lines, err := data.ReadLines(path)
	if err != nil {
		return nil, fmt.Errorf("--dictionary: %w", err)
	}
	words := map[string]string{}
	for i, line := range lines {
		from, to, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("--dictionary: %s:%d: want a word, a tab and its translation", path, i+1)
		}
		words[from] = to
	}
	return words, nil
}
