package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kotoba-nlp/kotoba/data"
	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/pipeline"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// AnswerTask is the task of fitting a model that answers questions.
type AnswerTask struct {
	Encoder      *pipeline.Encoder
	Train, Valid []data.Question

	config AnswerDataConfig
	train  []passage // the windows of Train
	right  []passage // those of Valid
	shuffled

	batch  bert.Batch // memory of the current batch
	places []int32
}

// passage is a window of a text with the places of its answer in the sequence, both 0,
// that of [CLS], where it is not in it.
type passage struct {
	pipeline.Input
	start, end int32
}

func newAnswerTask(c AnswerConfig, e *pipeline.Encoder, train data.SQuAD, valid []data.Question) (*AnswerTask, error) {
	t := &AnswerTask{Encoder: e, Train: train.Questions, config: c.Data, shuffled: shuffled{size: c.Data.Batch, seed: c.Training.Seed}}
	var err error
	if t.train, err = t.passages(train.Trainable()); err != nil {
		return nil, err
	}
	if len(t.train) == 0 {
		return nil, fmt.Errorf("train: none of the %d questions for training, %s first, has a text and an answer that is in it", len(t.Train), t.Train[0].ID)
	}
	return t, t.setValid(valid)
}

// Options says how the texts of the questions are parted.
func (t *AnswerTask) Options() pipeline.AnswerOptions { return t.config.Options() }

func (t *AnswerTask) setValid(questions []data.Question) (err error) {
	t.Valid = questions
	t.right, err = t.passages(questions)
	return err
}

// passages returns the windows of questions, none of those without a text. Of several
// answers the first that is in the text is taken.
func (t *AnswerTask) passages(questions []data.Question) (all []passage, err error) {
	for _, q := range questions {
		windows, err := t.Encoder.Windows(q.Text, q.Context, t.Options().WindowOptions)
		if errors.Is(err, pipeline.ErrBlank) {
			continue // the answer is ""
		}
		if err != nil {
			return nil, fmt.Errorf("train: the question %s: %w", q.ID, err)
		}
		for _, w := range windows {
			p := passage{Input: w.Input}
			if i := slices.IndexFunc(q.Answers, func(a data.Answer) bool { return a.Start >= 0 }); i >= 0 && !q.Impossible {
				a := q.Answers[i]
				start, end := w.Span(a.Start, a.Start+len(a.Text))
				p.start, p.end = int32(start), int32(end)
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// Params implements Task.
func (t *AnswerTask) Params() []nn.Param { return nn.Params(t.Encoder.Network) }

// Epoch implements Task: all windows in a new order, batches of the size asked for.
func (t *AnswerTask) Epoch(n int) int { return t.shuffle(n, len(t.train)) }

// Targets implements Task: a start and an end a window.
func (t *AnswerTask) Targets(batch int) int { return 2 * len(t.batches[batch]) }

// Reads implements Reader.
func (t *AnswerTask) Reads(batch int) int {
	return t.sum(batch, func(i int) int { return len(t.train[i].IDs) })
}

// Loss implements Task: the mean of the cross entropies of starts and of ends over the
// places of each window (section 4.2).
func (t *AnswerTask) Loss(tape *tensor.Tape, d *nn.Dropout, batch int, scale float64) (*tensor.Tensor, tensor.Likelihood) {
	t.batch.Clear()
	t.places = t.places[:0]
	for _, i := range t.batches[batch] {
		t.batch.Add(t.train[i].IDs, t.train[i].Second)
		t.places = append(t.places, t.train[i].start)
	}
	for _, i := range t.batches[batch] {
		t.places = append(t.places, t.train[i].end)
	}
	n, p := t.Encoder.Network, bert.Pass{Tape: tape, Dropout: d}
	logits := n.Spans(p, n.Encoder.Encode(p, t.batch))
	return tape.CrossEntropy(p.SequenceRows(logits, t.batch.Segments), t.places, tensor.CrossEntropy{Scale: scale})
}

// Validate implements Task: exact match and F1 of the official scripts, those with the
// threshold of no answer that is best for F1 where there are questions without one.
func (t *AnswerTask) Validate(ctx context.Context) (Validation, error) {
	o := t.config.Options()
	if o.Null = impossible(t.Valid); o.Null {
		o.NullThreshold = math.Inf(1) // the best answer is wanted whatever the score of none
	}
	loss := make([]float64, len(t.right)) // in its own order for the same sum
	first, read := 0, 0                   // windows before the current questions, and of all
	o.Logits = func(window int, starts, ends []float64) {
		right := t.right[first+window]
		loss[first+window] = -(logSoftmax(starts, right.start) + logSoftmax(ends, right.end)) / 2
		read++
	}
	var p pipeline.Predictions
	for questions := range slices.Chunk(t.Valid, validBatch) {
		if ctx.Err() != nil {
			return Validation{}, ctx.Err()
		}
		var all []pipeline.QA
		for _, q := range questions {
			all = append(all, pipeline.QA{Question: q.Text, Context: q.Context})
			p.IDs = append(p.IDs, q.ID)
		}
		answers, err := t.Encoder.Answer(all, o)
		if err != nil {
			return Validation{}, err
		}
		p.Answers = append(p.Answers, answers...)
		first = read
	}
	v := Validation{Scores: t.scores(p, o.Null)}
	v.OneLabel = o.Null && unanswered(p, v.Scores[nullThreshold])
	for _, l := range loss {
		v.Loss += l / float64(len(loss))
	}
	f1 := v.Scores["f1"]
	v.Score = &f1
	return v, nil
}

// unanswered says whether no question has an answer at a threshold.
func unanswered(p pipeline.Predictions, threshold float64) bool {
	return !slices.ContainsFunc(p.NullOdds(), func(odds float64) bool { return odds <= threshold })
}

// nullThreshold is by how much no answer has to be better than the best one, for the largest
// F1, among the scores.
const nullThreshold = "null_threshold"

// scores are in percent, but for the threshold.
func (t *AnswerTask) scores(p pipeline.Predictions, null bool) map[string]float64 {
	unit := metrics.SQuADWords
	if t.config.Characters {
		unit = metrics.SQuADCharacters
	}
	answers := p.Against(t.Valid)
	if !null {
		s := metrics.SQuAD1(answers, unit)
		return map[string]float64{"exact_match": s.ExactMatch, "f1": s.F1}
	}
	odds := p.NullOdds()
	threshold := metrics.SQuAD2(answers, unit, odds, math.Inf(1)).BestF1Thresh
	s := metrics.SQuAD2(answers, unit, odds, threshold)
	// The official script says 0 where it is best to answer nothing, as its scores are
	// probabilities; these here may all be below.
	none := slices.Min(odds) - 1
	if all := metrics.SQuAD2(answers, unit, odds, none); all.F1 > s.F1 {
		s, threshold = all, none
	}
	return map[string]float64{"exact_match": s.Exact, "f1": s.F1, nullThreshold: threshold}
}

// logSoftmax returns the logarithm of the softmax of x at one place.
func logSoftmax(x []float64, at int32) float64 {
	top, sum := slices.Max(x), 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return x[at] - top - math.Log(sum)
}
