package lstm97

import (
	"math"
	"math/rand/v2"
)

// problem is a task in the course of a trial.
type problem struct {
	next func() *Sequence // the next training sequence
	// reached returns how many stages have been reached after n sequences, of which the
	// learner answered the last, s, with y.
	reached func(l Learner, n int, s *Sequence, y [][]float64) int
	// fresh draws test sequences, which are right where all outputs err by less than
	// tolerance; nil where a task's own rule is the test.
	fresh     func() *Sequence
	tolerance float64
}

// checkEvery is how often a rule that needs a test is tried, in training sequences. The
// paper does not say how often it did.
const checkEvery = 100

// errorsOf returns the largest absolute error of a sequence's outputs and their mean.
func errorsOf(s *Sequence, y [][]float64) (largest, mean float64) {
	n := 0
	for t, target := range s.Targets {
		for k, v := range target {
			e := math.Abs(v - y[t][k])
			largest = max(largest, e) // NaN once and for all
			mean += e
			n++
		}
	}
	return largest, mean / float64(n)
}

// drawing returns a function that draws sequences with one target of so many units.
func drawing(m maker, units int, r *rand.Rand) func() *Sequence {
	s := newSequence(1, units)
	return func() *Sequence {
		m(r, s)
		return s
	}
}

// recent is how many training sequences the rules of sections 5.4 to 5.6 look back on.
const recent = 2000

// history has the errors of the most recent training sequences.
type history struct {
	tolerance float64
	wrong     [recent]bool
	errors    [recent]float64
	n, wrongs int
	sum       float64
}

func (h *history) add(s *Sequence, y [][]float64) {
	i := h.n % recent
	if h.n >= recent {
		h.sum -= h.errors[i]
		if h.wrong[i] {
			h.wrongs--
		}
	}
	largest, mean := errorsOf(s, y)
	h.errors[i], h.wrong[i] = mean, !(largest < h.tolerance)
	h.sum += mean
	if h.wrong[i] {
		h.wrongs++
	}
	if h.n++; h.n%recent == 0 { // forget what rounding has left
		h.sum = 0
		for _, e := range h.errors {
			h.sum += e
		}
	}
}

// full says whether there have been enough sequences to judge.
func (h *history) full() bool { return h.n >= recent }

// solvedBy is ST3(β) of table 11: the mean error of the recent sequences is below β,
// and all of them were processed correctly. Errors are absolute and means of a
// sequence's outputs: with squared ones the first half would follow from the second.
func solvedBy(m maker, units int, tolerance, beta float64, r *rand.Rand) problem {
	h := &history{tolerance: tolerance}
	draw := drawing(m, units, r)
	return problem{next: draw, fresh: draw, tolerance: tolerance, reached: func(_ Learner, _ int, s *Sequence, y [][]float64) int {
		h.add(s, y)
		if h.full() && h.wrongs == 0 && h.sum/recent < beta {
			return 1
		}
		return 0
	}}
}

func beginAdding(t Task, r *rand.Rand) problem {
	return solvedBy(adding(t.Lag, false), t.Net.Outputs, 0.04, 0.01, r)
}

func beginTemporalOrder(t Task, r *rand.Rand) problem {
	return solvedBy(temporalOrder(t.Lag), t.Net.Outputs, 0.3, 0.1, r)
}

// beginMultiplication has the rules of section 5.5: of the recent sequences fewer than
// n_seq are wrong, for two n_seq.
func beginMultiplication(t Task, r *rand.Rand) problem {
	h := &history{tolerance: 0.04}
	draw := drawing(adding(t.Lag, true), t.Net.Outputs, r)
	return problem{next: draw, fresh: draw, tolerance: h.tolerance, reached: func(_ Learner, _ int, s *Sequence, y [][]float64) int {
		h.add(s, y)
		switch {
		case !h.full() || h.wrongs >= 140:
			return 0
		case h.wrongs >= 13:
			return 1
		}
		return 2
	}}
}

// beginTwoSequence has ST1 and ST2 of section 5.3, on 256 sequences drawn once.
func beginTwoSequence(t Task, r *rand.Rand) problem {
	draw := drawing(twoSequence(t.Lag), t.Net.Outputs, r)
	var test []*Sequence
	for range 256 {
		test = append(test, drawing(twoSequence(t.Lag), t.Net.Outputs, r)())
	}
	const tolerance = 0.2
	return problem{next: draw, fresh: draw, tolerance: tolerance, reached: func(l Learner, n int, _ *Sequence, _ [][]float64) int {
		if n%checkEvery != 0 {
			return 0
		}
		sum := 0.0
		for _, s := range test {
			largest, mean := errorsOf(s, l.Run(s))
			if !(largest < tolerance) {
				return 0
			}
			sum += mean
		}
		if sum/float64(len(test)) < 0.01 {
			return 2
		}
		return 1
	}}
}

// beginNoiseFree has the rule of task 2a: all outputs err by less than 0.25 in 10,000
// random sequences. As there are two sequences and the weights rest, two are enough.
func beginNoiseFree(t Task, r *rand.Rand) problem {
	pair := noiseFreePair(t.Lag)
	return problem{next: func() *Sequence { return pair[r.IntN(2)] }, reached: func(l Learner, n int, _ *Sequence, _ [][]float64) int {
		if n%10 != 0 {
			return 0
		}
		for _, s := range pair {
			if largest, _ := errorsOf(s, l.Run(s)); !(largest < 0.25) {
				return 0
			}
		}
		return 1
	}}
}

// beginDistractors has the rule of task 2c: both outputs err by less than 0.2 in 10,000
// random sequences.
func beginDistractors(t Task, r *rand.Rand) problem {
	const tolerance = 0.2
	m := distractors(t.Lag)
	draw := drawing(m, t.Net.Outputs, r)
	test := drawing(m, t.Net.Outputs, rand.New(rand.NewPCG(r.Uint64(), 0)))
	return problem{next: draw, fresh: draw, tolerance: tolerance, reached: func(l Learner, n int, _ *Sequence, _ [][]float64) int {
		if n%checkEvery != 0 {
			return 0
		}
		for range 10_000 {
			s := test()
			if largest, _ := errorsOf(s, l.Run(s)); !(largest < tolerance) {
				return 0
			}
		}
		return 1
	}}
}

// beginReber has the rule of section 5.1: in all training and test strings the possible
// next symbols are always the most active outputs.
func beginReber(_ Task, r *rand.Rand) problem {
	training, test := reberSets(r)
	all := append(append([]*Sequence{}, training...), test...)
	failed := 0 // the string that failed last is likely to fail again
	return problem{next: func() *Sequence { return training[r.IntN(len(training))] }, reached: func(l Learner, n int, _ *Sequence, _ [][]float64) int {
		if n%checkEvery != 0 {
			return 0
		}
		for i := range all {
			at := (failed + i) % len(all)
			if !predicts(all[at], l.Run(all[at])) {
				failed = at
				return 0
			}
		}
		return 1
	}}
}
