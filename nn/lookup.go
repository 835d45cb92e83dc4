package nn

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Score names how a query is compared with a key.
type Score string

// The scores. Those of Luong et al. 2015 are in its section 3.1.
const (
	Dot       Score = "dot"        // q·k
	General   Score = "general"    // q·W k
	Concat    Score = "concat"     // v·tanh(W [q; k]), the additive score of Bahdanau et al. 2015
	Location  Score = "location"   // W q: by the position of the key alone
	ScaledDot Score = "scaled-dot" // q·k/√D (Vaswani et al. 2017, equation 1)
)

// Scores lists the scores.
var Scores = []Score{Dot, General, Concat, Location, ScaledDot}

// Validate says whether there is such a score.
func (s Score) Validate() error {
	if s == "additive" {
		return fmt.Errorf("nn: the additive score is called %s; Bahdanau's model asks with the state before each step, too: previous_state", Concat)
	}
	return checkName("attention score", s, Scores)
}

// Window names which keys of its sequence a query is compared with (Luong et al. 2015,
// section 3.2); "" is all of them.
type Window string

// The windows.
const (
	Global         Window = ""        // all keys
	LocalMonotonic Window = "local-m" // those around the query's own step
	LocalPredicted Window = "local-p" // those around a place that the query predicts
)

// Validate says whether there is such a window.
func (w Window) Validate() error {
	switch w {
	case Global, LocalMonotonic, LocalPredicted:
		return nil
	}
	return fmt.Errorf("nn: unknown attention window %q; want %s, %s or nothing for all of the source", w, LocalMonotonic, LocalPredicted)
}

// LookupConfig is what a lookup does.
type LookupConfig struct {
	Score  Score
	Window Window
	Radius int // D: keys on each side of the middle of a local window
	// Renormalise makes the weights of a predicted window sum to 1 again after the
	// Gaussian, which the authors' code does not.
	Renormalise bool
	// Coverage tells the score concat what keys have been given before (Tu et al. 2016).
	Coverage bool
	// Split gives values a map of their own, so that they are not what keys are made of
	// (Daniluk et al. 2017; W^V of Vaswani et al. 2017).
	Split     bool
	Dim       int // columns of queries and keys
	Positions int // that the score location knows
}

// Validate says what of a lookup cannot be.
func (c LookupConfig) Validate() error {
	if err := cmp.Or(c.Window.Validate(), c.Score.Validate()); err != nil {
		return err
	}
	switch {
	case c.Coverage && (c.Score != Concat || c.Window != Global):
		return fmt.Errorf("nn: coverage with the score %s and the window %q; want %s and no window", c.Score, c.Window, Concat)
	case c.Window != Global && c.Radius < 1:
		return fmt.Errorf("nn: radius is %d; want at least 1, as 10 in the paper, or no window", c.Radius)
	case c.Renormalise && c.Window != LocalPredicted:
		return fmt.Errorf("nn: renormalise with the window %q; it is for that of %s, which has a Gaussian", c.Window, LocalPredicted)
	case c.Window != Global && c.Score == Location:
		return fmt.Errorf("nn: a window of %s with scores by location, which are of the whole source; want another score or no window", c.Window)
	}
	return nil
}

// Lookup is attention as a dictionary that a query is looked up in: the query is
// compared with every key, the scores become weights that sum to 1, and the answer is
// the mixture of the values that they say.
type Lookup struct {
	LookupConfig
	Query *tensor.Tensor `param:"query"` // W by q: (D, D) of concat, (positions, D) of location
	Key   *tensor.Tensor `param:"key"`   // W by k: (D, D) of general and concat
	V     *tensor.Tensor `param:"v"`     // (1, D) of concat
	Value *tensor.Tensor `param:"value"` // (D, D) where values have a map of their own
	Cover *tensor.Tensor `param:"cover"` // (1, D) of coverage
	// Of a predicted window: W_p and v_p of equation 10, (D, D) and (1, D).
	Place  *tensor.Tensor `param:"place"`
	PlaceV *tensor.Tensor `param:"place_v"`
}

// NewLookup returns a lookup with random weights uniform in ±limit. It panics where the
// configuration is not valid.
func NewLookup(c LookupConfig, limit float64, r *rand.Rand) Lookup {
	if err := c.Validate(); err != nil {
		panic(err)
	}
	l := Lookup{LookupConfig: c}
	switch c.Score {
	case General:
		l.Key = Uniform(c.Dim, c.Dim, limit, r)
	case Concat:
		l.Query, l.Key, l.V = Uniform(c.Dim, c.Dim, limit, r), Uniform(c.Dim, c.Dim, limit, r), Uniform(1, c.Dim, limit, r)
	case Location:
		l.Query = Uniform(c.Positions, c.Dim, limit, r)
	}
	if c.Split {
		l.Value = Uniform(c.Dim, c.Dim, limit, r)
	}
	if c.Coverage {
		l.Cover = Uniform(1, c.Dim, limit, r)
	}
	if c.Window == LocalPredicted {
		l.Place, l.PlaceV = Uniform(c.Dim, c.Dim, limit, r), Uniform(1, c.Dim, limit, r)
	}
	return l
}

// Dictionary is what queries are looked up in: a row of Values for each of Keys, both
// mapped as the lookup has it.
type Dictionary struct{ Keys, Values *tensor.Tensor }

// Index makes a dictionary of keys and values, (keys, D) each; they may be the same.
func (l Lookup) Index(t *tensor.Tape, keys, values *tensor.Tensor) Dictionary {
	if l.Key != nil {
		keys = t.Linear(keys, tensor.Linear{Weight: l.Key})
	}
	if l.Value != nil {
		values = t.Linear(values, tensor.Linear{Weight: l.Value})
	}
	return Dictionary{keys, values}
}

// Queries are what is looked up.
type Queries struct {
	Rows  *tensor.Tensor // (queries, D)
	Spans tensor.Spans   // of the dictionary: all of a sequence each
	Steps []int          // places of the queries in their own sequences; for the monotonic window
	// Covered is the sum of what earlier queries of the same sequences gave to keys; nil
	// for the first, and without coverage.
	Covered *tensor.Tensor
}

// Answer is what a lookup has found.
type Answer struct {
	Values  *tensor.Tensor // a mixture for each query, (queries, D)
	Weights *tensor.Tensor // of the keys in each query's span, (queries, longest span or more)
	Spans   tensor.Spans   // what each query has been compared with
}

// Ask looks queries up in a dictionary.
func (l Lookup) Ask(t *tensor.Tape, d Dictionary, q Queries) Answer {
	switch l.Window {
	case LocalMonotonic:
		q.Spans = l.around(q.Spans, func(i int) int { return q.Steps[i] })
	case LocalPredicted:
		return l.predicted(t, d, q)
	}
	weights := t.SpanSoftmax(l.scores(t, d, q), q.Spans)
	return Answer{t.Mix(weights, d.Values, q.Spans), weights, q.Spans}
}

// predicted looks around the places that queries predict, and favours what is near them
// (Luong et al. 2015, equations 10 and 11).
func (l Lookup) predicted(t *tensor.Tape, d Dictionary, q Queries) Answer {
	hidden := t.TanhSum(t.Linear(q.Rows, tensor.Linear{Weight: l.Place}), nil)
	p := t.Locate(t.Linear(hidden, tensor.Linear{Weight: l.PlaceV}), q.Spans) // (queries, 1)
	q.Spans = l.around(q.Spans, func(i int) int { return int(math.Round(float64(p.Data[i]))) })
	weights := t.SpanSoftmax(l.scores(t, d, q), q.Spans)
	weights = t.Gauss(weights, p, q.Spans, float64(l.Radius)/2)
	if l.Renormalise {
		weights = t.Normalise(weights)
	}
	return Answer{t.Mix(weights, d.Values, q.Spans), weights, q.Spans}
}

// around returns the part of each span that is at most Radius from its middle. A middle
// beyond the sequence counts as its last key, and one before it, or of no number, as its
// first.
func (l Lookup) around(spans tensor.Spans, middle func(i int) int) tensor.Spans {
	near := make(tensor.Spans, len(spans))
	for i, s := range spans {
		at := s.First + max(min(middle(i), s.Len()-1), 0)
		radius := min(l.Radius, s.Len()) // it may be any number
		near[i] = tensor.Span{Base: s.Base, First: max(s.First, at-radius), End: min(s.End, at+radius+1)}
	}
	return near
}

// scores compares queries with the keys of their spans.
func (l Lookup) scores(t *tensor.Tape, d Dictionary, q Queries) *tensor.Tensor {
	switch l.Score {
	case Concat:
		return t.AdditiveScores(t.Linear(q.Rows, tensor.Linear{Weight: l.Query}), d.Keys, l.V, q.Spans, tensor.Coverage{Sum: q.Covered, W: l.Cover})
	case Location:
		return t.Linear(q.Rows, tensor.Linear{Weight: l.Query})
	case ScaledDot:
		return t.DotScores(q.Rows, d.Keys, q.Spans, 1/math.Sqrt(float64(q.Rows.Cols())))
	}
	return t.DotScores(q.Rows, d.Keys, q.Spans, 1)
}
