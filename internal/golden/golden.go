// Package golden compares with reference values that another implementation wrote
// to safetensors files. Only tests use it.
package golden

import (
	"math"
	"testing"

	"github.com/kotoba-nlp/kotoba/checkpoint"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Tolerance is the largest difference from a reference in double precision,
// relative to the largest element of a tensor.
const Tolerance = 1e-5

// Open opens a file of reference values until the test ends.
func Open(t testing.TB, path string) *checkpoint.File {
	t.Helper()
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Floats returns a reference tensor of any shape.
func Floats(t testing.TB, f *checkpoint.File, name string) []tensor.Float {
	t.Helper()
	shape, _ := f.Shape(name)
	data, err := f.Floats(name, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// LoadWeights gives a model the reference's weights, whose names have "weight."
// before them.
func LoadWeights(t testing.TB, f *checkpoint.File, model any) {
	t.Helper()
	for _, p := range checkpoint.Tensors(nn.Params(model)) {
		data, err := f.Floats("weight."+p.Name, p.Shape...)
		if err != nil {
			t.Fatal(err)
		}
		copy(p.Data, data)
	}
}

// CheckGradients compares the gradients of a model with the reference's, whose
// names have "grad." before them.
func CheckGradients(t testing.TB, f *checkpoint.File, model any) {
	t.Helper()
	for _, p := range nn.Params(model) {
		var all []tensor.Float
		for _, name := range p.Names {
			all = append(all, Floats(t, f, "grad."+name)...)
		}
		Check(t, "gradient of "+p.Name(), p.Tensor.Gradient(), all)
	}
}

// Check compares what was computed with a reference.
func Check(t testing.TB, what string, got, want []tensor.Float) {
	t.Helper()
	if d := Difference(t, got, want); !(d <= Tolerance) {
		t.Errorf("%s: differs by %.2g of the largest element; want at most %g", what, d, Tolerance)
	}
}

// Difference returns the largest difference of two elements, relative to the
// largest element of want.
func Difference(t testing.TB, got, want []tensor.Float) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d elements; want %d", len(got), len(want))
	}
	var worst, largest float64
	for i, w := range want {
		d := math.Abs(float64(got[i] - w))
		if d != d {
			return d
		}
		worst, largest = max(worst, d), max(largest, math.Abs(float64(w)))
	}
	return worst / largest
}
