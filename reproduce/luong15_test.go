package reproduce

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kotoba-nlp/kotoba/data/builtin"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/train"
)

// small is the comparison with models and a corpus of next to nothing.
func small(t *testing.T, seeds int) Luong15 {
	t.Helper()
	fit, valid, test := builtin.Corpus()
	text := func(pairs []builtin.Pair) (t train.Text) {
		for _, p := range pairs {
			t.Source, t.Target = append(t.Source, strings.Join(p.Source, " ")), append(t.Target, strings.Join(p.Target, " "))
		}
		return t
	}
	l := Luong15{Corpus: Corpus{Fit: text(fit[:60]), Valid: text(valid[:3]), Test: text(test[:3])}, Dir: t.TempDir(), Seeds: seeds, Steps: 4}
	for _, p := range test[:3] {
		var links []metrics.Link
		for _, a := range p.Alignment {
			links = append(links, metrics.Link{Source: a.Source, Target: a.Target})
		}
		l.Corpus.Gold = append(l.Corpus.Gold, links)
	}
	l.Change = func(c *train.Config) error {
		c.Recurrent.Dim, c.Recurrent.Hidden, c.Recurrent.Layers = 6, 8, 1
		c.Decoding.Beam = 2
		return nil
	}
	return l
}

func TestTable1AddsOneThingAfterTheOther(t *testing.T) {
	l := small(t, 2)
	shrink := l.Change
	l.Change = func(c *train.Config) error {
		c.Tokenizer.Vocab, c.Recurrent.Init = 12, 1 // so that most words are unknown, and models far apart
		return shrink(c)
	}
	collect := func() (all []Compared) {
		if err := l.Table1(context.Background(), func(c Compared) { all = append(all, c) }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := collect()
	if len(all) != 8 {
		t.Fatalf("%d rows; want those of the paper's table, 8", len(all))
	}
	for i, c := range all {
		seeds, attention := 2, i >= 3 && i <= 5
		if i == 7 {
			seeds = 1 // the ensemble is one
		}
		if len(c.BLEU) != seeds || attention != (len(c.AER) == 2) || (i < 6) != (len(c.Perplexity) == 2) {
			t.Errorf("row %d: %+v", i, c)
		}
		// The gains that the paper's table 1 has in brackets.
		if i > 0 && math.Abs(*c.PublishedGain-[]float64{1.3, 1.4, 2.8, 1.3, 0.9, 1.9, 2.1}[i-1]) > 1e-9 {
			t.Errorf("row %d: %v published, a gain of %v", i, c.Published, *c.PublishedGain)
		}
	}
	if all[5].BLEU[0] == all[6].BLEU[0] && all[5].BLEU[1] == all[6].BLEU[1] {
		t.Error("no unknown word is replaced")
	}
	if want := ensembleScore(t, l, "general-local-p-reversed-dropout-feeding-"); all[7].BLEU[0] != want || want == all[6].BLEU[0] {
		t.Errorf("BLEU of the ensemble is %v; want %v, and of one model %v", all[7].BLEU[0], want, all[6].BLEU[0])
	}
	if all[0].Perplexity[0] == all[0].Perplexity[1] {
		t.Error("two seeds gave the same model")
	}
	folders, err := os.ReadDir(l.Dir)
	if err != nil || len(folders) != 12 {
		t.Fatalf("%d folders, %v; want one for each of six models and two seeds", len(folders), err)
	}
	// What is there is not trained again.
	if again := collect(); again[5].Perplexity[1] != all[5].Perplexity[1] || again[7].BLEU[0] != all[7].BLEU[0] {
		t.Errorf("a second time %+v; want %+v", again[5], all[5])
	}
}

// ensembleScore is BLEU of the ensemble of the runs of two seeds, with unknown words replaced.
func ensembleScore(t *testing.T, l Luong15, run string) float64 {
	t.Helper()
	var models []*train.Model
	for _, seed := range []string{"1", "2"} {
		m, err := train.Open(filepath.Join(l.Dir, run+seed))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	words, err := models[0].Dictionary(context.Background(), l.Corpus.Fit)
	if err != nil {
		t.Fatal(err)
	}
	all, err := train.Ensemble(models...)
	if err != nil {
		t.Fatal(err)
	}
	bleu, err := l.score(context.Background(), all, words)
	if err != nil {
		t.Fatal(err)
	}
	return bleu
}

// TestTablesAreThePapers looks at how models are trained (section 4.1) and at the figures
// of table 4, which has three of global attention and three of local.
func TestTablesAreThePapers(t *testing.T) {
	published := map[string]float64{}
	for _, r := range table4() {
		if r.published > 0 {
			published[r.name] = r.published
		}
		l := small(t, 1)
		l.Change = nil
		c, err := l.config(r.model, 1)
		if err != nil {
			t.Fatal(err)
		}
		if o := c.Training; !o.PerSentence || o.Clip != 5 || o.Optimizer != "sgd" || o.Rate != 1 || c.Recurrent.Radius != 10 || c.Decoding.Beam < 2 {
			t.Errorf("%s: %+v, radius %d, beam %d", r.name, o, c.Recurrent.Radius, c.Decoding.Beam)
		}
	}
	want := map[string]float64{
		"global (location)": 18.1, "global (dot)": 18.6, "global (general)": 17.3,
		"local-m (general)": 18.6, "local-p (dot)": 18.0, "local-p (general)": 19.0,
	}
	if !maps.Equal(published, want) {
		t.Errorf("published are %v; want %v", published, want)
	}
}

// TestRowsThatCannotBeAreSeenFirst, before others have been trained for hours.
func TestRowsThatCannotBeAreSeenFirst(t *testing.T) {
	for want, change := range map[string]func(c *train.Config){
		"Bahdanau: seq2seq: hidden is 15; want an even number":  func(c *train.Config) { c.Recurrent.Hidden = 15 },
		"local-m (dot): nn: radius is 0":                        func(c *train.Config) { c.Recurrent.Radius = 0 },
		"global (location): train: clip is -1; want at least 0": func(c *train.Config) { c.Training.Clip = -1 },
	} {
		l := small(t, 1)
		shrink := l.Change
		l.Change = func(c *train.Config) error {
			err := shrink(c)
			change(c)
			return err
		}
		err := l.Table4(context.Background(), func(c Compared) { t.Errorf("a row %+v", c) })
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}

func TestWhatTablesCompareIsNotChanged(t *testing.T) {
	l := small(t, 1)
	for want, change := range map[string]func(c *train.Config){
		"recurrent.attention is among what the tables compare": func(c *train.Config) { c.Recurrent.Attention = nn.Dot },
		"training.seed cannot be set":                          func(c *train.Config) { c.Training.Seed = 7 },
		"training.max_steps cannot be set":                     func(c *train.Config) { c.Training.MaxSteps = 2 },
		"tokenizer.type cannot be set":                         func(c *train.Config) { c.Tokenizer.Type = "unigram" },
		"data.bleu_tokenize cannot be set":                     func(c *train.Config) { c.Data.Tokenize = "13a" },
		"data.bleu_lowercase cannot be set":                    func(c *train.Config) { c.Data.Lowercase = true },
		"data.source cannot be set":                            func(c *train.Config) { c.Data.Source = "text" },
		"preset cannot be set":                                 func(c *train.Config) { c.Preset = "seq2seq-sutskever@1" },
		"recurrent.coverage is of attention":                   func(c *train.Config) { c.Recurrent.Coverage = true },
		"recurrent.split is of attention":                      func(c *train.Config) { c.Recurrent.Split = true },
		"recurrent.renormalise is of attention":                func(c *train.Config) { c.Recurrent.Renormalise = true },
	} {
		l.Change = func(c *train.Config) error { change(c); return nil }
		err := l.Table1(context.Background(), func(c Compared) { t.Errorf("a row %+v", c) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %s", err, want)
		}
	}
	if folders, err := os.ReadDir(l.Dir); err != nil || len(folders) != 0 {
		t.Errorf("%d folders, %v; want none", len(folders), err)
	}
}

func TestTable4ComparesScores(t *testing.T) {
	l := small(t, 1)
	shrink := l.Change
	l.Change = func(c *train.Config) error {
		c.Training.Clip = 2.5
		return shrink(c)
	}
	names := map[string]bool{}
	if err := l.Table4(context.Background(), func(c Compared) {
		names[c.Name] = true
		if len(c.AER) != 1 || c.AER[0] < 0 || c.AER[0] > 1 || !(c.Perplexity[0] > 1) {
			t.Errorf("%+v", c)
		}
	}); err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir(l.Dir)
	if err != nil || len(folders) != len(names) || len(names) != 11 {
		t.Errorf("%d folders and %d models, %v; want eleven of each", len(folders), len(names), err)
	}
	for _, name := range []string{"dot-reversed-dropout-feeding-1", "transformer-1"} { // a change is one of all
		c, err := train.Translations.Read(filepath.Join(l.Dir, name, "config.yaml"))
		if err != nil || c.Training.Clip != 2.5 || c.IsRecurrent() == (name == "transformer-1") {
			t.Errorf("%s: %+v, %v; want the clip of 2.5", name, c.Training, err)
		}
	}
}

// TestScoringTakesLinesOfAnyLength, and stops when it is told to.
func TestScoringTakesLinesOfAnyLength(t *testing.T) {
	l := small(t, 1)
	c, err := l.config(seq2seq.Config{Attention: nn.Dot, Radius: 10}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := l.train(t.Context(), "run", c)
	if err != nil {
		t.Fatal(err)
	}
	l.Corpus.Test.Source[0] = strings.Repeat(l.Corpus.Test.Source[0]+" ", 2*c.Recurrent.MaxLength)
	for _, words := range []map[string]string{nil, {}} {
		if bleu, err := l.score(t.Context(), m, words); err != nil || bleu < 0 {
			t.Errorf("BLEU %v, %v", bleu, err)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := l.score(stopped, m, nil); !errors.Is(err, train.ErrInterrupted) {
		t.Errorf("scoring: %v; want %v", err, train.ErrInterrupted)
	}
	if _, err := l.alignment(stopped, m); !errors.Is(err, train.ErrInterrupted) {
		t.Errorf("alignment: %v; want %v", err, train.ErrInterrupted)
	}
}

func TestTransformersOfASizeHaveAsManyWeights(t *testing.T) {
	for _, want := range []int{200_000, 1_000_000, 4_321_000} {
		c, err := transformerOf(want, seq2seq.Config{Vocab: 3000, MaxLength: 50, Dropout: 0.1})
		if err != nil {
			t.Fatal(err)
		}
		c.Vocab = 3000
		m, err := transformer.New(c, rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		if n := nn.Count(nn.Params(m)); math.Abs(float64(n-want)) > 0.01*float64(want) {
			t.Errorf("%+v has %d weights; want %d", c, n, want)
		}
	}
}

// TestModelsThatDivergeAreCounted gives seed 2 a rate that no model survives, and then seed 1.
func TestModelsThatDivergeAreCounted(t *testing.T) {
	l := small(t, 2)
	change, highest := l.Change, uint64(2)
	l.Change = func(c *train.Config) error {
		if c.Training.Seed >= highest {
			c.Training.Rate = 1e300 // beyond float32
		}
		return change(c)
	}
	var all []Compared
	if err := l.Table1(context.Background(), func(c Compared) { all = append(all, c) }); err != nil {
		t.Fatal(err)
	}
	if len(all) != 7 {
		t.Errorf("%d rows; want six models and unknown words", len(all))
	}
	for i, c := range all {
		if len(c.BLEU) != 1 || i < 6 && !strings.HasSuffix(c.Name, " (1 of 2 diverged)") {
			t.Errorf("%+v", c)
		}
	}
	l.Dir, highest = t.TempDir(), 1
	var d *train.Divergence
	if err := l.Table1(context.Background(), func(Compared) {}); !errors.As(err, &d) {
		t.Errorf("error %v; want that of a divergence", err)
	}
}
