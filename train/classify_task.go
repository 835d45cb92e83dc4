package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// ClassifyTask is the task of fitting a classifier.
type ClassifyTask struct {
	Encoder *pipeline.Encoder
	// Cut and CutValid are how many texts for training and for validation were too long, and
	// have lost their ends.
	Cut, CutValid int

	texts        labelled
	train, valid []classified
	shuffled
	words *wordDropout

	batch  bert.Batch // memory of the current batch
	labels []int32
	values []tensor.Float
}

// classified is a sequence and what is to be said about it.
type classified struct {
	inputs []pipeline.Input // one, or one for each choice
	label  int32
	value  tensor.Float // where a number is to be predicted
}

func newClassifyTask(c ClassifyConfig, n *bert.Network, tok *tokenizer.WordPiece, texts labelled) (*ClassifyTask, error) {
	e := &pipeline.Encoder{Network: n, Tokenizer: tok, Labels: texts.labels, MaxLength: n.Encoder.MaxLength}
	if err := e.Shorten(c.Data.MaxLength); err != nil {
		return nil, err
	}
	t := &ClassifyTask{Encoder: e, texts: texts, shuffled: shuffled{size: c.Data.Batch, seed: c.Training.Seed}}
	var err error
	if t.words, err = newWordDropout(c.Data.WordDropout, tok); err != nil {
		return nil, err
	}
	if t.train, err = t.sequences(texts.train); err != nil {
		return nil, err
	}
	t.Cut = countCut(t.train)
	return t, t.setValid()
}

func (t *ClassifyTask) setValid() (err error) {
	t.valid, err = t.sequences(t.texts.valid)
	t.CutValid = countCut(t.valid)
	return err
}

func countCut(all []classified) (n int) {
	for _, x := range all {
		if slices.ContainsFunc(x.inputs, func(in pipeline.Input) bool { return in.Cut > 0 }) {
			n++
		}
	}
	return n
}

// sequences returns texts as the encoder reads them.
func (t *ClassifyTask) sequences(rows []data.Labelled) ([]classified, error) {
	all := make([]classified, len(rows))
	for i, r := range rows {
		all[i].inputs = t.inputs(r)
		if t.texts.labels != nil {
			all[i].label = int32(slices.Index(t.texts.labels, r.Label))
			continue
		}
		value, err := r.Number()
		if err != nil {
			return nil, fmt.Errorf("train: line %d: %w", r.Line, err)
		}
		all[i].value = tensor.Float(value)
	}
	return all, nil
}

// inputs returns the sequences of a row.
func (t *ClassifyTask) inputs(r data.Labelled) (all []pipeline.Input) {
	for _, choice := range r.Choices {
		all = append(all, t.Encoder.Pair(r.Text, choice))
	}
	switch {
	case len(all) > 0:
		return all
	case r.Pair == "":
		return []pipeline.Input{t.Encoder.Text(r.Text)}
	}
	return []pipeline.Input{t.Encoder.Pair(r.Text, r.Pair)}
}

// Positive is the label that F1 is of, "" where there is no F1.
func (t *ClassifyTask) Positive() string {
	if !slices.Contains(t.texts.metrics, "f1") {
		return ""
	}
	return t.texts.labels[1]
}

// Valid is the number of texts for validation.
func (t *ClassifyTask) Valid() int { return len(t.valid) }

// Counts returns how many texts for training each label has, those of [ClassifyTask.Encoder]
// in their order; nil where numbers are predicted.
func (t *ClassifyTask) Counts() []int {
	if t.texts.labels == nil {
		return nil
	}
	counts := make([]int, len(t.texts.labels))
	for _, x := range t.train {
		counts[x.label]++
	}
	return counts
}

// tokens is the number of tokens of all sequences.
func (x classified) tokens() (n int) {
	for _, in := range x.inputs {
		n += len(in.IDs)
	}
	return n
}

// Params implements Task.
func (t *ClassifyTask) Params() []nn.Param { return nn.Params(t.Encoder.Network) }

// Epoch implements Task: all texts in a new order, batches of the size asked for.
func (t *ClassifyTask) Epoch(n int) int { return t.shuffle(n, len(t.train)) }

// Targets implements Task.
func (t *ClassifyTask) Targets(batch int) int { return len(t.batches[batch]) }

// Reads implements Reader.
func (t *ClassifyTask) Reads(batch int) int {
	return t.sum(batch, func(i int) int { return t.train[i].tokens() })
}

// Loss implements Task.
func (t *ClassifyTask) Loss(tape *tensor.Tape, d *nn.Dropout, batch int, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	logits := t.forward(tape, d, t.train, t.batches[batch], t.words)
	return t.loss(tape, logits, scale)
}

// forward returns the logits of some texts, whose labels it keeps for loss.
func (t *ClassifyTask) forward(tape *tensor.Tape, d *nn.Dropout, all []classified, which []int, words *wordDropout) *tensor.Tensor {
	t.batch.Clear()
	t.labels, t.values = t.labels[:0], t.values[:0]
	choices := tensor.Segments{0}
	for _, i := range which {
		x := all[i]
		words.begin(t.seed, t.epoch, i)
		for _, in := range x.inputs {
			t.batch.Add(words.hide(in.IDs), in.Second)
		}
		choices = append(choices, t.batch.Segments.Len())
		t.labels, t.values = append(t.labels, x.label), append(t.values, x.value)
	}
	n, p := t.Encoder.Network, bert.Pass{Tape: tape, Dropout: d}
	logits := n.Classify(p, n.Encoder.Encode(p, t.batch), t.batch.Segments)
	if t.texts.choices {
		return p.SequenceRows(logits, choices) // a score a choice becomes a row (section 4.4)
	}
	return logits
}

func (t *ClassifyTask) loss(tape *tensor.Tape, logits *tensor.Tensor, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	if t.texts.labels == nil {
		return tape.SquaredError(logits, t.values, scale), tensor.Likelihood{Tokens: len(t.values)}
	}
	return tape.CrossEntropy(logits, t.labels, tensor.CrossEntropy{Scale: scale})
}

// Validate implements Task.
func (t *ClassifyTask) Validate(ctx context.Context) (Validation, error) {
	predicted, numbers := make([]int, len(t.valid)), make([]float64, len(t.valid))
	loss, tape := 0.0, tensor.NewInferenceTape()
	for which := range byLength(len(t.valid), func(i int) int { return t.valid[i].tokens() }) {
		if ctx.Err() != nil {
			return Validation{}, ctx.Err()
		}
		tape.Reset()
		logits := t.forward(tape, nil, t.valid, which, nil)
		for i, at := range which {
			row := logits.Row(i)
			predicted[at] = slices.Index(row, slices.Max(row))
			numbers[at] = float64(row[0])
		}
		l, _ := t.loss(tape, logits, 1)
		loss += float64(l.Data[0]) / float64(len(t.valid))
	}
	scores := t.scores(predicted, numbers)
	first := scores[t.texts.metrics[0]]
	one := allEqual(predicted)
	if t.texts.labels == nil {
		one = len(numbers) > 1 && slices.Max(numbers)-slices.Min(numbers) < leastSpread
	}
	return Validation{Loss: loss, Scores: scores, Score: &first, OneLabel: one}, nil
}

// leastSpread is how far apart predicted numbers are that say something.
const leastSpread = 1e-3

func allEqual[T comparable](x []T) bool {
	return len(x) > 1 && !slices.ContainsFunc(x, func(v T) bool { return v != x[0] })
}

// scores returns the metrics of predictions for the validation texts.
func (t *ClassifyTask) scores(predicted []int, numbers []float64) map[string]float64 {
	gold, values := make([]int, len(t.valid)), make([]float64, len(t.valid))
	for i, x := range t.valid {
		gold[i], values[i] = int(x.label), float64(x.value)
	}
	s := map[string]float64{}
	for _, name := range t.texts.metrics {
		switch name {
		case "accuracy":
			s[name] = metrics.Accuracy(predicted, gold)
		case "f1":
			s[name] = metrics.F1(predicted, gold)
		case "matthews":
			s[name] = metrics.Matthews(predicted, gold)
		case "pearson":
			s[name] = finite(metrics.Pearson(numbers, values))
		case "spearman":
			s[name] = finite(metrics.Spearman(numbers, values))
		}
	}
	return s
}

// finite makes the correlation with a constant, which is none, 0.
func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}
