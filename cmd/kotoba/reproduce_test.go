package main

import "testing"

func TestSpreadIsTheDeviationOfTheSample(t *testing.T) {
	for want, values := range map[string][]float64{
		"":                nil,
		"12.50":           {0.125},
		"2.00 ± 1.41":     {0.01, 0.03},
		"200.00 ± 100.00": {1, 2, 3},
	} {
		if got := spread(values, 100); got != want {
			t.Errorf("%v: %q; want %q", values, got, want)
		}
	}
}
