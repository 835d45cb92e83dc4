package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/train"
)

// answering is what the flags of answer say.
type answering struct {
	questions                          []string
	context                            string
	data, predictions, nbest, nullOdds string
	top                                int
	asJSON, characters, force          bool
	options                            pipeline.AnswerOptions
}

func newAnswer() *cobra.Command {
	var a answering
	c := &cobra.Command{
		Use:   "answer DIR",
		Short: "Answer questions with parts of a text",
		Long: `answer prints the part of a text that answers a question, as a BERT model with a head
for answers finds it. Places are in characters. With --json the answers to a question are
one line, as the pipeline question-answering of transformers up to version 4 returns them:
an object, or a list with --top-k above 1. Scores are probabilities among the best 20.

With --data it answers all questions of a file in the form of SQuAD and prints exact match
and F1 as the official scripts compute them, of SQuAD 2.0 where a question of the file has no
answer. Then "", no answer, is predicted where its score is above that of the best answer by
more than --null-threshold; with that flag, also for files without such questions. A run that
was trained on such questions has found the threshold on those for validation, and takes it
for single questions too.`,
		Example: `  kotoba answer bert-squad --question "Who wrote it?" --context page.txt
  kotoba answer bert-squad --data dev-v2.0.json --predictions predictions.json --null-odds null_odds.json
  kotoba answer bert-jaquad --data jaquad_dev.json --characters`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			a.options.Null = c.Flags().Changed("null-threshold")
			if err := a.check(); err != nil {
				return err
			}
			e, dir, err := openEncoder(args[0])
			if err != nil {
				return err
			}
			if err := a.settle(c, dir, e.NullThreshold); err != nil {
				return err
			}
			if a.data != "" {
				return a.file(c, e)
			}
			return a.text(c, e)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&a.questions, "question", nil, "a question; the flag may come several times")
	f.StringVar(&a.context, "context", "", "file of the text with the answer, - for stdin")
	f.IntVar(&a.top, "top-k", 1, "answers to a question")
	f.BoolVar(&a.asJSON, "json", false, "print JSON: score, start, end, answer")
	f.StringVar(&a.data, "data", "", "file of questions in the form of SQuAD")
	f.StringVar(&a.predictions, "predictions", "", "write the answers to --data to this file, by id, as the official scripts want them")
	f.StringVar(&a.nbest, "nbest", "", "write the best 20 answers to each question to this file")
	f.StringVar(&a.nullOdds, "null-odds", "", "write the score of no answer less that of the best answer to this file, for --na-prob-file of the official script")
	f.BoolVar(&a.characters, "characters", false, "count characters instead of words in F1, for languages without spaces")
	f.BoolVar(&a.force, "force", false, "replace files")
	f.Float64Var(&a.options.NullThreshold, "null-threshold", 0, "let questions have no answer, where its score is above that of the best one by more than this (default what the run has found)")
	f.IntVar(&a.options.MaxLength, "max-length", 0, "longest window of question and text, in tokens; 0: what the run was trained with, else 384, or fewer where the model takes fewer")
	f.IntVar(&a.options.Stride, "stride", 0, "tokens from the begin of a window to that of the next; 0: what the run was trained with, else 128")
	f.IntVar(&a.options.MaxAnswer, "max-answer", 0, "longest answer, in tokens; 0: what the run was trained with, else 30")
	f.IntVar(&a.options.MaxQuestion, "max-question", 0, "tokens that a question is cut at; 0: what the run was trained with, else 64")
	return c
}

// nBest is how many answers share the probability of 1, and how many --nbest writes: as in
// the authors' code.
const nBest = 20

// check says what flags do not go together, and what files cannot be written.
func (a *answering) check() error {
	switch {
	case a.data == "" && (len(a.questions) == 0 || a.context == ""):
		return errors.New("answer needs --question and --context, or --data")
	case a.data != "" && (len(a.questions) > 0 || a.context != ""):
		return errors.New("--data has questions and texts of its own; leave out --question and --context")
	case a.data == "" && (a.predictions != "" || a.nbest != "" || a.nullOdds != "" || a.characters):
		return errors.New("--predictions, --nbest, --null-odds and --characters are for --data; name a file of questions")
	case a.top < 1 || a.top > nBest:
		return fmt.Errorf("--top-k is %d; want 1 to %d", a.top, nBest)
	}
	a.options.NBest = nBest
	paths := []string{a.predictions, a.nbest, a.nullOdds}
	for i, path := range paths {
		if path != "" {
			path = filepath.Clean(path)
			if paths[i] = path; slices.Contains(paths[:i], path) {
				return fmt.Errorf("%s is to be written twice; name another file", path)
			}
			if err := checkNew(path, a.force); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle takes from a run, and the threshold of no answer from its model, what flags do not
// say.
func (a *answering) settle(c *cobra.Command, dir string, threshold *float64) error {
	if threshold != nil && !a.options.Null {
		a.options.NullThreshold = *threshold
		a.options.Null = a.data == "" // of a file, its questions tell
	}
	run, _, err := train.Answerers.OfRun(dir)
	if err != nil {
		return err
	}
	o, given := &a.options, run.Data.Options()
	for _, x := range []struct {
		option *int
		given  int
	}{
		{&o.MaxLength, given.MaxLength}, {&o.Stride, given.Stride}, {&o.MaxQuestion, given.MaxQuestion}, {&o.MaxAnswer, given.MaxAnswer},
	} {
		*x.option = cmp.Or(*x.option, x.given)
	}
	if !c.Flags().Changed("characters") {
		a.characters = run.Data.Characters
	}
	return nil
}

// text answers questions about one text.
func (a *answering) text(c *cobra.Command, e *pipeline.Encoder) error {
	context, err := readContext(c, a.context)
	if err != nil {
		return err
	}
	var all []pipeline.QA
	for i, q := range a.questions {
		if err := checkUTF8(q); err != nil {
			return fmt.Errorf("--question %d: %w", i+1, err)
		}
		if blank(q) || blank(context) {
			return fmt.Errorf("--question %d: %w", i+1, pipeline.ErrBlank)
		}
		all = append(all, pipeline.QA{Question: q, Context: context})
		if n := e.QuestionCut(q, a.options.WindowOptions); n > 0 {
			fmt.Fprintf(c.ErrOrStderr(), "the last %d tokens of the question %.40q are left out\n", n, q)
		}
	}
	answers, err := e.Answer(all, a.options)
	if err != nil {
		return err
	}
	w := newOutput(c)
	for _, best := range answers {
		best = best[:min(a.top, len(best))]
		switch {
		case a.asJSON && a.top == 1:
			w.json(best[0])
		case a.asJSON:
			w.json(best)
		default:
			for _, x := range best {
				fmt.Fprintf(w, "%.4f  %d-%d  %s\n", x.Score, x.Start, x.End, strings.ReplaceAll(x.Answer, "\n", " "))
			}
		}
	}
	return w.flush()
}

func readContext(c *cobra.Command, path string) (string, error) {
	read := func() ([]byte, error) { return os.ReadFile(path) }
	if path == stdinPath {
		read = func() ([]byte, error) { return io.ReadAll(c.InOrStdin()) }
	}
	text, err := read()
	if err != nil {
		return "", fmt.Errorf("--context: %w; want a text file", err)
	}
	if err := checkUTF8(string(text)); err != nil {
		return "", fmt.Errorf("--context: %s: %w", path, err)
	}
	return strings.TrimPrefix(string(text), data.ByteOrderMark), nil
}

// file answers the questions of a file and prints their scores.
func (a *answering) file(c *cobra.Command, e *pipeline.Encoder) error {
	s, err := data.ReadSQuAD(a.data)
	if err != nil {
		return err
	}
	for _, q := range s.Questions {
		a.options.Null = a.options.Null || q.Impossible
	}
	if a.nullOdds != "" && !a.options.Null {
		return fmt.Errorf("--null-odds: all questions of %s have answers; let them have none with --null-threshold", a.data)
	}
	reportQuestions(c.ErrOrStderr(), "of the ", e, a.options, s.Questions)
	p, err := a.predict(c.ErrOrStderr(), e, s)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{{a.predictions, p.Write}, {a.nbest, p.WriteNBest}, {a.nullOdds, p.WriteNullOdds}} {
		if f.path != "" {
			if err := writeNew(f.path, a.force, f.write); err != nil {
				return err
			}
		}
	}
	w := newOutput(c)
	w.json(a.scores(s, p))
	return w.flush()
}

// answerAtOnce is how many questions go between two reports of progress.
const answerAtOnce = 64

// predict answers the questions of a file, and says how far it is.
func (a *answering) predict(w io.Writer, e *pipeline.Encoder, s data.SQuAD) (p pipeline.Predictions, err error) {
	printed := time.Now()
	for first := 0; first < len(s.Questions); first += answerAtOnce {
		var all []pipeline.QA
		for _, q := range s.Questions[first:min(first+answerAtOnce, len(s.Questions))] {
			all = append(all, pipeline.QA{Question: q.Text, Context: q.Context})
			p.IDs = append(p.IDs, q.ID)
		}
		answers, err := e.Answer(all, a.options)
		if err != nil {
			return p, fmt.Errorf("%s, questions from %q on: %w", a.data, p.IDs[first], err)
		}
		p.Answers = append(p.Answers, answers...)
		if time.Since(printed) > linesEvery {
			fmt.Fprintf(w, "%d of %d questions\n", len(p.IDs), len(s.Questions))
			printed = time.Now()
		}
	}
	return p, nil
}

// scores are those of the official script of SQuAD 1.1, or of that of 2.0 where no answer
// is one.
func (a *answering) scores(s data.SQuAD, p pipeline.Predictions) any {
	unit := metrics.SQuADWords
	if a.characters {
		unit = metrics.SQuADCharacters
	}
	all := p.Against(s.Questions)
	if !a.options.Null {
		return metrics.SQuAD1(all, unit)
	}
	// The threshold has been applied.
	return metrics.SQuAD2(all, unit, p.NullOdds(), math.Inf(1))
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// reportQuestions says which questions have answers that are not where their file says, and
// which are too long.
func reportQuestions(w io.Writer, part string, e *pipeline.Encoder, o pipeline.AnswerOptions, all []data.Question) {
	for _, r := range []struct {
		what string
		is   func(q data.Question) bool
	}{
		{"have an answer that is nowhere in the text", func(q data.Question) bool { return q.Lost }},
		{"have answers at other places of the text than the file says", func(q data.Question) bool { return q.Moved }},
		{"have no words, or a text that has none, and the answer \"\"", func(q data.Question) bool { return blank(q.Text) || blank(q.Context) }},
		{"are too long, and their ends are left out", func(q data.Question) bool { return e.QuestionCut(q.Text, o.WindowOptions) > 0 }},
	} {
		var ids []string
		for _, q := range all {
			if r.is(q) {
				ids = append(ids, q.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		named := strings.Join(ids[:min(len(ids), 5)], ", ")
		if len(ids) > 5 {
			named += ", ..."
		}
		fmt.Fprintf(w, "%d %squestions %s: %s\n", len(ids), part, r.what, named)
	}
}
