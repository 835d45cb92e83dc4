package lstm97

import (
	"math"
	"math/rand/v2"
)

// Sequence is what a learner reads, with what it should answer.
type Sequence struct {
	Symbols []int       // inputs of one component 1 and the others 0; nil where Values are
	Values  []float64   // inputs (T, D)
	Width   int         // D, where Values are
	Targets [][]float64 // of the last len(Targets) steps, (K) each: of all steps, or of the last
	// Possible are the symbols that may come next at every step, a bit each; nil but
	// for strings of a grammar.
	Possible []uint

	outputs [][]float64 // room for the learner's answers
}

// answers is where the outputs of a learner go, one for each of the targets.
func (s *Sequence) answers() [][]float64 {
	for len(s.outputs) < len(s.Targets) {
		s.outputs = append(s.outputs, make([]float64, 0, len(s.Targets[0])))
	}
	return s.outputs[:len(s.Targets)]
}

// Input is the input of one step: Values, or where they are nil a one at Symbol.
type Input struct {
	Symbol int
	Values []float64
}

// Len is the number of steps.
func (s *Sequence) Len() int {
	if s.Values != nil {
		return len(s.Values) / s.Width
	}
	return len(s.Symbols)
}

// Input returns the input of step t.
func (s *Sequence) Input(t int) Input {
	if s.Values != nil {
		return Input{Values: s.Values[t*s.Width : (t+1)*s.Width]}
	}
	return Input{Symbol: s.Symbols[t]}
}

// newSequence returns a sequence with room for targets.
func newSequence(targets, units int) *Sequence {
	s := &Sequence{}
	for range targets {
		s.Targets = append(s.Targets, make([]float64, units))
	}
	return s
}

// maker draws sequences of a task into s, whose memory it uses again.
type maker func(r *rand.Rand, s *Sequence)

// adding is the task of section 5.4. With multiply it is that of section 5.5.
//
// A marked first pair is read so: it keeps the marker −1 of first pairs, and its value
// becomes 0 (in 5.5 it becomes 1), whichever of the two marks it got.
func adding(lag int, multiply bool) maker {
	low, neutral := -1.0, 0.0
	if multiply {
		low, neutral = 0, 1
	}
	return func(r *rand.Rand, s *Sequence) {
		steps := between(r, lag, lag+lag/10)
		s.Width, s.Values = 2, resize(s.Values, 2*steps)
		for t := range steps {
			s.Values[2*t], s.Values[2*t+1] = low+(1-low)*r.Float64(), 0
		}
		a := r.IntN(min(10, lag/2))
		b := r.IntN(lag/2 - 1)
		if b >= a {
			b++ // the first T/2 − 1 that are still unmarked
		}
		s.Values[2*a+1], s.Values[2*b+1] = 1, 1
		s.Values[1], s.Values[2*steps-1] = -1, -1
		if min(a, b) == 0 {
			s.Values[0] = neutral
		}
		x1, x2 := s.Values[2*a], s.Values[2*b]
		s.Targets[0][0] = 0.5 + (x1+x2)/4
		if multiply {
			s.Targets[0][0] = x1 * x2
		}
	}
}

// Symbols of the temporal order problem.
const (
	orderX     = 4 // 0 to 3 are the distractors a, b, c and d
	orderY     = 5
	orderStart = 6 // E
	orderEnd   = 7 // B, the trigger
)

// temporalOrder is task 6a of section 5.6. The paper has lag 100 only; another scales
// all places. Classes Q, R, S and U are 0 to 3.
func temporalOrder(lag int) maker {
	return func(r *rand.Rand, s *Sequence) {
		steps := between(r, lag, lag+lag/10)
		s.Symbols = s.Symbols[:0]
		for range steps {
			s.Symbols = append(s.Symbols, r.IntN(4))
		}
		s.Symbols[0], s.Symbols[steps-1] = orderStart, orderEnd
		first, second := r.IntN(2), r.IntN(2)
		// Positions count from 1 in the paper.
		s.Symbols[between(r, max(lag/10, 2), lag/5)-1] = orderX + first // at lag 10 the first place is E's
		s.Symbols[between(r, lag/2, lag/2+lag/10)-1] = orderX + second
		clear(s.Targets[0])
		s.Targets[0][2*first+second] = 1
	}
}

// noiseFreePair returns the two sequences of task 2a (section 5.2): y, a_1, ..., a_{p−1}, y
// and the same with x. Symbol p−1 is x and p is y. The last element is predicted, not read.
func noiseFreePair(p int) [2]*Sequence {
	var pair [2]*Sequence
	for i := range pair {
		s := newSequence(p, p+1)
		s.Symbols = append(s.Symbols, p-1+i)
		for a := range p - 1 {
			s.Symbols = append(s.Symbols, a)
			s.Targets[a][a] = 1
		}
		s.Targets[p-1][p-1+i] = 1
		pair[i] = s
	}
	return pair
}

// distractors is task 2c (section 5.2) with q = p, as in the upper rows of table 3:
// b, then x or y, at least q random symbols, and e. What is predicted after e is the
// second symbol. Symbols 0 to p−1 are the distractors, then e, b, x and y follow.
func distractors(q int) maker {
	return func(r *rand.Rand, s *Sequence) {
		class := r.IntN(2)
		s.Symbols = append(s.Symbols[:0], q+1, q+2+class)
		for range q {
			s.Symbols = append(s.Symbols, r.IntN(q))
		}
		for r.IntN(10) != 0 {
			s.Symbols = append(s.Symbols, r.IntN(q))
		}
		s.Symbols = append(s.Symbols, q)
		clear(s.Targets[0])
		s.Targets[0][class] = 1
	}
}

// twoSequenceSignal is N of task 3a: the elements that say the class.
const twoSequenceSignal = 3

// twoSequence is task 3a (section 5.3): N elements of 1 or −1, then noise of variance
// 0.2, the class at the end.
func twoSequence(lag int) maker {
	deviation := math.Sqrt(0.2)
	return func(r *rand.Rand, s *Sequence) {
		steps := between(r, lag, lag+lag/10)
		s.Width, s.Values = 1, resize(s.Values, steps)
		class := float64(r.IntN(2))
		for t := range steps {
			if t < twoSequenceSignal {
				s.Values[t] = 2*class - 1
			} else {
				s.Values[t] = r.NormFloat64() * deviation
			}
		}
		s.Targets[0][0] = class
	}
}

// between draws one of from to to.
func between(r *rand.Rand, from, to int) int { return from + r.IntN(to-from+1) }

func resize(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}
