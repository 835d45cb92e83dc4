package metrics

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// goldens is what testdata/make_goldens.py writes.
type goldens struct {
	Version   string
	Corpora   map[string]corpus
	Tokens    map[Tokenize][][]string
	Lower     []string
	BLEU      []goldenScore
	ChrF      []goldenScore
	Bootstrap []goldenInterval
	Paired    []goldenTest
}

type corpus struct {
	Hyp, Base []string
	Refs      [][]string
}

// hardStrings returns the strings of the tokenizer goldens, in their order.
func (c corpus) hardStrings() []string {
	var all []string
	for i := range c.Hyp {
		all = append(all, c.Hyp[i], c.Refs[0][i], c.Refs[1][i])
	}
	return all
}

// goldenConfig is the arguments of a metric of sacreBLEU.
type goldenConfig struct {
	Tokenize       Tokenize
	Lowercase      bool
	SmoothMethod   Smooth  `json:"smooth_method"`
	SmoothValue    float64 `json:"smooth_value"`
	EffectiveOrder bool    `json:"effective_order"`
	WordOrder      int     `json:"word_order"`
}

func (g goldenConfig) bleu() BLEUConfig {
	return BLEUConfig{g.Tokenize, g.Lowercase, g.SmoothMethod, g.SmoothValue, g.EffectiveOrder}
}

func (g goldenConfig) chrF() ChrFConfig { return ChrFConfig{g.WordOrder, g.Lowercase} }

func (g goldenConfig) metric(name string) Metric {
	if name == "BLEU" {
		return g.bleu()
	}
	return g.chrF()
}

type goldenScore struct {
	Corpus     string
	Config     goldenConfig
	References int
	Score      float64
	Text       string
	Signature  string
	Sentences  []float64
	Precisions []float64
	BP         float64
	SysLen     int `json:"sys_len"`
	RefLen     int `json:"ref_len"`
}

type goldenInterval struct {
	Corpus, Metric string
	Config         goldenConfig
	Samples        int
	Mean           float64
	HalfWidth      float64 `json:"half_width"`
	Text           string
}

type goldenTest struct {
	Corpus, Metric, Kind string
	Config               goldenConfig
	Samples              int
	Baseline, System     float64
	PValue               float64 `json:"p_value"`
	Signature            string
}

func load(t *testing.T) goldens {
	t.Helper()
	data, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldens
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if g.Version != SacreBLEUVersion {
		t.Fatalf("goldens are of sacreBLEU %s, want %s", g.Version, SacreBLEUVersion)
	}
	return g
}

// near reports whether two scores agree to nine digits after the point.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9 }

func TestTokenizersEqualSacreBLEU(t *testing.T) {
	g := load(t)
	texts := g.Corpora["hard"].hardStrings()
	for tok, want := range g.Tokens {
		for i, text := range texts {
			got, err := tok.words(text)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want[i]) {
				t.Errorf("%s: words of %q are\n%q, want\n%q", tok, text, got, want[i])
			}
		}
	}
	for i, text := range texts {
		if got := lower(text); got != g.Lower[i] {
			t.Errorf("lower(%q) = %q, want %q", text, got, g.Lower[i])
		}
	}
}

func TestBLEUEqualsSacreBLEU(t *testing.T) {
	g := load(t)
	for _, want := range g.BLEU {
		c, refs := g.Corpora[want.Corpus], g.Corpora[want.Corpus].Refs[:want.References]
		config := want.Config.bleu()
		got, err := config.Corpus(c.Hyp, refs...)
		if err != nil {
			t.Fatal(err)
		}
		same := near(got.Score, want.Score) && near(got.BP, want.BP) &&
			got.SysLen == want.SysLen && got.RefLen == want.RefLen &&
			slices.EqualFunc(got.Precisions[:], want.Precisions, near)
		if !same || got.String() != want.Text {
			t.Errorf("%s %+v: got %s, want %s", want.Corpus, config, got, want.Text)
		}
		if s := config.Signature(Run{References: want.References}); s != want.Signature {
			t.Errorf("signature is %s, want %s", s, want.Signature)
		}
		for i, sentence := range want.Sentences {
			got, err := config.Sentence(c.Hyp[i], row(refs, i)...)
			if err != nil {
				t.Fatal(err)
			}
			if !near(got.Score, sentence) {
				t.Errorf("%+v: score of %q is %.12f, want %.12f", config, c.Hyp[i], got.Score, sentence)
			}
		}
	}
}

// row returns the references of sentence i.
func row(refs [][]string, i int) []string {
	var all []string
	for _, ref := range refs {
		all = append(all, ref[i])
	}
	return all
}

func TestChrFEqualsSacreBLEU(t *testing.T) {
	g := load(t)
	for _, want := range g.ChrF {
		c, refs := g.Corpora[want.Corpus], g.Corpora[want.Corpus].Refs[:want.References]
		config := want.Config.chrF()
		got, err := config.Corpus(c.Hyp, refs...)
		if err != nil {
			t.Fatal(err)
		}
		if !near(got.Score, want.Score) || got.String() != want.Text {
			t.Errorf("%s %+v: got %s, want %s", want.Corpus, config, got, want.Text)
		}
		if s := config.Signature(Run{References: want.References}); s != want.Signature {
			t.Errorf("signature is %s, want %s", s, want.Signature)
		}
		for i, sentence := range want.Sentences {
			got, err := config.Sentence(c.Hyp[i], row(refs, i)...)
			if err != nil {
				t.Fatal(err)
			}
			if !near(got.Score, sentence) {
				t.Errorf("%+v: score of %q is %.12f, want %.12f", config, c.Hyp[i], got.Score, sentence)
			}
		}
	}
}

func TestBootstrapEqualsSacreBLEU(t *testing.T) {
	g := load(t)
	for _, want := range g.Bootstrap {
		c := g.Corpora[want.Corpus]
		got, err := Bootstrap(want.Config.metric(want.Metric), want.Samples, DefaultSeed, c.Hyp, c.Refs...)
		if err != nil {
			t.Fatal(err)
		}
		// sacreBLEU rounds the mean of chrF, alone, to single precision.
		mean := got.Mean
		if want.Metric == "CHRF" {
			mean = float64(float32(mean))
		}
		if !near(mean, want.Mean) || !near(got.HalfWidth, want.HalfWidth) {
			t.Errorf("%s %s %+v: got %+v, want %.12f ± %.12f",
				want.Corpus, want.Metric, want.Config, got, want.Mean, want.HalfWidth)
		}
		if line := scoreLine(t, want, c, got); line != want.Text {
			t.Errorf("got  %s\nwant %s", line, want.Text)
		}
	}
}

// scoreLine is the line of a score with its interval.
func scoreLine(t *testing.T, g goldenInterval, c corpus, ci Interval) string {
	t.Helper()
	run := Run{References: len(c.Refs), Bootstrap: g.Samples, Seed: DefaultSeed}
	if g.Metric == "BLEU" {
		b, err := g.Config.bleu().Corpus(c.Hyp, c.Refs...)
		if err != nil {
			t.Fatal(err)
		}
		return b.Format(2, g.Config.bleu().Signature(run), ci)
	}
	f, err := g.Config.chrF().Corpus(c.Hyp, c.Refs...)
	if err != nil {
		t.Fatal(err)
	}
	return f.Format(2, g.Config.chrF().Signature(run), ci)
}

func TestSignificanceEqualsSacreBLEU(t *testing.T) {
	g := load(t)
	for _, want := range g.Paired {
		c, m := g.Corpora[want.Corpus], want.Config.metric(want.Metric)
		test, run := PairedBootstrap, Run{References: 1, Seed: DefaultSeed, Bootstrap: want.Samples}
		if want.Kind == "ar" {
			test, run = ApproximateRandomization, Run{References: 1, Seed: DefaultSeed, Randomization: want.Samples}
		}
		got, err := test(m, want.Samples, DefaultSeed, c.Base, c.Hyp, c.Refs[0])
		if err != nil {
			t.Fatal(err)
		}
		if !near(got.Baseline, want.Baseline) || !near(got.System, want.System) || !near(got.PValue, want.PValue) {
			t.Errorf("%s %s %s: got %+v, want %v, %v, p = %v",
				want.Kind, want.Corpus, want.Metric, got, want.Baseline, want.System, want.PValue)
		}
		signature := want.Config.chrF().Signature(run)
		if want.Metric == "BLEU" {
			signature = want.Config.bleu().Signature(run)
		}
		if signature != want.Signature {
			t.Errorf("signature is %s, want %s", signature, want.Signature)
		}
	}
}
