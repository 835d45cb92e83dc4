// Package reproduce repeats experiments of papers, with figures beside the published
// ones.
package reproduce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/train"
)

// Corpus is what translation models are compared on.
type Corpus struct {
	Fit, Valid, Test train.Text
	Gold             [][]metrics.Link // word alignments of Test, nil where there are none
}

// Luong15 is the comparison of attention in Luong, Pham and Manning, "Effective
// Approaches to Attention-based Neural Machine Translation", EMNLP 2015.
type Luong15 struct {
	Corpus Corpus
	Dir    string                      // folder of the runs; those that are there go on
	Seeds  int                         // runs of each model
	Steps  int                         // of training
	Change func(c *train.Config) error // of every model, may be nil
	// Validated, if set, is called after every validation of a run in training.
	Validated func(folder string, p train.Progress, v train.Validation)
}

// Compared is a model of the comparison, over all seeds.
type Compared struct {
	Name string `json:"name"`
	// Published is BLEU in the paper, of English to German; 0 where it has none.
	Published  float64   `json:"published_bleu,omitempty"`
	Perplexity []float64 `json:"perplexity,omitempty"` // of the validation text, a seed each
	BLEU       []float64 `json:"bleu"`                 // of the test text
	AER        []float64 `json:"aer,omitempty"`        // alignment error rate of attention, 0 to 1
	// Of table 1: mean BLEU less that of the row before, here and in the paper.
	Gain          *float64 `json:"gain,omitempty"`
	PublishedGain *float64 `json:"published_gain,omitempty"`
}

// gains reports rows with what each adds to the one before.
func gains(report func(Compared)) func(Compared) {
	var before *Compared
	return func(c Compared) {
		if before != nil {
			gain, published := stat.Mean(c.BLEU, nil)-stat.Mean(before.BLEU, nil), c.Published-before.Published
			c.Gain, c.PublishedGain = &gain, &published
		}
		before = &c
		report(c)
	}
}

// Table1 trains each model of table 1, where every one adds something to the one before:
// the last two add it to the search.
func (l Luong15) Table1(ctx context.Context, report func(Compared)) error {
	report = gains(report)
	last, err := l.all(ctx, table1(), report)
	if err != nil {
		return err
	}
	replaced := Compared{Name: "+ unknown words replaced", Published: 20.9}
	var words map[string]string // of the first, whose attention is that of the ensemble
	for i, m := range last {
		own, err := m.Dictionary(ctx, l.Corpus.Fit)
		if err != nil {
			return err
		}
		if i == 0 {
			words = own
		}
		bleu, err := l.score(ctx, m, own)
		if err != nil {
			return err
		}
		replaced.BLEU = append(replaced.BLEU, bleu)
	}
	report(replaced)
	if len(last) < 2 {
		return nil
	}
	all, err := train.Ensemble(last...)
	if err != nil {
		return err
	}
	bleu, err := l.score(ctx, all, words)
	if err != nil {
		return err
	}
	report(Compared{Name: fmt.Sprintf("+ ensemble of %d (8 in the paper)", len(last)), Published: 23.0, BLEU: []float64{bleu}})
	return nil
}

// Table4 trains the models of table 4, which differ in their attention, that of Bahdanau
// et al. 2015, and a Transformer of its size.
func (l Luong15) Table4(ctx context.Context, report func(Compared)) error {
	last, err := l.all(ctx, table4(), report)
	if err != nil {
		return err
	}
	return l.transformer(ctx, last[0], report)
}

// transformer trains Transformers of the size of a recurrent model, on batches and for steps
// as many, by a recipe of their own.
func (l Luong15) transformer(ctx context.Context, like *train.Model, report func(Compared)) error {
	shape, err := transformerOf(like.Weights(), like.Config.Recurrent)
	if err != nil {
		return err
	}
	preset, err := train.Translations.Preset("transformer-tiny")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("Transformer (d %d, ff %d, %d + %d layers)", shape.Dim, shape.FFN, shape.EncoderLayers, shape.DecoderLayers)
	_, err = l.each(ctx, Compared{Name: name}, func(seed int) (string, train.Config, error) {
		c := l.shared(preset)
		c.Model = shape
		c.Training.Seed, c.Training.MaxSteps, c.Training.BatchTokens = uint64(seed), l.Steps, batchTokens
		c.Training.ValidateEvery, c.Training.Average, c.Training.Warmup = max(1, l.Steps/4), 0, min(c.Training.Warmup, l.Steps/4)
		c, err := l.changed(c)
		c.Recurrent = preset.Recurrent // which may have been changed for the others
		return fmt.Sprintf("transformer-%d", seed), c, err
	}, report)
	return err
}

// transformerOf returns the shape of a Transformer of three layers a side that has about
// as many weights as a recurrent model of shape c.
func transformerOf(weights int, c seq2seq.Config) (transformer.Config, error) {
	t := transformer.Config{
		Vocab: c.Vocab, Heads: 4, EncoderLayers: 3, DecoderLayers: 3, MaxLength: c.MaxLength,
		Activation: transformer.ReLU, PreNorm: true, Dropout: c.Dropout,
	}
	best := t
	for t.Dim = t.Heads; ; t.Dim += t.Heads {
		t.FFN = 2 * t.Dim
		m, err := transformer.New(t, rand.New(rand.NewPCG(0, 0)))
		if err != nil {
			return t, err
		}
		n := nn.Count(nn.Params(m))
		if n > weights && best.Dim > 0 {
			best.Vocab = 0 // the vocabulary says it
			return best, nil
		}
		best = t
		if n < weights { // wider inside, for the rest; each unit has 2·Dim + 1 weights a layer
			best.FFN += (weights - n) / ((t.EncoderLayers + t.DecoderLayers) * (2*t.Dim + 1))
		}
	}
}

// all trains the models of some rows with every seed, reports what comes out, and returns
// those of the last row. Rows that cannot be are an error before any is trained.
func (l Luong15) all(ctx context.Context, rows []row, report func(Compared)) (last []*train.Model, err error) {
	for _, r := range rows {
		if err := l.check(r); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	for _, r := range rows {
		last, err = l.each(ctx, Compared{Name: r.name, Published: r.published}, func(seed int) (string, train.Config, error) {
			config, err := l.config(r.model, seed)
			return folderName(r.model, seed), config, err
		}, report)
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

// each trains a model with every seed, in the folder and by the configuration that setup
// returns, and reports what comes out. Models that diverge are counted in its name; that all do
// is an error.
func (l Luong15) each(ctx context.Context, result Compared, setup func(seed int) (string, train.Config, error), report func(Compared)) ([]*train.Model, error) {
	var models []*train.Model
	for seed := 1; seed <= l.Seeds; seed++ {
		folder, c, err := setup(seed)
		if err != nil {
			return nil, err
		}
		trained, loss, err := l.train(ctx, folder, c)
		if err != nil {
			if d := (*train.Divergence)(nil); errors.As(err, &d) && (seed < l.Seeds || models != nil) {
				continue
			}
			return nil, fmt.Errorf("%s, seed %d: %w", result.Name, seed, err)
		}
		models = append(models, trained)
		bleu, err := l.score(ctx, trained, nil)
		if err != nil {
			return nil, err
		}
		result.Perplexity, result.BLEU = append(result.Perplexity, math.Exp(loss)), append(result.BLEU, bleu)
		if l.Corpus.Gold != nil && trained.Attends() {
			aer, err := l.alignment(ctx, trained)
			if err != nil {
				return nil, err
			}
			result.AER = append(result.AER, aer)
		}
	}
	if lost := l.Seeds - len(models); lost > 0 {
		result.Name += fmt.Sprintf(" (%d of %d diverged)", lost, l.Seeds)
	}
	report(result)
	return models, nil
}

// batchTokens is the size of a batch.
const batchTokens = 1024

// config returns the configuration of a recurrent model.
func (l Luong15) config(c seq2seq.Config, seed int) (train.Config, error) {
	config, err := train.Translations.Preset("seq2seq-luong")
	if err != nil {
		return config, err
	}
	config = l.shared(config)
	base := &config.Recurrent
	if c.Cell == "" {
		c.Cell = base.Cell
	}
	c.Dim, c.Hidden, c.Layers, c.MaxLength, c.Init = 128, 128, 1, base.MaxLength, base.Init
	config.Recurrent = c
	// Section 4.1, but for the rate, which falls in a straight line. Adam drives the places
	// that local attention predicts to the ends of the source, where they stay.
	config.Training = train.Options{
		Seed: uint64(seed), BatchTokens: batchTokens, Accumulate: 1, MaxSteps: l.Steps, PerSentence: true, Clip: 5,
		Optimizer: "sgd", Schedule: "linear", Rate: 1, ValidateEvery: max(1, l.Steps/4),
	}
	return l.changed(config)
}

// shared gives a configuration what all models have in common.
func (l Luong15) shared(c train.Config) train.Config {
	c.Tokenizer = train.TokenizerConfig{Type: "words", Vocab: 10_000}
	c.Data.Tokenize = string(metrics.TokenizeNone)
	c.Decoding = train.DecodingConfig{Beam: 5, LengthPenalty: "power", Alpha: 1}
	return c
}

// changed applies l.Change to a configuration.
func (l Luong15) changed(c train.Config) (train.Config, error) {
	if l.Change == nil {
		return c, nil
	}
	was := c
	if err := l.Change(&c); err != nil {
		return c, err
	}
	return c, checkCompared(was, c)
}

// train returns the model of a run in a folder of l.Dir, and its loss on the validation
// text.
func (l Luong15) train(ctx context.Context, folder string, c train.Config) (*train.Model, float64, error) {
	run, err := train.NewRunOf(filepath.Join(l.Dir, folder), c, l.Corpus.Fit, l.Corpus.Valid)
	if err != nil {
		return nil, 0, err
	}
	best, err := run.Train(ctx, func(p train.Progress, v *train.Validation) {
		if v != nil && l.Validated != nil {
			l.Validated(folder, p, *v)
		}
	})
	if err != nil {
		return nil, 0, err
	}
	return run.Task.Model, best.Loss, nil
}

// folderName tells the runs of all models apart.
func folderName(c seq2seq.Config, seed int) string {
	name := "none"
	if c.Attention != "" {
		name = string(c.Attention)
	}
	for _, part := range []struct {
		on   bool
		name string
	}{
		{c.Window != nn.Global, string(c.Window)},
		{c.Reverse, "reversed"},
		{c.Dropout > 0, "dropout"},
		{c.InputFeeding, "feeding"},
		{c.PreviousState, "previous"},
	} {
		if part.on {
			name += "-" + part.name
		}
	}
	return fmt.Sprintf("%s-%d", name, seed)
}

// scoreBlock is the number of lines that are translated at a time.
const scoreBlock = 256

// score returns BLEU on the test text, with unknown words replaced by a dictionary if there
// is one. Lines that are too long for the model are translated in parts, as in validation.
func (l Luong15) score(ctx context.Context, m *train.Model, words map[string]string) (float64, error) {
	o := m.Config.Decoding.Options()
	o.SplitLong = true
	var out []string
	for block := range slices.Chunk(l.Corpus.Test.Source, scoreBlock) {
		if ctx.Err() != nil {
			return 0, train.ErrInterrupted
		}
		lines, err := m.System().Translate(block, o)
		if err != nil {
			return 0, err
		}
		for i, hyps := range lines {
			text := hyps[0].Text
			if words != nil {
				if text, err = m.ReplaceUnknown(block[i], hyps[0].Tokens, words); err != nil {
					return 0, err
				}
			}
			out = append(out, text)
		}
	}
	bleu, err := metrics.BLEUConfig{Tokenize: metrics.TokenizeNone}.Corpus(out, l.Corpus.Test.Target)
	return bleu.Score, err
}

// alignment returns the alignment error rate of the attention that writes the
// references.
func (l Luong15) alignment(ctx context.Context, m *train.Model) (float64, error) {
	var all []inspect.Attention
	for i, line := range l.Corpus.Test.Source {
		if ctx.Err() != nil {
			return 0, train.ErrInterrupted
		}
		a, err := m.Attention(m.Source.Encode(line), m.Target.Encode(l.Corpus.Test.Target[i]))
		if err != nil {
			return 0, err
		}
		all = append(all, a)
	}
	report, err := inspect.ScoreAttention(all, l.Corpus.Gold)
	if err != nil {
		return 0, err
	}
	return report.Mean[len(report.Mean)-1].AER, nil
}
