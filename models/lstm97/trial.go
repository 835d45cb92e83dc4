package lstm97

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/stat"
)

// Options say how a task is run.
type Options struct {
	Learner      string  // one of Learners
	Modern       bool    // today's network and training instead of the paper's
	Output       string  // logistic or linear output units of the paper's network; empty is the task's
	Squash       string  // ranges of g and h of the paper's network, one of Squashes; empty is the task's
	Rate         float64 // of learning; 0 is the task's, or that of Adam
	Trials       int
	Seed         uint64
	Threads      int
	MaxSequences int // bound of a trial
}

// Result is the outcome of one trial.
type Result struct {
	Trial     int   `json:"trial"`
	Weights   int   `json:"weights"` // of the network
	Solved    bool  `json:"solved"`
	Stages    []int `json:"stages"`    // training sequences until each stage that was reached
	Sequences int   `json:"sequences"` // training sequences presented
	// Of 2,560 fresh sequences after success, those that were wrong, and the mean
	// absolute error; where the paper tests so.
	Tested    int     `json:"tested,omitempty"`
	Wrong     int     `json:"wrong"`
	MeanError float64 `json:"mean_error"`
}

// testSize is the number of sequences of the test after training (table 11).
const testSize = 2560

// trial runs one trial. Its random numbers are those of the seed and its own number, so
// that a trial is the same whatever runs beside it. ok is false when ctx ended.
func (t Task) trial(ctx context.Context, o Options, number int) (res Result, ok bool, err error) {
	if ctx.Err() != nil {
		return res, false, nil //nolint:nilerr // ok says it
	}
	r := rand.New(rand.NewPCG(o.Seed, uint64(number)))
	l, err := newLearner(t, o, r)
	if err != nil {
		return res, false, err
	}
	p := t.begin(t, r)
	res.Trial, res.Weights, res.Stages = number, l.Weights(), []int{}
	for res.Sequences < o.MaxSequences && !res.Solved {
		select {
		case <-ctx.Done():
			return res, false, nil
		default:
		}
		s := p.next()
		y := l.Learn(s)
		res.Sequences++
		for n := p.reached(l, res.Sequences, s, y); len(res.Stages) < n; {
			res.Stages = append(res.Stages, res.Sequences)
		}
		res.Solved = len(res.Stages) == len(t.Stages)
	}
	if res.Solved && p.fresh != nil {
		for range testSize {
			s := p.fresh()
			largest, mean := errorsOf(s, l.Run(s))
			if !(largest < p.tolerance) {
				res.Wrong++
			}
			res.MeanError += mean / testSize
		}
		res.Tested = testSize
	}
	return res, true, nil
}

// Run runs trials on threads and hands each result to report, in the order of trials. When
// ctx ends it drops the trials under way.
func (t Task) Run(ctx context.Context, o Options, report func(Result)) error {
	if err := o.Check(); err != nil {
		return fmt.Errorf("lstm97: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	type outcome struct {
		res Result
		ok  bool
		err error
	}
	outcomes := make([]chan outcome, o.Trials)
	for i := range outcomes {
		outcomes[i] = make(chan outcome, 1)
	}
	var wait sync.WaitGroup
	numbers := make(chan int, o.Trials)
	for i := range o.Trials {
		numbers <- i
	}
	close(numbers)
	for range min(o.Threads, o.Trials) {
		wait.Go(func() {
			for i := range numbers {
				var out outcome
				out.res, out.ok, out.err = t.trial(ctx, o, i+1)
				outcomes[i] <- out
			}
		})
	}
	defer wait.Wait()
	for _, c := range outcomes {
		switch out := <-c; {
		case out.err != nil:
			stop()
			return out.err
		case out.ok:
			report(out.res)
		}
	}
	return nil
}

// Summary is what trials came to.
type Summary struct {
	Task       string      `json:"task"`
	Learner    string      `json:"learner"`
	Mode       string      `json:"mode"`
	Output     string      `json:"output"`
	Squash     string      `json:"squash,omitempty"`
	Rate       float64     `json:"rate"`
	Lag        int         `json:"lag,omitempty"`
	Weights    int         `json:"weights,omitempty"` // 0 where no trial has ended
	Seed       uint64      `json:"seed"`
	Wanted     int         `json:"wanted"` // trials
	Trials     int         `json:"trials"` // that have ended
	Solved     int         `json:"solved"`
	Stages     []Stage     `json:"stages"`
	Tested     int         `json:"tested"`     // sequences of the test after success
	MostWrong  int         `json:"most_wrong"` // of a trial's
	Published  []Published `json:"published"`
	MaxAllowed int         `json:"max_sequences"`
}

// Stage is how many training sequences the trials that reached a stage took.
type Stage struct {
	Name      string  `json:"name"`
	Reached   int     `json:"reached"` // trials
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"` // of the sample; 0 of one trial
}

// Summarise counts results.
func (t Task) Summarise(o Options, results []Result) Summary {
	s := Summary{
		Task: t.Name, Learner: o.Learner, Mode: "faithful", Output: "logistic", Squash: o.Squash, Rate: o.rate(t), Lag: t.Lag,
		Seed: o.Seed, Wanted: o.Trials, Trials: len(results), Published: PublishedOf(t.Name), MaxAllowed: o.MaxSequences,
	}
	if o.Modern {
		s.Mode = "modern"
	}
	if t.linear(o) {
		s.Output = "linear"
	}
	for _, r := range results {
		s.Weights = r.Weights
		if r.Solved {
			s.Solved++
		}
		s.Tested = max(s.Tested, r.Tested)
		s.MostWrong = max(s.MostWrong, r.Wrong)
	}
	for i, name := range t.Stages {
		var reached []float64
		for _, r := range results {
			if i < len(r.Stages) {
				reached = append(reached, float64(r.Stages[i]))
			}
		}
		st := Stage{Name: name, Reached: len(reached)}
		switch st.Reached {
		case 0:
		case 1:
			st.Mean = reached[0]
		default:
			st.Mean, st.Deviation = stat.MeanStdDev(reached, nil)
		}
		s.Stages = append(s.Stages, st)
	}
	return s
}
