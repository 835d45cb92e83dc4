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
	var sum *tensor.Tensor
	for _, s := range e {
		logits := s.Step(tokens)
		if sum == nil {
			sum = logits
			continue
		}
		kernel.Add(sum.Data, sum.Data, logits.Data)
	}
	kernel.ScaleAdd(sum.Data, 1/tensor.Float(len(e)), 0)
	return sum
}

// Select replaces the hypotheses of every model.
func (e Ensemble) Select(parents []int) {
	for _, s := range e {
		s.Select(parents)
	}
}
