package lstm97

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kotoba-nlp/kotoba/nn"
)

func mustTask(t *testing.T, name string, lag int) Task {
	t.Helper()
	task, err := NewTask(name, lag)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func runAll(t *testing.T, task Task, o Options) (results []Result) {
	t.Helper()
	if err := task.Run(context.Background(), o, func(r Result) { results = append(results, r) }); err != nil {
		t.Fatal(err)
	}
	return results
}

func TestShortTemporalOrderIsSolved(t *testing.T) {
	task := mustTask(t, "temporal-order", 20)
	o := Options{Learner: "lstm", Trials: 2, Seed: 1, Threads: 2, MaxSequences: 60_000}
	results := runAll(t, task, o)
	for _, r := range results {
		if !r.Solved || r.Wrong > 10 || r.Tested != testSize || r.Stages[0] != r.Sequences || r.Sequences < recent {
			t.Errorf("%+v", r)
		}
	}
	s := task.Summarise(o, results)
	a, b := float64(results[0].Sequences), float64(results[1].Sequences)
	want := Stage{Name: "solved", Reached: 2, Mean: (a + b) / 2, Deviation: math.Abs(a-b) / math.Sqrt2}
	if math.Abs(s.Stages[0].Mean-want.Mean) > 1e-6 || math.Abs(s.Stages[0].Deviation-want.Deviation) > 1e-6 || s.Stages[0].Reached != 2 || s.Solved != 2 {
		t.Errorf("summary %+v; want %+v", s.Stages[0], want)
	}
}

func TestTrialsAreTheSameOnAnyNumberOfThreads(t *testing.T) {
	for _, o := range []Options{
		{Learner: "lstm", MaxSequences: 3000},
		{Learner: "lstm", Modern: true, MaxSequences: 200},
		{Learner: "rnn-bptt", MaxSequences: 200},
		{Learner: "rnn-rtrl", Modern: true, MaxSequences: 200},
	} {
		o.Trials, o.Seed = 4, 7
		task := mustTask(t, "two-sequence", 10)
		o.Threads = 1
		one := runAll(t, task, o)
		o.Threads = 3
		if diff := cmp.Diff(one, runAll(t, task, o)); diff != "" {
			t.Errorf("%+v: one thread and three differ: %s", o, diff)
		}
		for i, r := range one {
			if r.Trial != i+1 {
				t.Errorf("result %d is of trial %d", i, r.Trial)
			}
		}
	}
}

// TestPlainNetworksHaveTheTasksOutputUnits: adding has linear ones, so that what plain
// networks lack beside the LSTM is memory alone.
func TestPlainNetworksHaveTheTasksOutputUnits(t *testing.T) {
	task, err := NewTask("adding", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, learner := range Learners {
		for output, linear := range map[string]bool{"": true, "linear": true, "logistic": false} {
			o := Options{Learner: learner, Output: output, Trials: 1, MaxSequences: 1, Threads: 1}
			l, err := newLearner(task, o, rand.New(rand.NewPCG(1, 2)))
			if err != nil || o.Check() != nil {
				t.Fatal(err, o.Check())
			}
			beyond := false // what a logistic unit reaches
			for i := range 200 {
				s := task.begin(task, rand.New(rand.NewPCG(3, uint64(i)))).next()
				s.Targets[0][0] = 2
				beyond = beyond || l.Learn(s)[0][0] > 1
			}
			if beyond != linear {
				t.Errorf("%s, output units %q: more than 1 is reached: %v", learner, output, beyond)
			}
		}
	}
}

func TestTrialsHaveDifferentWeightsAndSequences(t *testing.T) {
	r := runAll(t, mustTask(t, "temporal-order", 10), Options{Learner: "lstm", Trials: 2, Seed: 1, Threads: 1, MaxSequences: 60_000})
	if r[0].Sequences == r[1].Sequences {
		t.Errorf("trials end after %d sequences both", r[0].Sequences)
	}
}

func TestRunDropsTrialsUnderWayWhenTheContextEnds(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	o := Options{Learner: "lstm", Trials: 3, Threads: 2, MaxSequences: 1 << 40}
	err := mustTask(t, "adding", 100).Run(ctx, o, func(r Result) { t.Errorf("reported %+v", r) })
	if err != nil {
		t.Error(err)
	}
}

// TestRTRLAndBPTTTeachTheSame compares the weights after a few sequences.
func TestRTRLAndBPTTTeachTheSame(t *testing.T) {
	for _, name := range []string{"noise-free-lag", "adding"} {
		task := mustTask(t, name, 12)
		learners := map[string]Learner{}
		for _, l := range []string{"rnn-bptt", "rnn-rtrl"} {
			r := rand.New(rand.NewPCG(5, 6))
			learner, err := newLearner(task, Options{Learner: l}, r)
			if err != nil {
				t.Fatal(err)
			}
			p := task.begin(task, r)
			for range 20 {
				learner.Learn(p.next())
			}
			learners[l] = learner
		}
		a, b := nn.Params(learners["rnn-bptt"].(*bptt).readout), nn.Params(learners["rnn-rtrl"].(*rtrl).readout)
		for i := range a {
			for k, v := range a[i].Tensor.Data {
				if d := float64(v - b[i].Tensor.Data[k]); math.Abs(d) > 1e-4 {
					t.Errorf("%s: element %d of %s differs by %g", name, k, a[i].Name(), d)
				}
			}
		}
	}
}

// TestModernModeLearnsAcrossAHundredSteps: forget gates that begin near σ(1) hold nothing
// for so long, those that begin by the lag do.
func TestModernModeLearnsAcrossAHundredSteps(t *testing.T) {
	o := Options{Learner: "lstm", Modern: true, Trials: 1, Threads: 1, Seed: 1, MaxSequences: 2000}
	if r := runAll(t, mustTask(t, "lag-distractors", 100), o)[0]; !r.Solved {
		t.Errorf("not solved in %d sequences", r.Sequences)
	}
}

func TestRunningChangesNothing(t *testing.T) {
	for _, o := range []Options{{Learner: "lstm"}, {Learner: "lstm", Modern: true}, {Learner: "rnn-bptt"}, {Learner: "rnn-rtrl"}} {
		task := mustTask(t, "adding", 20)
		r := rand.New(rand.NewPCG(1, 1))
		l, err := newLearner(task, o, r)
		if err != nil {
			t.Fatal(err)
		}
		s := task.begin(task, r).next()
		first := l.Run(s)[0][0]
		if again := l.Run(s)[0][0]; again != first {
			t.Errorf("%+v: %g, and again %g", o, first, again)
		}
		if learning := l.Learn(s)[0][0]; math.Abs(learning-first) > 1e-6 {
			t.Errorf("%+v: %g, while learning %g", o, first, learning)
		}
		if after := l.Run(s)[0][0]; after == first {
			t.Errorf("%+v: learning changed nothing", o)
		}
	}
}

func TestEveryTaskRunsWithEveryLearner(t *testing.T) {
	for _, name := range Names {
		lag := 12
		if strings.HasPrefix(name, "reber") {
			lag = 0
		}
		task := mustTask(t, name, lag)
		for _, learner := range Learners {
			for _, modern := range []bool{false, true} {
				o := Options{Learner: learner, Modern: modern, Trials: 1, Threads: 1, Seed: 1, MaxSequences: 120}
				if r := runAll(t, task, o)[0]; r.Sequences != 120 && !r.Solved {
					t.Errorf("%s, %s: %+v", name, learner, r)
				}
			}
		}
	}
}

func TestMemoryCellsJoinOnceTheErrorStopsDecreasing(t *testing.T) {
	task := mustTask(t, "noise-free-lag", 10)
	r := rand.New(rand.NewPCG(1, 1))
	n, err := New(task.Net, task.Rate, r)
	if err != nil {
		t.Fatal(err)
	}
	p := task.begin(task, r)
	joined := 0
	for i := range 20 * joinWindow {
		if n.Learn(p.next()); !n.joins.waits {
			joined = i + 1
			break
		}
		if n.s[0] != 0 || n.y[n.firstCell] != 0 {
			t.Fatal("a cell that has not joined is active")
		}
	}
	if joined < 2*joinWindow || joined%joinWindow != 0 {
		t.Errorf("cells join after %d sequences", joined)
	}
}

func TestBadTasksAndOptionsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		lag  int
		want string
	}{{"xor", 0, "unknown task"}, {"adding", 5, "a lag of 5; want 10 to"}, {"noise-free-lag", 3, "a lag of 3; want 4 to"}, {"reber", 10, "has no lag"}} {
		if _, err := NewTask(tt.name, tt.lag); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, lag %d: %v; want %q", tt.name, tt.lag, err, tt.want)
		}
	}
	if task := mustTask(t, "noise-free-lag", 4); task.Lag != 4 { // the shortest of table 2
		t.Errorf("a lag of %d; want 4", task.Lag)
	}
	good := Options{Learner: "lstm", Trials: 1, MaxSequences: 1, Threads: 1}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Options){
		"unknown learner":        func(o *Options) { o.Learner = "gru" },
		"0 trials":               func(o *Options) { o.Trials = 0 },
		"at most 100000":         func(o *Options) { o.Trials = 1_000_000_000_000_000_000 },
		"0 threads":              func(o *Options) { o.Threads = 0 },
		"-1 training sequences":  func(o *Options) { o.MaxSequences = -1 },
		"a learning rate of NaN": func(o *Options) { o.Rate = math.NaN() },
		"unknown output units":   func(o *Options) { o.Output = "softmax" },
	} {
		o := good
		change(&o)
		for _, err := range []error{o.Check(), mustTask(t, "adding", 100).Run(context.Background(), o, nil)} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %q", err, want)
			}
		}
	}
}

// TestNetworksBeyondMemoryAreRefused: plain ones and those of modern mode too.
func TestNetworksBeyondMemoryAreRefused(t *testing.T) {
	for _, o := range []Options{{Learner: "lstm"}, {Learner: "lstm", Modern: true}, {Learner: "rnn-bptt"}, {Learner: "rnn-rtrl"}} {
		if _, err := newLearner(mustTask(t, "noise-free-lag", mostLag), o, rand.New(rand.NewPCG(1, 2))); err == nil || !strings.Contains(err.Error(), "a smaller lag has fewer") {
			t.Errorf("%+v: error %v; want one that says how to have fewer weights", o, err)
		}
		if _, err := newLearner(mustTask(t, "adding", mostLag), o, rand.New(rand.NewPCG(1, 2))); err != nil {
			t.Errorf("%+v: %v for a small network", o, err)
		}
	}
	o := Options{Learner: "rnn-bptt"}
	if _, err := newLearner(mustTask(t, "lag-distractors", mostLag), o, rand.New(rand.NewPCG(1, 2))); err == nil {
		t.Error("no error for a sequence of ten thousand steps of ten thousand inputs")
	}
}

// TestARangeOfTask2aIsThatOfG: 0 to 1 in the paper, here also ± a limit.
func TestARangeOfTask2aIsThatOfG(t *testing.T) {
	for squash, want := range map[string][2]float64{"": {0, 1}, "equations": {-2, 2}, "table": {-1, 1}} {
		l, err := newLearner(mustTask(t, "noise-free-lag", 10), Options{Learner: "lstm", Squash: squash}, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		n := l.(*Net)
		low, _ := n.g(-100)
		high, _ := n.g(100)
		if got := [2]float64{low, high}; !cmp.Equal(got, want, cmpopts.EquateApprox(0, 1e-12)) {
			t.Errorf("--squash %q: g is in %v; want %v", squash, got, want)
		}
		if h, slope := n.h(7); h != 7 || slope != 1 {
			t.Errorf("--squash %q: h(7) is %v with a slope of %v; want the identity", squash, h, slope)
		}
	}
}

// TestSequencesOfOnesOwnAreLearned presents one that no task has made.
func TestSequencesOfOnesOwnAreLearned(t *testing.T) {
	n, err := New(Config{Inputs: 2, Outputs: 1, Blocks: 2, Size: 1, Init: 0.5, Linear: true}, 0.5, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	s := &Sequence{Values: []float64{1, 0, 0, 1}, Width: 2, Targets: [][]float64{{0.3}}}
	for range 200 {
		n.Learn(s)
	}
	if y := n.Run(s)[0][0]; math.Abs(y-0.3) > 0.01 {
		t.Errorf("%v after learning; want 0.3", y)
	}
}

// TestMultiplicationStopsByItsNumbersOfWrongSequences: of the last 2,000 fewer than 140, and
// fewer than 13.
func TestMultiplicationStopsByItsNumbersOfWrongSequences(t *testing.T) {
	for wrong, want := range map[int]int{140: 0, 139: 1, 13: 1, 12: 2} {
		p := beginMultiplication(mustTask(t, "multiplication", 100), rand.New(rand.NewPCG(1, 1)))
		s := &Sequence{Targets: [][]float64{{0.5}}}
		reached := 0
		for i := range recent {
			y := 0.5
			if i < wrong {
				y = 0.6
			}
			reached = p.reached(nil, i+1, s, [][]float64{{y}})
		}
		if reached != want {
			t.Errorf("%d wrong sequences: %d stages reached; want %d", wrong, reached, want)
		}
	}
}

// TestErrorsStopDecreasingWhereTheyFallByLessThanATenth: cells wait while each hundred
// sequences have less than nine tenths of the error before.
func TestErrorsStopDecreasingWhereTheyFallByLessThanATenth(t *testing.T) {
	for share, waits := range map[float64]bool{0.89: true, 0.91: false} {
		j := joining{waits: true}
		s := &Sequence{Targets: [][]float64{{0}}}
		for i := range 2 * joinWindow {
			y := 1.0
			if i >= joinWindow {
				y = math.Sqrt(share)
			}
			j.observe(s, [][]float64{{y}})
		}
		if j.waits != waits {
			t.Errorf("an error of %v of that before: waits is %v; want %v", share, j.waits, waits)
		}
	}
}

// TestAllRightIsNotSolvedWhileErrorsAreLarge: the second half of the rule of section 5.4.
func TestAllRightIsNotSolvedWhileErrorsAreLarge(t *testing.T) {
	for off, want := range map[float64]int{0.009: 1, 0.011: 0, 0.039: 0} {
		p := beginAdding(mustTask(t, "adding", 100), rand.New(rand.NewPCG(1, 1)))
		s := &Sequence{Targets: [][]float64{{0.5}}}
		for i := range recent {
			if got := p.reached(nil, i+1, s, [][]float64{{0.5 + off}}); i < recent-1 && got != 0 || i == recent-1 && got != want {
				t.Fatalf("errors of %v: %d stages after %d sequences; want %d", off, got, i+1, want)
			}
		}
	}
}

// TestStoppedTrialsAreNotBegun: not even their networks are made, of which this one cannot be.
func TestStoppedTrialsAreNotBegun(t *testing.T) {
	task, o := mustTask(t, "noise-free-lag", mostLag), Options{Learner: "lstm"}
	ctx, stop := context.WithCancel(t.Context())
	if _, _, err := task.trial(ctx, o, 1); err == nil {
		t.Error("no error for a network that is too large")
	}
	stop()
	if _, ok, err := task.trial(ctx, o, 1); ok || err != nil {
		t.Errorf("a result: %v, %v; want none, as the trial was stopped before it began", ok, err)
	}
}
