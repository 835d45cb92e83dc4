package main

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestResultsThatAreNoNumbersAreErrors, in JSON and in words.
func TestResultsThatAreNoNumbersAreErrors(t *testing.T) {
	for _, x := range []float64{1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		var text bytes.Buffer
		c := &cobra.Command{}
		c.SetOut(&text)
		said, noted := newOutput(c), newOutput(c)
		said.json(map[string]float64{"score": x})
		noted.finite(x)
		for _, err := range []error{said.flush(), noted.flush()} {
			if bad := err != nil && strings.Contains(err.Error(), "the model is damaged"); bad != (x != 1) {
				t.Errorf("%v: error %v", x, err)
			}
		}
		if got := text.String(); (got == "{\"score\":1}\n") != (x == 1) {
			t.Errorf("%v: printed %q", x, got)
		}
	}
}
