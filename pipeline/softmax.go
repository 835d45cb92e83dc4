package pipeline

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// errNoNumbers is of models whose hidden states or logits overflow.
var errNoNumbers = errors.New("pipeline: what the model computes is no number; it is damaged, or it diverged in training")

// checkNumbers says where an element is none.
func checkNumbers[F float32 | float64](x []F) error {
	for _, v := range x {
		if v-v != 0 { // NaN or infinite
			return errNoNumbers
		}
	}
	return nil
}

// softmax returns probabilities for logits.
func softmax[F float32 | float64](logits []F) []float64 {
	top := float64(slices.Max(logits))
	p, sum := make([]float64, len(logits)), 0.0
	for i, x := range logits {
		p[i] = math.Exp(float64(x) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// best returns the indices of the largest elements, up to n, the largest first.
func best(x []float64, n int) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[b], x[a]) })
	return order[:min(n, len(order))]
}
