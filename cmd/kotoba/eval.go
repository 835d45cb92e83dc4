package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/metrics"
)

// evaluation is what the flags of eval say.
type evaluation struct {
	refs          []string
	hyp, baseline string
	paired        string
	bootstrap     int
	trials        int
	seed          uint64
	asJSON        bool
	bleu          metrics.BLEUConfig
	text          textEvaluation
	data          string // labelled texts for the classifier of a run
	chrF          metrics.ChrFConfig
}

// The significance tests, as --paired names them.
const (
	pairedBootstrap     = "bootstrap"
	pairedRandomization = "randomization"
)

// What takes no more than minutes, and says no less than more would.
const (
	maxResamples = 1_000_000
	maxWordOrder = 100
)

// defaultTrials are sacreBLEU's numbers of resamples and of trials.
var defaultTrials = map[string]int{pairedBootstrap: 1000, pairedRandomization: 10000}

func newEval() *cobra.Command {
	var e evaluation
	c := &cobra.Command{
		Use:   "eval --ref FILE --hyp FILE | eval RUN --text FILE | eval RUN --data FILE",
		Short: "Score translations with BLEU and chrF, a language model with perplexity, a fine-tuned BERT",
		Long: `eval scores translations, a segment a line, against references with BLEU and
chrF. Scores, confidence intervals and significance tests are those of
sacreBLEU ` + metrics.SacreBLEUVersion + `, and come with its signatures.

--bootstrap adds 95 % confidence intervals. --baseline tests whether another
system's translations are as good: p is the probability of a difference as
large as the one seen if they were.

With a run of a language model and --text, eval prints the perplexity of the text:
states are carried over all of it, and the ends of lines are predicted too.

With a run of a classifier and --data, a file of labelled texts or words in the form of those
it was trained on, eval prints the metrics of its task; with a run that answers questions and a
file in the form of SQuAD, exact match and F1 in percent, of SQuAD 2.0 with the best threshold
of no answer, which is for --null-threshold of answer; with a run of pre-training and a folder
of pretrain-data, how many masked words and next sentences of its validation are right.`,
		Example: `  kotoba eval --ref test.en --hyp out.en
  kotoba eval --ref test.en --hyp - --json < out.en
  kotoba eval --ref a.en --ref b.en --hyp out.en --bootstrap 1000
  kotoba eval --ref test.en --hyp out.en --baseline old.en --paired randomization
  kotoba eval --ref test.ja --hyp out.ja --tokenize char --chrf-word-order 2
  kotoba eval runs/lm --text test.txt --json
  kotoba eval runs/sst2 --data dev.tsv --json
  kotoba eval runs/qa --data dev-v1.1.json --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return e.ofRun(c, args[0])
			}
			if e.text.path != "" || e.data != "" {
				return errors.New("--text and --data need a run: eval RUN --text FILE")
			}
			return e.run(c)
		},
	}
	e.addFlags(c)
	return c
}

func (e *evaluation) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&e.refs, "ref", nil, "file of references; may be given several times")
	f.StringVar(&e.hyp, "hyp", "", "file of translations, - for stdin")
	f.StringVar((*string)(&e.bleu.Tokenize), "tokenize", string(metrics.Tokenize13a),
		"how BLEU splits segments into words: 13a, intl, char, zh or none")
	f.BoolVar(&e.bleu.Lowercase, "lowercase", false, "ignore letter case in BLEU")
	f.BoolVar(&e.chrF.Lowercase, "chrf-lowercase", false, "ignore letter case in chrF")
	f.IntVar(&e.chrF.WordOrder, "chrf-word-order", 0, "length of the longest word n-grams of chrF; 2 makes it chrF++")
	f.IntVar(&e.bootstrap, "bootstrap", 0, "resamples for confidence intervals, 0 for none; sacreBLEU takes 1000")
	f.StringVar(&e.baseline, "baseline", "", "file of another system's translations to test against")
	f.StringVar(&e.paired, "paired", pairedBootstrap, "significance test against the baseline: bootstrap or randomization")
	f.IntVar(&e.trials, "trials", 0, "resamples or trials of that test; by default 1000 and 10000, as sacreBLEU's")
	f.Uint64Var(&e.seed, "seed", metrics.DefaultSeed, "seed of resamples and trials")
	f.StringVar(&e.text.path, "text", "", "text to score with the language model of a run")
	f.IntVar(&e.text.streams, "streams", 1, "places at which that text is read side by side; more is faster, each begins without context, and some tokens are left out")
	f.StringVar(&e.data, "data", "", "labelled texts, questions, or the folder of instances, to score with the BERT of a run")
	f.BoolVar(&e.asJSON, "json", false, "print one JSON object")
}

// ofRun scores a text or labelled data with the model of a run.
func (e *evaluation) ofRun(c *cobra.Command, dir string) error {
	source, eval, flags := "--data", func() error { return evalBERT(c, dir, e.data, e.asJSON) }, []string{"data"}
	switch {
	case e.data == "" && e.text.path == "":
		return fmt.Errorf("eval of the run %s needs --text or --data; translations are scored with --hyp and --ref, without a run", dir)
	case e.data == "":
		source, eval, flags = "--text", func() error { return e.text.run(c, dir, e.asJSON) }, []string{"text", "streams"}
	}
	if stray := strayFlag(c.Flags(), append(flags, "json", "threads")); stray != "" {
		return fmt.Errorf("--%s does not go with %s", stray, source)
	}
	return eval()
}

func (e *evaluation) run(c *cobra.Command) error {
	if err := e.check(c); err != nil {
		return err
	}
	text, err := e.read(c)
	if err != nil {
		return err
	}
	s, err := e.score(text)
	if err != nil {
		return err
	}
	out := newOutput(c)
	if e.asJSON {
		out.json(s.report())
	} else {
		s.print(out)
	}
	return out.flush()
}

// check says which flags are missing or do not go together.
func (e *evaluation) check(c *cobra.Command) error {
	given := c.Flags().Changed
	switch {
	case len(e.refs) == 0 || e.hyp == "":
		return errors.New("eval needs --ref and --hyp: files of references and of translations")
	case e.bootstrap < 0 || e.bootstrap > maxResamples:
		return fmt.Errorf("--bootstrap is %d; want 0 to %d", e.bootstrap, maxResamples)
	case e.chrF.WordOrder > maxWordOrder:
		return fmt.Errorf("--chrf-word-order is %d; want 0 to %d", e.chrF.WordOrder, maxWordOrder)
	case e.baseline == "" && (given("paired") || given("trials")):
		return errors.New("--paired and --trials need --baseline: translations to test against")
	case defaultTrials[e.paired] == 0:
		return fmt.Errorf("--paired is %q; want %s or %s", e.paired, pairedBootstrap, pairedRandomization)
	case given("trials") && (e.trials < 1 || e.trials > maxResamples):
		return fmt.Errorf("--trials is %d; want 1 to %d", e.trials, maxResamples)
	}
	if e.trials == 0 {
		e.trials = defaultTrials[e.paired]
	}
	return stdinOnce(slices.Concat(e.refs, []string{e.hyp, e.baseline})...)
}

// segments are the texts to score.
type segments struct {
	hyp, baseline []string
	refs          [][]string
}

func (e *evaluation) read(c *cobra.Command) (segments, error) {
	var s segments
	var err error
	if s.hyp, err = readSegments(c, "--hyp", e.hyp); err != nil {
		return s, err
	}
	check := func(flag, path string) ([]string, error) {
		text, err := readSegments(c, flag, path)
		if err == nil && len(text) != len(s.hyp) {
			err = fmt.Errorf("%s: %s has %d lines and %s has %d; expected as many, a segment a line",
				flag, path, len(text), e.hyp, len(s.hyp))
		}
		return text, err
	}
	for _, path := range e.refs {
		ref, err := check("--ref", path)
		if err != nil {
			return s, err
		}
		s.refs = append(s.refs, ref)
	}
	if e.baseline != "" {
		s.baseline, err = check("--baseline", e.baseline)
	}
	return s, err
}

// readSegments reads a file that a flag names.
func readSegments(c *cobra.Command, flag, path string) ([]string, error) {
	in, err := openLines(path, c.InOrStdin())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	defer in.close()
	var text []string
	for in.next() {
		text = append(text, in.text)
	}
	if in.err != nil {
		return nil, fmt.Errorf("%s: %w", flag, in.err)
	}
	return text, nil
}
