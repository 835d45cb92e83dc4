package lstm97

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// TestNetworksHaveAsManyWeightsAsThePaperCounts compares with column w of table 10, and with the figures beside it.
func TestNetworksHaveAsManyWeightsAsThePaperCounts(t *testing.T) {
	for _, tt := range []struct {
		name      string
		lag, want int
		sequences []int // published first, tables 1 to 4 and 7 to 9
	}{
		{"reber-4x1", 0, 264, []int{9_500}},
		{"reber", 0, 276, []int{8_440}},
		{"noise-free-lag", 100, 10504, []int{5_040}},
		{"lag-distractors", 50, 364, []int{30_000}},
		{"lag-distractors", 100, 664, []int{31_000}},
		{"lag-distractors", 200, 1264, []int{33_000}},
		{"lag-distractors", 1000, 6064, []int{49_000}},
		{"two-sequence", 100, 102, []int{27_380, 39_850}},
		{"adding", 100, 93, []int{74_000}},
		{"adding", 500, 93, []int{209_000}},
		{"adding", 1000, 93, []int{853_000}},
		{"multiplication", 100, 93, []int{482_000, 1_273_000}},
		{"temporal-order", 100, 156, []int{31_390}},
	} {
		task, err := NewTask(tt.name, tt.lag)
		if err != nil {
			t.Fatal(err)
		}
		l, err := newLearner(task, Options{Learner: "lstm"}, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Weights(); got != tt.want {
			t.Errorf("%s, lag %d: %d weights, the paper has %d", tt.name, tt.lag, got, tt.want)
		}
		rows := PublishedOf(tt.name)
		first := slices.IndexFunc(rows, func(p Published) bool { return p.Learner == "lstm" && p.Lag == tt.lag })
		if first < 0 || rows[first].Weights != tt.want || !slices.Equal(rows[first].Sequences, tt.sequences) {
			t.Errorf("%s, lag %d: published %+v", tt.name, tt.lag, rows)
		}
	}
}

// TestNetworksBeginAsThePaperHasIt compares with columns "Wr", "bias", "α" and the text of
// sections 5.1 to 5.6: by which limits weights are drawn, biases of gates, and rates.
func TestNetworksBeginAsThePaperHasIt(t *testing.T) {
	for name, want := range map[string]struct {
		limit, rate float64
		in, out     []float64
	}{
		"reber":           {0.2, 0.5, nil, []float64{-1, -2, -3}},
		"reber-4x1":       {0.2, 0.5, nil, []float64{-1, -2, -3, -4}},
		"noise-free-lag":  {0.2, 1, nil, nil},
		"lag-distractors": {0.2, 0.01, nil, nil},
		"two-sequence":    {0.1, 1, []float64{-1, -3, -5}, []float64{-2, -4, -6}},
		"adding":          {0.1, 0.5, []float64{-3, -6}, nil},
		"multiplication":  {0.1, 0.1, nil, nil},
		"temporal-order":  {0.1, 0.5, []float64{-2, -4}, nil},
	} {
		task, err := NewTask(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := newLearner(task, Options{Learner: "lstm"}, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		n := l.(*Net)
		if n.Rate != want.rate {
			t.Errorf("%s: rate %v; want %v", name, n.Rate, want.rate)
		}
		largest := 0.0
		for l := range n.hidden.biased {
			for i, w := range n.hidden.row(l) {
				if i != n.hidden.bias {
					largest = max(largest, math.Abs(w))
				}
			}
		}
		if largest > want.limit || largest < 0.9*want.limit {
			t.Errorf("%s: weights up to %v; want %v", name, largest, want.limit)
		}
		for first, biases := range map[int][]float64{0: want.in, n.firstOut: want.out} {
			for j, b := range biases {
				if got := n.hidden.row(first + j)[n.hidden.bias]; got != b {
					t.Errorf("%s: gate %d has bias %v; want %v", name, first+j, got, b)
				}
			}
		}
	}
}

// TestModernNetworksBeginAsTheirSourcesHaveIt looks at weights, biases of gates and the rate.
func TestModernNetworksBeginAsTheirSourcesHaveIt(t *testing.T) {
	task, err := NewTask("adding", 0)
	if err != nil {
		t.Fatal(err)
	}
	m := newReadout(task, Options{Learner: "lstm", Modern: true}, rand.New(rand.NewPCG(1, 1)))
	const units, limit = 4, 0.5 // 1/√4
	largest := 0.0
	for _, w := range m.Layer.Hidden.Weight.Data {
		largest = max(largest, math.Abs(float64(w)))
	}
	if largest > limit || largest < 0.9*limit {
		t.Errorf("weights up to %v; want %v", largest, limit)
	}
	bias := m.Layer.Input.Bias.Data
	if len(bias) != 4*units {
		t.Fatalf("%d biases; want %d", len(bias), 4*units)
	}
	for i, b := range bias {
		if gate := i < 2*units; gate != (math.Abs(float64(b)) > limit) { // TestGatesBeginByTheLag looks closer
			t.Errorf("bias %d is %v", i, b)
		}
	}
	if _, ok := m.optim.(*optim.Adam); !ok || m.rate != 5e-3 || !m.linear {
		t.Errorf("%T at %v, linear outputs %v; want Adam at 5e-3 and linear ones", m.optim, m.rate, m.linear)
	}
	plain := newReadout(task, Options{Learner: "rnn-bptt"}, rand.New(rand.NewPCG(1, 1)))
	if _, ok := plain.optim.(*optim.SGD); !ok || plain.rate != 0.5 || !plain.linear {
		t.Errorf("%T at %v, linear outputs %v; want plain descent at 0.5 and linear ones", plain.optim, plain.rate, plain.linear)
	}
}

// TestGatesBeginByTheLag: 1 to T - 1 steps, or what Reber strings need.
func TestGatesBeginByTheLag(t *testing.T) {
	for name, most := range map[string]float64{"adding": 99, "reber": 9} {
		task := mustTask(t, name, 0)
		biases := make([]tensor.Float, 2000)
		task.chrono(biases, rand.New(rand.NewPCG(1, 1)))
		least, largest := math.Inf(1), 0.0
		for i, forget := range biases[1000:] {
			steps := math.Exp(float64(forget))
			least, largest = min(least, steps), max(largest, steps)
			if biases[i] != -forget {
				t.Fatalf("%s: input gate %v, forget gate %v", name, biases[i], forget)
			}
		}
		if least < 1 || least > 1+most/50 || largest > most || largest < 0.98*most {
			t.Errorf("%s: cells hold for %v to %v steps; want 1 to %v", name, least, largest, most)
		}
	}
}

// draws returns a function that draws sequences with one target.
func draws(m maker, units int) func() *Sequence {
	return drawing(m, units, rand.New(rand.NewPCG(3, 4)))
}

func TestAddingAndMultiplicationMarkTwoPairsAndAskForSumAndProduct(t *testing.T) {
	for _, multiply := range []bool{false, true} {
		next := draws(adding(100, multiply), 1)
		lengths, first := map[int]bool{}, 0
		for range 5000 {
			s := next()
			steps := s.Len()
			lengths[steps] = true
			var marked []int
			for i := range steps {
				v, mark := s.Values[2*i], s.Values[2*i+1]
				if v > 1 || v < -1 || multiply && v < 0 {
					t.Fatalf("pair %d has the value %g", i, v)
				}
				switch {
				case i == 0 || i == steps-1:
					if mark != -1 {
						t.Fatalf("pair %d of %d has the marker %g; want -1", i, steps, mark)
					}
				case mark == 1:
					marked = append(marked, i)
				case mark != 0:
					t.Fatalf("pair %d has the marker %g", i, mark)
				}
			}
			if len(marked) == 1 { // the other mark fell on the first pair
				first++
				marked = slices.Insert(marked, 0, 0)
				if v := s.Values[0]; !multiply && v != 0 || multiply && v != 1 {
					t.Fatalf("a first pair that is marked has the value %g", v)
				}
			}
			if len(marked) != 2 || marked[0] > 9 || marked[1] > 49 {
				t.Fatalf("pairs %v are marked", marked)
			}
			a, b := s.Values[2*marked[0]], s.Values[2*marked[1]]
			want := 0.5 + (a+b)/4
			if multiply {
				want = a * b
			}
			if math.Abs(s.Targets[0][0]-want) > 1e-15 {
				t.Fatalf("the target is %g; want %g", s.Targets[0][0], want)
			}
		}
		if len(lengths) != 11 || !lengths[100] || !lengths[110] {
			t.Errorf("lengths are %v; want 100 to 110", lengths)
		}
		if first < 450 || first > 750 { // 1/10 + 9/10·1/49 of 5000 is 592
			t.Errorf("the first pair is marked in %d of 5000", first)
		}
	}
}

func TestTemporalOrderClassIsTheOrderOfItsTwoSymbols(t *testing.T) {
	next := draws(temporalOrder(100), 4)
	classes := map[string]int{"45": 1, "44": 0, "54": 2, "55": 3}
	for range 2000 {
		s := next()
		steps := s.Len()
		if steps < 100 || steps > 110 || s.Symbols[0] != orderStart || s.Symbols[steps-1] != orderEnd {
			t.Fatalf("%v", s.Symbols)
		}
		var order string
		var at []int
		for i, symbol := range s.Symbols[1 : steps-1] {
			switch {
			case symbol == orderX || symbol == orderY:
				order += string(rune('0' + symbol))
				at = append(at, i+2) // positions count from 1
			case symbol > 3:
				t.Fatalf("symbol %d within", symbol)
			}
		}
		if len(at) != 2 || at[0] < 10 || at[0] > 20 || at[1] < 50 || at[1] > 60 {
			t.Fatalf("relevant symbols at %v", at)
		}
		for k, v := range s.Targets[0] {
			if (v == 1) != (k == classes[order]) || v != 0 && v != 1 {
				t.Fatalf("targets %v of order %s", s.Targets[0], order)
			}
		}
	}
}

func TestDistractorsEndAfterTheTriggerWithTheSecondSymbol(t *testing.T) {
	const q = 50
	next := draws(distractors(q), 2)
	total := 0
	for range 5000 {
		s := next()
		n := s.Len() // without the last symbol, which is predicted
		total += n + 1
		if s.Symbols[0] != q+1 || s.Symbols[n-1] != q || n < q+3 {
			t.Fatalf("%v", s.Symbols)
		}
		for _, symbol := range s.Symbols[2 : n-1] {
			if symbol >= q {
				t.Fatalf("symbol %d among the distractors", symbol)
			}
		}
		if class := s.Symbols[1] - q - 2; s.Targets[0][class] != 1 || s.Targets[0][1-class] != 0 {
			t.Fatalf("targets %v after symbol %d", s.Targets[0], s.Symbols[1])
		}
	}
	// The paper's sum for the expected length is q + 4 + Σ k/10·(9/10)^k = q + 13; it
	// writes q + 14.
	if mean := float64(total) / 5000; math.Abs(mean-(q+13)) > 0.6 {
		t.Errorf("the mean length is %g; want about %d", mean, q+13)
	}
}

func TestTwoSequenceTellsTheClassFirstAndThenIsNoise(t *testing.T) {
	next := draws(twoSequence(100), 1)
	var n, squares float64
	for range 2000 {
		s := next()
		if s.Len() < 100 || s.Len() > 110 {
			t.Fatalf("length %d", s.Len())
		}
		for i, v := range s.Values {
			if i < 3 {
				if v != 2*s.Targets[0][0]-1 {
					t.Fatalf("element %d is %g, class %g", i, v, s.Targets[0][0])
				}
				continue
			}
			n++
			squares += v * v
		}
	}
	if v := squares / n; math.Abs(v-0.2) > 0.01 {
		t.Errorf("the noise has variance %g; want 0.2", v)
	}
}

func TestNoiseFreePairDiffersInFirstAndLastSymbolOnly(t *testing.T) {
	pair := noiseFreePair(7)
	for i, s := range pair {
		if s.Symbols[0] != 6+i || s.Len() != 7 || len(s.Targets) != 7 {
			t.Fatalf("%v", s.Symbols)
		}
		for t0, target := range s.Targets {
			next := 6 + i
			if t0 < 6 {
				next = s.Symbols[t0+1]
				if next != t0 {
					t.Errorf("symbol %d is %d", t0+1, next)
				}
			}
			if k := slices.Index(target, 1); k != next {
				t.Errorf("step %d asks for %d; want %d", t0, k, next)
			}
		}
	}
}

// reberPattern is the embedded grammar once more, as a regular expression.
var reberPattern = func() *regexp.Regexp {
	const end = `(XT*VP)*(S|XT*VV)`
	const inner = `B(TS*X` + end + `|PT*V(P` + end + `|V))E`
	return regexp.MustCompile(`^B(T` + inner + `T|P` + inner + `P)E$`)
}()

func TestReberStringsAreOfTheGrammarAndPossibleSymbolsAreThoseThatFollow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	follow, possible := map[string]uint{}, map[string]uint{}
	count := map[string]int{}
	for range 20_000 {
		text, bits := reberString(r)
		if !reberPattern.MatchString(text) {
			t.Fatalf("%s is not of the grammar", text)
		}
		for i, b := range bits {
			prefix := text[:i+1]
			follow[prefix] |= 1 << strings.IndexByte(reberSymbols, text[i+1])
			possible[prefix] = b
			count[prefix]++
		}
	}
	for prefix, b := range possible {
		if follow[prefix]&^b != 0 || count[prefix] > 100 && follow[prefix] != b {
			t.Errorf("after %s come %b; said to be possible: %b", prefix, follow[prefix], b)
		}
	}
	training, test := reberSets(r)
	seen := map[string]bool{}
	text := func(s *Sequence) (x string) {
		for _, k := range s.Symbols {
			x += string(reberSymbols[k])
		}
		return x
	}
	for _, s := range training {
		seen[text(s)] = true
	}
	for _, s := range test {
		if seen[text(s)] {
			t.Errorf("test string %s is in the training set", text(s))
		}
	}
	if len(training) != 256 || len(test) != 256 {
		t.Errorf("%d training and %d test strings; want 256 each", len(training), len(test))
	}
}

func TestPredictsOnlyWherePossibleSymbolsAreTheMostActive(t *testing.T) {
	s := &Sequence{Possible: []uint{0b0000110}}
	for want, y := range map[bool][]float64{
		true:  {0.2, 0.3, 0.4, 0.1, 0.2, 0.29, 0},
		false: {0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0},
	} {
		for _, shift := range []float64{0, 1, -1} { // of linear units, which may be beyond 0 and 1
			shifted := make([]float64, len(y))
			for k := range y {
				shifted[k] = y[k] + shift
			}
			if got := predicts(s, [][]float64{shifted}); got != want {
				t.Errorf("%v: %v; want %v", shifted, got, want)
			}
		}
	}
}

func TestErrorsThatAreNoNumbersAreTheLargest(t *testing.T) {
	s := newSequence(2, 1)
	if largest, _ := errorsOf(s, [][]float64{{math.NaN()}, {0.1}}); !math.IsNaN(largest) {
		t.Errorf("the largest of NaN and 0.1 is %v", largest)
	}
}

func TestShortTemporalOrderBeginsWithItsStart(t *testing.T) {
	next := draws(temporalOrder(leastLag), 4)
	for range 200 {
		if s := next(); s.Symbols[0] != orderStart {
			t.Fatalf("%v begins with another symbol than %d", s.Symbols, orderStart)
		}
	}
}
