package pipeline

import (
	"errors"
	"fmt"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Label is a label of a text and how probable it is.
type Label struct {
	Label string  `json:"label"`
	Score float64 `json:"score"`
}

// Classify returns all labels of each input, the most probable first. Of a model that
// predicts a number there is one label, whose score is the number.
func (e *Encoder) Classify(inputs []Input) ([][]Label, error) {
	n := e.Network
	if n.Classifier == nil || n.Encoder.Pooler == nil {
		return nil, errors.New("pipeline: the model has no classifier of texts; train one with kotoba train --preset bert-classify")
	}
	results := make([][]Label, len(inputs))
	e.Encode(inputs, nil, func(p bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) {
		logits := n.Classify(p, x, s)
		for i, input := range which {
			if logits.Cols() == 1 { // a number, not a label
				results[input] = []Label{{e.label(0), float64(logits.Row(i)[0])}}
				continue
			}
			probability := softmax(logits.Row(i))
			for _, label := range best(probability, len(probability)) {
				results[input] = append(results[input], Label{e.label(label), probability[label]})
			}
		}
	})
	return results, nil
}

// label is the name of a label, that of transformers where the model has none.
func (e *Encoder) label(i int) string {
	if e.Labels != nil {
		return e.Labels[i]
	}
	return fmt.Sprintf("LABEL_%d", i)
}
