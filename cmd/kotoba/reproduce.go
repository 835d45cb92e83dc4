package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/internal/par"
	"github.com/kotoba-nlp/kotoba/models/lstm97"
)

func newReproduce() *cobra.Command {
	c := &cobra.Command{
		Use:   "reproduce",
		Short: "Repeat the experiments of papers and print the published figures beside",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	c.AddCommand(newReproduceLSTM97(), newReproduceLuong15())
	return c
}

// reproduction is what the flags of reproduce lstm97 say.
type reproduction struct {
	task, mode string
	lag        int
	asJSON     bool
	options    lstm97.Options
}

func newReproduceLSTM97() *cobra.Command {
	var p reproduction
	o := &p.options
	c := &cobra.Command{
		Use:   "lstm97 --task TASK",
		Short: "The long time lag experiments of Hochreiter and Schmidhuber 1997",
		Long: `lstm97 repeats the experiments of Hochreiter and Schmidhuber, "Long Short-Term
Memory", Neural Computation 9(8), 1997: their tasks, their networks with their
truncated gradient, their rules of success. It counts the training sequences until
success over trials with different weights and sequences, and prints the paper's
figures beside. Trials are the same on any number of threads.

Tasks: ` + strings.Join(lstm97.Names, ", ") + `.

--mode modern takes an LSTM with forget gates that begin by the lag (Tallec and Ollivier
2018), backpropagation through time and Adam instead. --learner rnn-bptt and rnn-rtrl
take a plain recurrent network, taught by plain gradient descent in faithful mode and by
Adam in modern mode. Ctrl-C stops and sums up the trials that are done.`,
		Example: `  kotoba reproduce lstm97 --task adding --lag 100 --trials 10
  kotoba reproduce lstm97 --task temporal-order --trials 20 --json
  kotoba reproduce lstm97 --task adding --learner rnn-bptt --max-sequences 100000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return p.run(ctx, c)
		},
	}
	f := c.Flags()
	f.StringVar(&p.task, "task", "", "one of "+strings.Join(lstm97.Names, ", "))
	f.IntVar(&p.lag, "lag", 0, "the paper's T, p or q; 0 is its 100")
	f.IntVar(&o.Trials, "trials", 10, "trials with different weights and sequences")
	f.Uint64Var(&o.Seed, "seed", 1, "that all trials' seeds follow from")
	f.StringVar(&p.mode, "mode", "faithful", "faithful or modern")
	f.StringVar(&o.Learner, "learner", "lstm", "one of "+strings.Join(lstm97.Learners, ", "))
	f.StringVar(&o.Output, "output", "", "output units, logistic or linear (default: the task's)")
	f.StringVar(&o.Squash, "squash", "", "ranges of g and h of the paper's LSTM: equations (±2 and ±1, the default), table (±1 and ±2, as table 10 has them) or wide (±2 both); in noise-free-lag of g alone, which else is 0 to 1")
	f.Float64Var(&o.Rate, "rate", 0, "learning rate; 0 is the paper's, or that of modern mode")
	f.IntVar(&o.MaxSequences, "max-sequences", 0, "training sequences of a trial at most; 0 is ten times what the paper's LSTM took")
	f.BoolVar(&p.asJSON, "json", false, "print one JSON object a line: each trial, then the summary")
	return c
}

func (p *reproduction) run(ctx context.Context, c *cobra.Command) error {
	o := &p.options
	if p.task == "" {
		return errors.New("reproduce lstm97 needs --task: one of " + strings.Join(lstm97.Names, ", "))
	}
	if p.mode != "faithful" && p.mode != "modern" {
		return fmt.Errorf("--mode is %q; want faithful or modern", p.mode)
	}
	task, err := lstm97.NewTask(p.task, p.lag)
	if err != nil {
		return fmt.Errorf("reproduce lstm97: %w", err)
	}
	if o.MaxSequences == 0 {
		o.MaxSequences = task.MostSequences()
	}
	o.Modern, o.Threads = p.mode == "modern", par.Threads()
	if err := o.Check(); err != nil {
		return fmt.Errorf("reproduce lstm97: %w", err)
	}
	var results []lstm97.Result
	out := newOutput(c)
	err = task.Run(ctx, *o, func(r lstm97.Result) {
		results = append(results, r)
		if p.asJSON {
			out.json(r)
		} else {
			printTrial(out, task, r)
		}
		_ = out.Flush() // a Writer keeps its error for the flush below
	})
	if err != nil {
		return err
	}
	s := task.Summarise(*o, results)
	if p.asJSON {
		out.json(s)
	} else {
		printSummary(out, task, s)
	}
	if err := out.flush(); err != nil {
		return err
	}
	if s.Trials < s.Wanted {
		fmt.Fprintf(c.ErrOrStderr(), "stopped after %d of %d trials\n", s.Trials, s.Wanted)
		return errReported
	}
	return nil
}

func printTrial(w io.Writer, t lstm97.Task, r lstm97.Result) {
	fmt.Fprintf(w, "trial %d: ", r.Trial)
	for i, n := range r.Stages {
		fmt.Fprintf(w, "%s after %d sequences, ", t.Stages[i], n)
	}
	switch {
	case !r.Solved:
		fmt.Fprintf(w, "not solved in %d sequences", r.Sequences)
	case r.Tested > 0:
		fmt.Fprintf(w, "test: %d of %d wrong, mean error %.4f", r.Wrong, r.Tested, r.MeanError)
	default:
		fmt.Fprint(w, "test passed")
	}
	fmt.Fprintln(w)
}

func printSummary(w io.Writer, t lstm97.Task, s lstm97.Summary) {
	fmt.Fprintf(w, "\n%s", s.Task)
	if t.Lag > 0 {
		fmt.Fprintf(w, ", %s = %d", t.LagName, t.Lag)
	}
	fmt.Fprintf(w, " (section %s): %s, %s, %s output units, ", t.Section, s.Learner, s.Mode, s.Output)
	if s.Squash != "" {
		fmt.Fprintf(w, "ranges of %s, ", s.Squash)
	}
	if s.Trials == 0 { // broken off before the first one ended
		fmt.Fprintf(w, "rate %g\nmeasured:  nothing, as no trial has ended\n", s.Rate)
	} else {
		fmt.Fprintf(w, "%d weights, rate %g\n", s.Weights, s.Rate)
		fmt.Fprintf(w, "measured:  %d of %d trials solved within %d sequences", s.Solved, s.Trials, s.MaxAllowed)
		if s.Solved > 0 && s.Tested > 0 {
			fmt.Fprintf(w, "; at most %d of %d test sequences wrong", s.MostWrong, s.Tested)
		}
		fmt.Fprintln(w)
	}
	for _, st := range s.Stages {
		if st.Reached > 0 {
			fmt.Fprintf(w, "           %s: %d trials, mean %.0f sequences, deviation %.0f\n", st.Name, st.Reached, st.Mean, st.Deviation)
		}
	}
	for _, p := range s.Published {
		fmt.Fprintf(w, "published: table %s, %s", p.Table, p.Learner)
		if p.Lag > 0 {
			fmt.Fprintf(w, ", lag %d", p.Lag)
		}
		fmt.Fprintf(w, ", rate %g, %d weights: %g %% of %d trials", p.Rate, p.Weights, p.Percent, p.Trials)
		if p.Percent == 0 {
			fmt.Fprintf(w, " in %d sequences\n", p.Sequences[0])
			continue
		}
		for i, n := range p.Sequences {
			fmt.Fprintf(w, ", %s %d", t.Stages[i], n)
		}
		fmt.Fprintln(w)
	}
}
