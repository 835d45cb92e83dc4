package pipeline

import (
	"errors"
	"fmt"
	"math"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Label is a label of a text and how probable it is.
type Label struct {
	Label string  `json:"label"`
	Score float64 `json:"score"`
}

// Classify returns all labels of each input, the one of the highest score first. Scores
// are probabilities; of a model that predicts a number there is one label, whose score is
// the number.
func (e *Encoder) Classify(inputs []Input) ([][]Label, error) {
	n := e.Network
	if n.Classifier == nil || n.Encoder.Pooler == nil {
		return nil, errors.New("pipeline: the model has no classifier of texts; train one with kotoba train --preset bert-classify")
	}
	if e.Choices {
		return nil, errors.New("pipeline: the model compares several choices of one text; kotoba eval RUN --data FILE says how well")
	}
	results := make([][]Label, len(inputs))
	err := e.Encode(inputs, nil, func(p bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) error {
		logits := n.Classify(p, x, s)
		if err := checkNumbers(logits.Data); err != nil {
			return err
		}
		for i, input := range which {
			scores := e.scores(logits.Row(i))
			for _, label := range best(scores, len(scores)) {
				results[input] = append(results[input], Label{e.label(label), scores[label]})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// scores returns what a classifier's numbers mean.
func (e *Encoder) scores(logits []tensor.Float) []float64 {
	switch {
	case e.Problem == bert.Regression:
		return apply(logits, func(x float64) float64 { return x })
	case e.Problem == bert.MultiLabel || len(logits) == 1:
		return apply(logits, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
	}
	return softmax(logits)
}

func apply(logits []tensor.Float, f func(float64) float64) []float64 {
	y := make([]float64, len(logits))
	for i, x := range logits {
		y[i] = f(float64(x))
	}
	return y
}

// label is the name of a label, that of transformers where the model has none.
func (e *Encoder) label(i int) string {
	if e.Labels != nil {
		return e.Labels[i]
	}
	return fmt.Sprintf("LABEL_%d", i)
}
