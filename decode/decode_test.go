package decode

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// table is a model over a tiny vocabulary: the logits of the next token are a
// fixed random function of the sequence and of all tokens so far.
type table struct {
	vocab int
	salt  uint64    // tells models apart
	hyps  [][]int32 // first element: the source sequence
}

func newTable(vocab, sequences int) *table {
	m := &table{vocab: vocab}
	for i := range sequences {
		m.hyps = append(m.hyps, []int32{int32(i)})
	}
	return m
}

func (m *table) logits(h []int32) []tensor.Float {
	seed := 17 + m.salt
	for _, id := range h {
		seed = seed*1099511628211 + uint64(id) + 1
	}
	r := rand.New(rand.NewPCG(seed, 3))
	x := make([]tensor.Float, m.vocab)
	for i := range x {
		x[i] = tensor.Float(r.NormFloat64())
	}
	return x
}

func (m *table) Step(tokens []int32) *tensor.Tensor {
	y := tensor.New(len(tokens), m.vocab)
	for i, id := range tokens {
		m.hyps[i] = append(m.hyps[i], id)
		copy(y.Row(i), m.logits(m.hyps[i]))
	}
	return y
}

func (m *table) Select(parents []int) {
	var next [][]int32
	for _, p := range parents {
		next = append(next, slices.Clone(m.hyps[p]))
	}
	m.hyps = next
}

// exhaustive returns every hypothesis of a sequence, best first.
func (m *table) exhaustive(sequence, limit int, o Options) []Hypothesis {
	var all []Hypothesis
	var extend func(h []int32, logProb float64)
	extend = func(h []int32, logProb float64) {
		x := m.logits(h)
		length := len(h) - 1
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(float64(v))
		}
		for id, v := range x {
			if slices.Contains(o.Banned, int32(id)) || int32(id) == o.End && len(h)-2 < o.MinLength {
				continue
			}
			lp := logProb + float64(v) - math.Log(sum)
			switch {
			case int32(id) == o.End:
				all = append(all, Hypothesis{slices.Clone(h[2:]), lp, lp / o.Penalty.Of(length), true})
			case length == limit:
				all = append(all, Hypothesis{append(slices.Clone(h[2:]), int32(id)), lp, lp / o.Penalty.Of(length), false})
			default:
				extend(append(slices.Clone(h), int32(id)), lp)
			}
		}
	}
	extend([]int32{int32(sequence), o.Begin}, 0)
	slices.SortStableFunc(all, func(a, b Hypothesis) int {
		if a.Score > b.Score {
			return -1
		}
		return 1
	})
	return all
}

func same(a, b Hypothesis) bool {
	return slices.Equal(a.Tokens, b.Tokens) && a.Ended == b.Ended && math.Abs(a.LogProb-b.LogProb) < 1e-4 && math.Abs(a.Score-b.Score) < 1e-4
}

func TestWideBeamEqualsExhaustiveSearch(t *testing.T) {
	for _, p := range []LengthPenalty{{}, {"gnmt", 0.6}, {"power", 1}, {"power", 2}} {
		for _, minLength := range []int{0, 2} {
			o := Options{Begin: 0, End: 1, Beam: 1024, NBest: 5, MinLength: minLength, Penalty: p, Banned: []int32{0}}
			got, err := Run(newTable(5, 3), Limits(3, 4), o)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				want := newTable(5, 3).exhaustive(i, 4, o)
				for j, h := range got[i] {
					if !same(h, want[j]) {
						t.Errorf("%v, sentence %d, result %d: %+v, want %+v", p, i, j, h, want[j])
					}
				}
			}
		}
	}
}

func TestGreedyTakesTheBestToken(t *testing.T) {
	o := Options{Begin: 0, End: 1, Beam: 1, NBest: 1, Scores: true}
	m := newTable(7, 4)
	got, err := Run(m, Limits(4, 6), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		h, want := []int32{int32(i), 0}, []int32(nil)
		for len(want) < 6 {
			best := top(nil, m.logits(h), 1)[0].token
			if best == o.End {
				break
			}
			h, want = append(h, best), append(want, best)
		}
		if !slices.Equal(got[i][0].Tokens, want) {
			t.Errorf("sentence %d: %v, want %v", i, got[i][0].Tokens, want)
		}
	}
}

func TestSentencesDoNotAffectEachOther(t *testing.T) {
	o := Options{Begin: 0, End: 1, Beam: 3, NBest: 3, Penalty: LengthPenalty{"gnmt", 1}}
	together, err := Run(newTable(6, 5), []int{8, 3, 8, 5, 8}, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range together {
		m := newTable(6, 5)
		m.hyps = m.hyps[i : i+1]
		alone, err := Run(m, []int{8, 3, 8, 5, 8}[i:i+1], o)
		if err != nil {
			t.Fatal(err)
		}
		for j := range alone[0] {
			if !same(alone[0][j], together[i][j]) {
				t.Errorf("sentence %d, result %d: %+v alone, %+v in a batch", i, j, alone[0][j], together[i][j])
			}
		}
	}
}

// noNumber is a model whose last logits are all the same value; those before are 0.
type noNumber struct {
	logit float64
	last  int // how many
}

func (m noNumber) Step(tokens []int32) *tensor.Tensor {
	y := tensor.New(len(tokens), 5)
	for r := range tokens {
		for i := 5 - m.last; i < 5; i++ {
			y.Row(r)[i] = tensor.Float(m.logit)
		}
	}
	return y
}

func (noNumber) Select([]int) {}

func TestModelsWithoutNumbersAreRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"greedy":   {Beam: 1},
		"beam":     {Beam: 3},
		"sampling": {Beam: 1, Sampling: &Sampling{Temperature: 1}},
		"top-k":    {Beam: 1, Sampling: &Sampling{Temperature: 1, TopK: 2}},
	} {
		for _, logit := range []float64{math.NaN(), math.Inf(-1)} {
			o.End, o.NBest = 1, 1
			if _, err := Run(noNumber{logit, 5}, Limits(2, 4), o); err == nil || !strings.Contains(err.Error(), "no token has a score that is a number at token 1") {
				t.Errorf("%s of %v: error %v", name, logit, err)
			}
			// One NaN spoils the sum over all, which greedy search does not take.
			if _, err := Run(noNumber{logit, 1}, Limits(2, 4), o); (err != nil) != (math.IsNaN(logit) && name != "greedy") {
				t.Errorf("%s with one of %v: error %v", name, logit, err)
			}
		}
	}
}

func TestSamplingFollowsTheDistribution(t *testing.T) {
	m := newTable(5, 1)
	x := m.logits([]int32{0, 0})
	largest := softmax(x, 1, 5)
	slices.SortFunc(largest, func(a, b float64) int { return cmp.Compare(b, a) })
	for _, c := range []struct {
		name string
		s    Sampling
		want func() []float64
	}{
		{"all", Sampling{Temperature: 1}, func() []float64 { return softmax(x, 1, 5) }},
		{"temperature", Sampling{Temperature: 0.5}, func() []float64 { return softmax(x, 0.5, 5) }},
		{"top-k", Sampling{Temperature: 1, TopK: 2}, func() []float64 { return softmax(x, 1, 2) }},
		{"top-p", Sampling{Temperature: 1, TopP: 1e-9}, func() []float64 { return softmax(x, 1, 1) }},
		{"top-p of two", Sampling{Temperature: 1, TopP: largest[0] + largest[1]/2}, func() []float64 { return softmax(x, 1, 2) }},
	} {
		const n = 4000
		count := make([]float64, 5)
		for seed := range n {
			c.s.Seed = uint64(seed)
			o := Options{Begin: 0, End: 1, Beam: 1, NBest: 1, Sampling: &c.s}
			got, err := Run(newTable(5, 1), Limits(1, 1), o)
			if err != nil {
				t.Fatal(err)
			}
			id := o.End
			if h := got[0][0]; !h.Ended {
				id = h.Tokens[0]
			}
			count[id] += 1.0 / n
		}
		for id, w := range c.want() {
			if d := math.Abs(count[id] - w); d > 5*math.Sqrt(w*(1-w)/n)+1e-9 {
				t.Errorf("%s: token %d comes with frequency %.3f, want %.3f", c.name, id, count[id], w)
			}
		}
	}
}

// softmax returns the distribution of the k most probable tokens.
func softmax(x []tensor.Float, temperature float64, k int) []float64 {
	p, sum := make([]float64, len(x)), 0.0
	for _, c := range top(nil, x, k) {
		p[c.token] = math.Exp(c.logProb / temperature)
		sum += p[c.token]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func TestTopFindsTheLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]tensor.Float, 1000)
	for i := range x {
		x[i] = tensor.Float(r.IntN(300)) // with ties
	}
	x[5] = tensor.Float(math.Inf(-1))
	want := sortAll(x)
	for _, n := range []int{1, 2, 8, 999, 1000} {
		got := top(nil, x, n)
		if !slices.Equal(got, want[:min(n, 999)]) {
			t.Fatalf("the %d largest of 1000 are wrong", n)
		}
	}
	for i := range x {
		if i%3 == 0 {
			x[i] = tensor.Float(math.NaN())
		}
	}
	got := top(nil, x, 1000)
	for i, c := range got {
		if c.token%3 == 0 || i > 0 && c.logProb > got[i-1].logProb {
			t.Fatalf("%d of %v among NaN", i, c)
		}
	}
	if len(got) != 665 { // of 666, one is -Inf
		t.Errorf("%d that are numbers; want 665", len(got))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{Beam: 2, NBest: 1}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(o *Options){
		"beam":        func(o *Options) { o.Beam = 0 },
		"n-best":      func(o *Options) { o.NBest = 3 },
		"penalty":     func(o *Options) { o.Penalty.Name = "bert" },
		"sampling":    func(o *Options) { o.Sampling = &Sampling{Temperature: 1} },
		"temperature": func(o *Options) { o.Beam, o.Sampling = 1, &Sampling{} },
	} {
		o := good
		change(&o)
		if o.Validate() == nil {
			t.Errorf("%s: no error for %+v", name, o)
		}
	}
}

func TestLimitsAreChecked(t *testing.T) {
	for _, limit := range []int{0, 2} {
		if _, err := Run(newTable(3, 1), Limits(1, limit), Options{Beam: 1, NBest: 1, MinLength: 3}); err == nil {
			t.Errorf("no error for a limit of %d under a minimum of 3", limit)
		}
	}
}

func TestTokensThatCannotComeAreRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"banned one of no vocabulary": {Banned: []int32{5}, End: 1},
		"negative":                    {Banned: []int32{-1}, End: 1},
		"end of no vocabulary":        {End: 5},
		"all":                         {Banned: []int32{0, 1, 2, 3, 4, 4}, End: 1},
		"all before the minimum":      {Banned: []int32{0, 2, 3, 4}, End: 1, MinLength: 1},
	} {
		o.Beam, o.NBest = 1, 1
		for _, s := range []*Sampling{nil, {Temperature: 1}} {
			o.Sampling = s
			if out, err := Run(newTable(5, 1), Limits(1, 3), o); err == nil {
				t.Errorf("%s: %v and no error", name, out)
			}
		}
	}
}

// TestAnEndBeyondTheBeamIsNoResult: of the candidates, only the Beam best may end.
func TestAnEndBeyondTheBeamIsNoResult(t *testing.T) {
	for _, last := range []int{1, 2} { // the rank of the end, from 0
		row := []choice{{4, -1}, {5, -2}, {6, -3}}
		row[last].token = 1
		q := sentence{limit: 9, beam: []live{{}}}
		q.advance([][]choice{row}, 1, Options{End: 1, Beam: 2})
		if got, want := len(q.ended), 2-last; got != want {
			t.Errorf("the end at rank %d of a beam of 2: %d results; want %d", last, got, want)
		}
		if len(q.beam) != 2 {
			t.Errorf("the end at rank %d: %d beginnings are left; want 2", last, len(q.beam))
		}
	}
}

// TestASearchEndsWhenNothingCanBeBetter: not with as many endings as the beam is wide, but when
// the best that goes on is below all of them.
func TestASearchEndsWhenNothingCanBeBetter(t *testing.T) {
	o := Options{Beam: 2, NBest: 1}
	for open, want := range map[float64]bool{-1: false, -2.9: false, -3: true, -4: true} {
		q := sentence{limit: 10, beam: []live{{logProb: open}}, ended: []Hypothesis{{Score: -2}, {Score: -3}}}
		if q.done(5, o) != want {
			t.Errorf("done with %v to go on with: %v; want %v", open, !want, want)
		}
		if q.ended = q.ended[:1]; q.done(5, o) || !q.done(10, o) {
			t.Errorf("with one ending of two, done is %v, and %v at the limit", q.done(5, o), q.done(10, o))
		}
	}
	// The scores of endings are of a token; so is what goes on, of the five that it has.
	o.Penalty = LengthPenalty{Name: "power", Alpha: 1}
	for open, want := range map[float64]bool{-4: false, -4.6: true} {
		q := sentence{limit: 10, beam: []live{{logProb: open}}, ended: []Hypothesis{{Score: -0.5}, {Score: -0.9}}}
		if q.done(5, o) != want {
			t.Errorf("with a penalty, done with %v to go on with: %v; want %v", open, !want, want)
		}
	}
}
