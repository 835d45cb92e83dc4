package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// Score names how a query is compared with a key.
type Score string

// The scores. Those of Luong et al. 2015 are in its section 3.1.
const (
	Dot       Score = "dot"        // q·k
	General   Score = "general"    // q·W k
	Concat    Score = "concat"     // v·tanh(W [q; k])
	Location  Score = "location"   // W q: by the position of the key alone
	ScaledDot Score = "scaled-dot" // q·k/√D (Vaswani et al. 2017, equation 1)
)

// Scores lists the scores.
var Scores = []Score{Dot, General, Concat, Location, ScaledDot}

// Validate says whether there is such a score.
func (s Score) Validate() error {
	if slices.Contains(Scores, s) {
		return nil
	}
	var names []string
	for _, s := range Scores {
		names = append(names, string(s))
	}
	return fmt.Errorf("nn: unknown attention score %q; want one of %s", s, strings.Join(names, ", "))
}

// Lookup is attention as a dictionary that a query is looked up in: the query is
// compared with every key, the scores become weights that sum to 1, and the answer is
// the mixture of the values that they say.
type Lookup struct {
	Score Score
	Query *tensor.Tensor `param:"query"` // W by q: (D, D) of concat, (positions, D) of location
	Key   *tensor.Tensor `param:"key"`   // W by k: (D, D) of general and concat
	V     *tensor.Tensor `param:"v"`     // (1, D) of concat
}

// NewLookup returns a lookup with random weights for queries and keys of dim columns. A
// query of location knows as many positions.
func NewLookup(s Score, dim, positions int, limit float64, r *rand.Rand) Lookup {
	l := Lookup{Score: s}
	switch s {
	case General:
		l.Key = Uniform(dim, dim, limit, r)
	case Concat:
		l.Query, l.Key, l.V = Uniform(dim, dim, limit, r), Uniform(dim, dim, limit, r), Uniform(1, dim, limit, r)
	case Location:
		l.Query = Uniform(positions, dim, limit, r)
	}
	return l
}

// Dictionary is what queries are looked up in: a row of Values for each of Keys, which
// have been through the map of the lookup's score.
type Dictionary struct{ Keys, Values *tensor.Tensor }

// Index makes a dictionary of keys and values, (keys, D) each; they may be the same.
func (l Lookup) Index(t *tensor.Tape, keys, values *tensor.Tensor) Dictionary {
	if l.Key != nil {
		keys = t.Linear(keys, tensor.Linear{Weight: l.Key})
	}
	return Dictionary{keys, values}
}

// Ask looks queries up, (rows, D), each in its span of the dictionary. It returns the
// answers, (rows, D), and the weights, (rows, keys of the longest span or more).
func (l Lookup) Ask(t *tensor.Tape, q *tensor.Tensor, d Dictionary, spans tensor.Spans) (answers, weights *tensor.Tensor) {
	weights = t.SpanSoftmax(l.scores(t, q, d, spans), spans)
	return t.Mix(weights, d.Values, spans), weights
}

func (l Lookup) scores(t *tensor.Tape, q *tensor.Tensor, d Dictionary, spans tensor.Spans) *tensor.Tensor {
	switch l.Score {
	case Concat:
		return t.AdditiveScores(t.Linear(q, tensor.Linear{Weight: l.Query}), d.Keys, l.V, spans)
	case Location:
		return t.Linear(q, tensor.Linear{Weight: l.Query})
	case ScaledDot:
		return t.DotScores(q, d.Keys, spans, 1/math.Sqrt(float64(q.Cols())))
	}
	return t.DotScores(q, d.Keys, spans, 1)
}
