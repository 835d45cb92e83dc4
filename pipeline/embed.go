package pipeline

import (
	"fmt"
	"math"

	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Pooling is how the vectors of tokens become that of a text.
type Pooling string

// The poolings.
const (
	Mean Pooling = "mean" // of all tokens
	CLS  Pooling = "cls"  // that of [CLS]
	Max  Pooling = "max"  // the largest of all tokens, element by element
)

// Validate says whether there is such a pooling.
func (p Pooling) Validate() error {
	switch p {
	case Mean, CLS, Max:
		return nil
	}
	return fmt.Errorf("pipeline: pooling is %q; want %s, %s or %s", p, Mean, CLS, Max)
}

// Embed returns a vector for each input, of length 1 where normalise says so. A model that
// computes no numbers is an error, here and in all that an encoder does.
func (e *Encoder) Embed(inputs []Input, p Pooling, normalise bool) ([][]tensor.Float, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	vectors := make([][]tensor.Float, len(inputs))
	err := e.Encode(inputs, nil, func(_ bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) error {
		for i, input := range which {
			v := pool(p, x, s[i], s[i+1])
			if err := checkNumbers(v); err != nil {
				return err
			}
			if normalise {
				scale(v)
			}
			vectors[input] = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return vectors, nil
}

// pool returns the vector of rows first to end-1.
func pool(p Pooling, x *tensor.Tensor, first, end int) []tensor.Float {
	v := make([]tensor.Float, x.Cols())
	copy(v, x.Row(first))
	if p == CLS {
		return v
	}
	for r := first + 1; r < end; r++ {
		for i, y := range x.Row(r) {
			if p == Max {
				v[i] = max(v[i], y)
			} else {
				v[i] += y
			}
		}
	}
	if p == Mean {
		for i := range v {
			v[i] /= tensor.Float(end - first)
		}
	}
	return v
}

// scale makes the length of a vector 1, unless it is 0.
func scale(v []tensor.Float) {
	if n := math.Sqrt(Dot(v, v)); n > 0 {
		for i := range v {
			v[i] = tensor.Float(float64(v[i]) / n)
		}
	}
}

// Dot returns the product of two vectors: the cosine of their angle where both have
// length 1.
func Dot(a, b []tensor.Float) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
