package train

import (
	"context"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// LabelTask is the task of fitting a model that labels words.
type LabelTask struct {
	Encoder *pipeline.Encoder

	train, valid []wordLabels
	shuffled

	batch  bert.Batch // memory of the current batch
	labels []int32
}

// wordLabels is a sequence of words and their labels.
type wordLabels struct {
	pipeline.Words
	labels []int32
	starts bool // whether a sentence begins here
}

func newLabelTask(c LabelConfig, e *pipeline.Encoder) (*LabelTask, error) {
	if err := e.Shorten(c.Data.MaxLength); err != nil {
		return nil, err
	}
	return &LabelTask{Encoder: e, shuffled: shuffled{size: c.Data.Batch, seed: c.Training.Seed}}, nil
}

// sequences returns sentences as the encoder reads them.
func (t *LabelTask) sequences(sentences []data.Tagged) (all []wordLabels) {
	for _, s := range sentences {
		var ids []int32
		for _, l := range s.Labels {
			ids = append(ids, int32(slices.Index(t.Encoder.Labels, l)))
		}
		for i, w := range t.Encoder.Words(s.Words) {
			n := len(w.First)
			all = append(all, wordLabels{w, ids[:n], i == 0})
			ids = ids[n:]
		}
	}
	return all
}

// Params implements Task.
func (t *LabelTask) Params() []nn.Param { return nn.Params(t.Encoder.Network) }

// Epoch implements Task: all sequences in a new order, batches of the size asked for.
func (t *LabelTask) Epoch(n int) int { return t.shuffle(n, len(t.train)) }

// Targets implements Task.
func (t *LabelTask) Targets(batch int) int {
	return t.sum(batch, func(i int) int { return len(t.train[i].labels) })
}

// Reads implements Reader.
func (t *LabelTask) Reads(batch int) int {
	return t.sum(batch, func(i int) int { return len(t.train[i].IDs) })
}

// Loss implements Task.
func (t *LabelTask) Loss(tape *tensor.Tape, d *nn.Dropout, batch int, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	logits := t.forward(tape, d, t.train, t.batches[batch])
	return tape.CrossEntropy(logits, t.labels, tensor.CrossEntropy{Scale: scale})
}

// forward returns the logits of all tokens of some sequences. The labels of those that are
// first in a word are kept for the loss.
func (t *LabelTask) forward(tape *tensor.Tape, d *nn.Dropout, all []wordLabels, which []int) *tensor.Tensor {
	t.batch.Clear()
	t.labels = t.labels[:0]
	for _, i := range which {
		x := all[i]
		at := len(t.labels)
		t.batch.Add(x.IDs, 0)
		for range x.IDs {
			t.labels = append(t.labels, tensor.Ignore)
		}
		for w, place := range x.First {
			t.labels[at+place] = x.labels[w]
		}
	}
	n, p := t.Encoder.Network, bert.Pass{Tape: tape, Dropout: d}
	return n.Label(p, n.Encoder.Encode(p, t.batch))
}

// Validate implements Task: the accuracy of words, and where labels mark entities precision,
// recall and F1 of those.
func (t *LabelTask) Validate(ctx context.Context) (Validation, error) {
	predicted := make([][]string, len(t.valid))
	loss, words, tape := 0.0, 0, tensor.NewInferenceTape()
	for which := range byLength(len(t.valid), func(i int) int { return len(t.valid[i].IDs) }) {
		if ctx.Err() != nil {
			return Validation{}, ctx.Err()
		}
		tape.Reset()
		logits := t.forward(tape, nil, t.valid, which)
		for i, at := range which {
			for _, place := range t.valid[at].First {
				row := logits.Row(t.batch.Segments[i] + place)
				predicted[at] = append(predicted[at], t.Encoder.Labels[max(slices.Index(row, slices.Max(row)), 0)]) // NaN is nowhere
			}
		}
		_, l := tape.CrossEntropy(logits, t.labels, tensor.CrossEntropy{Scale: 1})
		loss, words = loss-l.LogProb, words+l.Tokens
	}
	scores, first := t.scores(predicted)
	return Validation{Loss: loss / float64(max(words, 1)), Scores: scores, Score: &first, OneLabel: allEqual(slices.Concat(predicted...))}, nil
}

// scores returns the metrics of the labels of the sequences for validation, and the first
// of them.
func (t *LabelTask) scores(predicted [][]string) (scores map[string]float64, first float64) {
	var found, gold [][]string // by sentences
	right, words := 0, 0
	for i, x := range t.valid {
		if x.starts {
			found, gold = append(found, nil), append(gold, nil)
		}
		last := len(gold) - 1
		for w, id := range x.labels {
			label := t.Encoder.Labels[id]
			found[last], gold[last] = append(found[last], predicted[i][w]), append(gold[last], label)
			if words++; label == predicted[i][w] {
				right++
			}
		}
	}
	accuracy := float64(right) / float64(max(words, 1))
	scores = map[string]float64{"accuracy": accuracy}
	if !metrics.HasEntities(t.Encoder.Labels) {
		return scores, accuracy
	}
	s := metrics.ScoreEntities(found, gold)
	scores["precision"], scores["recall"], scores["f1"] = s.Precision, s.Recall, s.F1
	return scores, s.F1
}
