// Package decode finds output sequences of a model that predicts one token at
// a time: greedily, by beam search, or by sampling.
package decode

import (
	"fmt"
	"math"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Stepper is a model in the middle of decoding a batch: a list of hypotheses,
// at first one empty one for each source sequence. It is all that a search
// knows of a model.
type Stepper interface {
	// Step adds one token to each hypothesis and returns the logits of the
	// next, (hypotheses, V). They are the caller's until the next Step.
	Step(tokens []int32) *tensor.Tensor
	// Select replaces the hypotheses: number i of the new ones continues
	// parents[i] of the old ones.
	Select(parents []int)
}

// Options says how to decode.
type Options struct {
	Begin, End int32 // the token that decoding starts from, and the one that ends it, -1 for none
	Beam       int   // hypotheses of a sentence; 1 is greedy
	Penalty    LengthPenalty
	MinLength  int     // tokens before End is allowed
	NBest      int     // results of a sentence, at most Beam
	Scores     bool    // compute log-probabilities even where the search does not need them
	Banned     []int32 // tokens that never come
	Sampling   *Sampling
}

// Validate says what of the options cannot be.
func (o Options) Validate() error {
	switch {
	case o.Beam < 1:
		return fmt.Errorf("decode: beam is %d; want at least 1", o.Beam)
	case o.NBest < 1 || o.NBest > o.Beam:
		return fmt.Errorf("decode: %d results of a beam of %d; want 1 to %d", o.NBest, o.Beam, o.Beam)
	case o.Sampling != nil && o.Beam != 1:
		return fmt.Errorf("decode: sampling with a beam of %d; want 1", o.Beam)
	}
	if o.Sampling != nil {
		return o.Sampling.validate()
	}
	return o.Penalty.Validate()
}

// noNumbers is the error of a model that gives no token a score that is a number.
func noNumbers(length int) error {
	return fmt.Errorf("decode: no token has a score that is a number at token %d; weights are damaged, or numbers have left their range", length)
}

// fits says what of the options cannot be with a vocabulary.
func (o Options) fits(vocab int) error {
	barred := map[int32]bool{}
	for _, id := range o.Banned {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("decode: token %d is banned and the vocabulary has %d", id, vocab)
		}
		barred[id] = true
	}
	if int(o.End) >= vocab {
		return fmt.Errorf("decode: the end is token %d and the vocabulary has %d", o.End, vocab)
	}
	if o.End >= 0 && o.MinLength > 0 {
		barred[o.End] = true
	}
	if len(barred) == vocab {
		return fmt.Errorf("decode: all of the %d tokens are banned; want one that can come", vocab)
	}
	return nil
}

// LengthPenalty divides the log-probability of a hypothesis by a power of its
// length, so that long ones are not at a disadvantage.
type LengthPenalty struct {
	Name  string  // none, gnmt or power
	Alpha float64 // the power
}

// Validate says what of a penalty cannot be.
func (p LengthPenalty) Validate() error {
	if math.IsNaN(p.Alpha) || math.IsInf(p.Alpha, 0) {
		return fmt.Errorf("decode: the power of the length penalty is %v; want a number", p.Alpha)
	}
	switch p.Name {
	case "", "none", "gnmt", "power":
		return nil
	}
	return fmt.Errorf("decode: unknown length penalty %q; want none, gnmt or power", p.Name)
}

// Of returns what a hypothesis of n tokens is divided by: ((5+n)/6)^α for gnmt
// (Wu et al. 2016, equation 14), n^α for power, 1 for none.
func (p LengthPenalty) Of(n int) float64 {
	switch p.Name {
	case "gnmt":
		return math.Pow((5+float64(n))/6, p.Alpha)
	case "power":
		return math.Pow(float64(n), p.Alpha)
	}
	return 1
}

// Hypothesis is a result.
type Hypothesis struct {
	Tokens  []int32 // without End
	LogProb float64 // sum over Tokens and End, NaN when it was not asked for
	Score   float64 // LogProb over the length penalty: what results are ordered by
	Ended   bool    // by End, not by the maximum length
}

// Run decodes all sequences of a stepper and returns the NBest best hypotheses
// of each, best first. limits holds, for each sequence, the number of tokens
// after which it ends anyway, End among them.
func Run(s Stepper, limits []int, o Options) ([][]Hypothesis, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	for i, n := range limits {
		if n < 1 || n < o.MinLength {
			return nil, fmt.Errorf("decode: sequence %d may have %d tokens; want at least 1 and the minimum of %d", i, n, o.MinLength)
		}
	}
	if o.Sampling != nil {
		if n := len(o.Sampling.Streams); n > 0 && n != len(limits) {
			return nil, fmt.Errorf("decode: %d random streams for %d sequences; want one for each", n, len(limits))
		}
		return sample(s, limits, o)
	}
	return search(s, limits, o)
}

// Limits returns n equal limits for Run.
func Limits(n, tokens int) []int {
	l := make([]int, n)
	for i := range l {
		l[i] = tokens
	}
	return l
}
