package metrics

import (
	"cmp"
	"math"
	"slices"
)

// Accuracy is the share of labels that are predicted right.
func Accuracy(predicted, gold []int) float64 {
	mustPair("Accuracy", len(predicted), len(gold))
	right := 0
	for i, p := range predicted {
		if p == gold[i] {
			right++
		}
	}
	return float64(right) / float64(max(len(gold), 1))
}

// confusion counts predictions of label 1 and of any other.
func confusion(predicted, gold []int) (truePositive, falsePositive, falseNegative, trueNegative float64) {
	for i, p := range predicted {
		switch {
		case p == 1 && gold[i] == 1:
			truePositive++
		case p == 1:
			falsePositive++
		case gold[i] == 1:
			falseNegative++
		default:
			trueNegative++
		}
	}
	return truePositive, falsePositive, falseNegative, trueNegative
}

// F1 is the harmonic mean of precision and recall of label 1, 0 where none of both
// predictions and labels is 1.
func F1(predicted, gold []int) float64 {
	mustPair("F1", len(predicted), len(gold))
	tp, fp, fn, _ := confusion(predicted, gold)
	if tp == 0 {
		return 0
	}
	return 2 * tp / (2*tp + fp + fn)
}

// Matthews is the correlation of predictions and labels that are 0 or 1 (Matthews 1975),
// 0 where one of the two is the same everywhere.
func Matthews(predicted, gold []int) float64 {
	mustPair("Matthews", len(predicted), len(gold))
	tp, fp, fn, tn := confusion(predicted, gold)
	d := math.Sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
	if d == 0 {
		return 0
	}
	return (tp*tn - fp*fn) / d
}

// Pearson is the correlation of two series, NaN where one of them is constant.
func Pearson(x, y []float64) float64 {
	mustPair("Pearson", len(x), len(y))
	if len(x) == 0 || slices.Max(x) == slices.Min(x) || slices.Max(y) == slices.Min(y) {
		return math.NaN() // which rounding may hide below
	}
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	return xy / math.Sqrt(xx*yy)
}

// Spearman is the correlation of the ranks of two series; equal values share the mean of
// their ranks.
func Spearman(x, y []float64) float64 {
	mustPair("Spearman", len(x), len(y))
	return Pearson(ranks(x), ranks(y))
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	r := make([]float64, len(x))
	for first := 0; first < len(order); {
		end := first + 1
		for end < len(order) && x[order[end]] == x[order[first]] {
			end++
		}
		for _, i := range order[first:end] {
			r[i] = float64(first+end+1) / 2 // the mean of ranks first+1 to end
		}
		first = end
	}
	return r
}

// mustPair panics where predictions and labels differ in number.
func mustPair(name string, predicted, gold int) {
	if predicted != gold {
		panic("metrics: " + name + ": as many predictions as labels are wanted")
	}
}
