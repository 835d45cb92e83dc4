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

// model is a way to make a recurrent encoder-decoder from the one before it in a table.
type model struct {
	name      string
	published float64
	change    func(c *seq2seq.Config)
}

// Table1 trains each model of table 1, where every one adds something to the one before:
// the last two add it to the search.
func (l Luong15) Table1(ctx context.Context, report func(Compared)) error {
	report = gains(report)
	c := seq2seq.Config{Radius: 10}
	var last []*train.Model
	for _, m := range []model{
		{"no attention", 11.3, func(*seq2seq.Config) {}},
		{"+ reversed source", 12.6, func(c *seq2seq.Config) { c.Reverse = true }},
		{"+ dropout", 14.0, func(c *seq2seq.Config) { c.Dropout = 0.3 }},
		{"+ global attention (location)", 16.8, func(c *seq2seq.Config) { c.Attention = nn.Location }},
		{"+ input feeding", 18.1, func(c *seq2seq.Config) { c.InputFeeding = true }},
		{"local-p attention (general) instead", 19.0, func(c *seq2seq.Config) { c.Attention, c.Window = nn.General, nn.LocalPredicted }},
	} {
		m.change(&c)
		var err error
		if last, err = l.compare(ctx, m, c, report); err != nil {
			return err
		}
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
	attend := func(s nn.Score, w nn.Window) func(c *seq2seq.Config) {
		return func(c *seq2seq.Config) { c.Attention, c.Window = s, w }
	}
	var last []*train.Model
	for _, m := range []model{
		{"global (location)", 18.1, attend(nn.Location, nn.Global)},
		{"global (dot)", 18.6, attend(nn.Dot, nn.Global)},
		{"global (general)", 17.3, attend(nn.General, nn.Global)},
		{"global (concat)", 0, attend(nn.Concat, nn.Global)},
		{"global (scaled dot)", 0, attend(nn.ScaledDot, nn.Global)},
		{"local-m (dot)", 0, attend(nn.Dot, nn.LocalMonotonic)},
		{"local-m (general)", 18.6, attend(nn.General, nn.LocalMonotonic)},
		{"local-p (dot)", 18.0, attend(nn.Dot, nn.LocalPredicted)},
		{"local-p (general)", 19.0, attend(nn.General, nn.LocalPredicted)},
		{"Bahdanau", 0, func(c *seq2seq.Config) {
			c.Cell, c.Attention, c.Reverse, c.Bidirectional = nn.GRU, nn.Concat, false, true
			c.InputFeeding, c.PreviousState = false, true
		}},
	} {
		c := seq2seq.Config{Cell: nn.LSTM, Reverse: true, Dropout: 0.3, InputFeeding: true, Radius: 10}
		m.change(&c)
		var err error
		if last, err = l.compare(ctx, m, c, report); err != nil {
			return err
		}
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

// compare trains a recurrent model with every seed and reports what comes out.
func (l Luong15) compare(ctx context.Context, m model, c seq2seq.Config, report func(Compared)) ([]*train.Model, error) {
	return l.each(ctx, Compared{Name: m.name, Published: m.published}, func(seed int) (string, train.Config, error) {
		config, err := l.config(c, seed)
		return folderName(c, seed), config, err
	}, report)
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

// checkCompared says what of a configuration has been changed that is not for a model alone.
func checkCompared(was, is train.Config) error {
	const compared = "is among what the tables compare, and cannot be one for all models; leave it out"
	const scored = "cannot be set here: the test is scored as the text comes"
	w, i := was.Recurrent, is.Recurrent
	for _, x := range []struct {
		key, why string
		changed  bool
	}{
		{"training.seed", "cannot be set here: models have the seeds 1, 2 and so on", was.Training.Seed != is.Training.Seed},
		{"training.max_steps", "cannot be set here: it is --steps", was.Training.MaxSteps != is.Training.MaxSteps},
		{"tokenizer.type", "cannot be set here: unknown words are replaced in vocabularies of words", was.Tokenizer.Type != is.Tokenizer.Type},
		{"data.bleu_tokenize", scored, was.Data.Tokenize != is.Data.Tokenize},
		{"data.bleu_lowercase", scored, was.Data.Lowercase != is.Data.Lowercase},
		{"recurrent.attention", compared, w.Attention != i.Attention},
		{"recurrent.window", compared, w.Window != i.Window},
		{"recurrent.reverse", compared, w.Reverse != i.Reverse},
		{"recurrent.bidirectional", compared, w.Bidirectional != i.Bidirectional},
		{"recurrent.dropout", compared, w.Dropout != i.Dropout},
		{"recurrent.input_feeding", compared, w.InputFeeding != i.InputFeeding},
		{"recurrent.previous_state", compared, w.PreviousState != i.PreviousState},
	} {
		if x.changed {
			return fmt.Errorf("reproduce: %s %s", x.key, x.why)
		}
	}
	return nil
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
