package train

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Text is a parallel corpus, line by line.
type Text struct{ Source, Target []string }

// check refuses sides of different lengths.
func (t Text) check() error {
	if len(t.Source) != len(t.Target) {
		return fmt.Errorf("train: %d source lines and %d target lines; want as many", len(t.Source), len(t.Target))
	}
	return nil
}

// Translation is the task of fitting a model to a parallel corpus.
type Translation struct {
	Model     *Model
	Tokenizer tokenizer.Tokenizer
	Valid     Text
	Skipped   int // training pairs that were too long, or empty on one side
	// SkippedValid are pairs for validation that were too long, which the loss is without.
	SkippedValid int

	options  Options
	decoding decode.TranslateOptions
	bleu     metrics.BLEUConfig
	lines    int // of Valid that are translated
	train    []data.Example
	valid    []data.Example
	sampling *sampling // nil for the same segmentation in every epoch
	batches  [][]int
	epoch    int      // that the batches are of, where there are any
	batch    nn.Batch // memory of the current batch
}

// NewTranslation prepares a corpus for a model.
func NewTranslation(c Config, m *Model, train, valid Text) (*Translation, error) {
	tok := m.Source
	if err := cmp.Or(train.check(), valid.check(), decode.CheckTokenizer(tok)); err != nil {
		return nil, err
	}
	longest := m.MaxLength()
	t := &Translation{
		Model: m, Tokenizer: tok, Valid: valid, options: c.Training,
		decoding: c.Decoding.Options(),
		bleu:     metrics.BLEUConfig{Tokenize: metrics.Tokenize(c.Data.Tokenize), Lowercase: c.Data.Lowercase},
		lines:    len(valid.Source),
	}
	if n := c.Data.ValidLines; n > 0 {
		t.lines = min(n, t.lines)
	}
	if err := t.checkValidation(c); err != nil {
		return nil, err
	}
	var err error
	if t.sampling, err = newSampling(c, tok); err != nil {
		return nil, err
	}
	for i := range train.Source {
		e := example(tok, tok, train.Source[i], train.Target[i])
		if len(e.Source) == 1 || len(e.Target) == 1 || len(e.Source) > longest || len(e.Target) > longest {
			t.Skipped++
			continue
		}
		t.train = append(t.train, e)
		t.sampling.add(train.Source[i], train.Target[i])
	}
	for i := range valid.Source {
		if e := example(tok, tok, valid.Source[i], valid.Target[i]); max(len(e.Source), len(e.Target)) <= longest {
			t.valid = append(t.valid, e)
		} else {
			t.SkippedValid++
		}
	}
	if len(t.train) == 0 || len(t.valid) == 0 {
		return nil, fmt.Errorf("train: %d pairs to train on and %d to validate with are left, of %d and %d; want at least one of each of at most %d tokens a side",
			len(t.train), len(t.valid), len(train.Source), len(valid.Source), longest)
	}
	return t, t.checkBatches()
}

// checkBatches says whether memory surely cannot hold what training keeps of a batch.
func (t *Translation) checkBatches() error {
	most, tokens := 0.0, 0
	for _, batch := range data.Batches(t.train, t.options.BatchTokens, t.options.Seed, 0) {
		kept, n := 0.0, 0
		for _, i := range batch {
			source, target := len(t.train[i].Source), len(t.train[i].Target)
			kept, n = kept+t.Model.network.Kept(source, target), n+source+target
		}
		if kept > most {
			most, tokens = kept, n
		}
	}
	return checkTraining(most, fmt.Sprintf("the %d tokens of a batch, on both sides,", tokens), "training.batch_tokens, or the model's max_length, which leaves longer pairs out")
}

// checkValidation says, before there is work, what validation could not do.
func (t *Translation) checkValidation(c Config) error {
	if c.Data.ValidLines < 0 {
		return fmt.Errorf("train: data.valid_lines is %d; want at least 0", c.Data.ValidLines)
	}
	if err := c.Decoding.check(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if _, err := t.bleu.Sentence("a", "a"); err != nil {
		return fmt.Errorf("train: data.bleu_tokenize: %w", err)
	}
	if err := t.decoding.Penalty.Validate(); err != nil {
		return fmt.Errorf("train: decoding.length_penalty and alpha: %w", err)
	}
	return nil
}

// example returns the ids of a pair, each side ended.
func example(src, tgt tokenizer.Tokenizer, source, target string) data.Example {
	return data.Example{
		Source: append(src.Encode(source), src.Special().End),
		Target: append(tgt.Encode(target), tgt.Special().End),
	}
}

// Params implements Task.
func (t *Translation) Params() []nn.Param { return t.Model.network.Params() }

// Epoch implements Task. A run asks for its first epoch more than once, which is cut and
// arranged once.
func (t *Translation) Epoch(n int) int {
	if t.batches != nil && t.epoch == n {
		return len(t.batches)
	}
	t.epoch = n
	t.sampling.draw(t.train, n, t.Model.MaxLength())
	t.batches = data.Batches(t.train, t.options.BatchTokens, t.options.Seed, uint64(n))
	return len(t.batches)
}

// Targets implements Task.
func (t *Translation) Targets(batch int) int {
	if t.options.PerSentence {
		return len(t.batches[batch])
	}
	n := 0
	for _, i := range t.batches[batch] {
		n += len(t.train[i].Target)
	}
	return n
}

// Loss implements Task.
func (t *Translation) Loss(tape *tensor.Tape, d *nn.Dropout, batch int, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	start, _ := t.Model.network.Limits()
	fill(&t.batch, t.train, t.batches[batch], start)
	logits := t.Model.network.Forward(tape, d, t.batch)
	return tape.CrossEntropy(logits, t.batch.Output, tensor.CrossEntropy{Smoothing: t.options.Smoothing, Scale: scale})
}

// fill makes b the examples that indices name. The decoder's input is its
// output one place later, after the start symbol.
func fill(b *nn.Batch, examples []data.Example, indices []int, start int32) {
	b.Source.Clear()
	b.Input.Clear()
	b.Output = b.Output[:0]
	for _, i := range indices {
		e := examples[i]
		b.Source.Append(e.Source...)
		b.Source.End()
		b.Input.Append(start)
		b.Input.Append(e.Target[:len(e.Target)-1]...)
		b.Input.End()
		b.Output = append(b.Output, e.Target...)
	}
}

// validTokens is the size of a validation batch.
const validTokens = 2048

// Validate implements Task.
func (t *Translation) Validate(ctx context.Context) (Validation, error) {
	tape := tensor.NewInferenceTape()
	start, _ := t.Model.network.Limits()
	var seen tensor.Likelihood
	for _, indices := range data.SortedBatches(t.valid, validTokens) {
		if ctx.Err() != nil {
			return Validation{}, ctx.Err()
		}
		tape.Reset()
		fill(&t.batch, t.valid, indices, start)
		_, l := tape.CrossEntropy(t.Model.network.Forward(tape, nil, t.batch), t.batch.Output, tensor.CrossEntropy{})
		seen.Add(l)
	}
	v := Validation{Loss: -seen.LogProb / float64(seen.Tokens)}
	out, err := t.translate(ctx, t.Valid.Source[:t.lines])
	if err != nil {
		return v, err
	}
	score, err := t.bleu.Corpus(out, t.Valid.Target[:t.lines])
	if err != nil {
		return v, err
	}
	v.BLEU = &score.Score
	for i := range min(10, t.lines) {
		v.Samples = append(v.Samples, Sample{t.Valid.Source[i], t.Valid.Target[i], out[i]})
	}
	return v, nil
}

// Translate returns the best translation of each line. The model is packed for
// it and unpacked again.
func (t *Translation) Translate(lines []string) ([]string, error) {
	return t.translate(context.Background(), lines)
}

// translateBlock is the number of lines after which translate can be broken off.
const translateBlock = 128

// translate is Translate until ctx is done.
func (t *Translation) translate(ctx context.Context, lines []string) ([]string, error) {
	defer t.Model.network.Unpack()
	o := t.decoding
	o.SplitLong = true
	t.Model.network.Pack()
	s := t.Model.system()
	var out []string
	for block := range slices.Chunk(lines, translateBlock) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		all, err := s.Translate(block, o)
		if err != nil {
			return nil, err
		}
		for _, hyps := range all {
			out = append(out, hyps[0].Text)
		}
	}
	return out, nil
}
