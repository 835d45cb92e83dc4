package data

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// Example is a sentence pair as ids.
type Example struct {
	Source, Target []int32
}

// size is what a batch counts: tokens of the longer side.
func (e Example) size() int { return max(len(e.Source), len(e.Target)) }

// Batches arranges the numbers of examples in batches of at most maxTokens tokens of the
// longer side, one example at least. Examples of similar size come
// together, equal ones and the batches themselves in random order. The same
// seed gives the same batches.
func Batches(examples []Example, maxTokens int, seed, epoch uint64) [][]int {
	r := rand.New(rand.NewPCG(seed, epoch))
	order := r.Perm(len(examples))
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(examples[a].size(), examples[b].size()), cmp.Compare(len(examples[a].Source), len(examples[b].Source)))
	})
	batches := pack(examples, order, maxTokens)
	r.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	return batches
}

// SortedBatches arranges examples by size, the longest first, so that a batch
// that does not fit in memory fails at once.
func SortedBatches(examples []Example, maxTokens int) [][]int {
	order := make([]int, len(examples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(examples[b].size(), examples[a].size()) })
	return pack(examples, order, maxTokens)
}

// pack cuts an order into batches.
func pack(examples []Example, order []int, maxTokens int) [][]int {
	var batches [][]int
	start, tokens := 0, 0
	for i, e := range order {
		n := examples[e].size()
		if tokens > 0 && tokens+n > maxTokens {
			batches = append(batches, order[start:i])
			start, tokens = i, 0
		}
		tokens += n
	}
	if start < len(order) {
		batches = append(batches, order[start:])
	}
	return batches
}
