package decode

import (
	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Ensemble decodes with several models that share a vocabulary. The distribution of the
// next token is the geometric mean of theirs, made to sum to 1: the mean of their logits.
type Ensemble []Stepper

// Step adds one token to each hypothesis of every model and returns the mean logits.
func (e Ensemble) Step(tokens []int32) *tensor.Tensor {
	all := make([]*tensor.Tensor, len(e))
	for i, s := range e {
		all[i] = s.Step(tokens)
	}
	return MeanLogits(all)
}

// MeanLogits makes the logits of the first of some models the mean of all of them, which
// have one shape, and returns them.
func MeanLogits(all []*tensor.Tensor) *tensor.Tensor {
	mean := all[0]
	for _, logits := range all[1:] {
		kernel.Add(mean.Data, mean.Data, logits.Data)
	}
	kernel.ScaleAdd(mean.Data, 1/tensor.Float(len(all)), 0)
	return mean
}

// Select replaces the hypotheses of every model.
func (e Ensemble) Select(parents []int) {
	for _, s := range e {
		s.Select(parents)
	}
}
