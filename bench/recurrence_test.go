package bench

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/kotoba-nlp/kotoba/nn"
)

func TestRecurrenceReportsBothAlgorithmsOfEachLayer(t *testing.T) {
	var got []RecurrenceResult
	if err := recurrence([]int{4, 8}, time.Millisecond, time.Hour, func(r RecurrenceResult) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		algorithm string
		units     int
		flops     float64
	}{{"rtrl", 4, rtrlFlops(4, 4)}, {"bptt", 4, 192}, {"rtrl", 8, rtrlFlops(8, 8)}, {"bptt", 8, 768}}
	if len(got) != len(want) {
		t.Fatalf("%d results, want %d", len(got), len(want))
	}
	for i, w := range want {
		r := got[i]
		if r.Workload != "recurrence" || r.Algorithm != w.algorithm || r.Units != w.units || r.Inputs != w.units || r.Flops != w.flops || r.Unit != "us/step" {
			t.Errorf("result %d is %+v, want %+v", i, r, w)
		}
		if share := r.Flops / (r.Value * 1e-6) / (r.PeakGFLOPS * 1e9); r.Value <= 0 || math.Abs(r.Share-share) > 1e-9 || r.Runs < 2 {
			t.Errorf("result %+v: want a value, its share of the peak %v and at least two runs", r, share)
		}
	}
	if got[2].Bytes != nn.RTRLBytes(8, 8) {
		t.Errorf("influences of 8 units take %d bytes, want %d", got[2].Bytes, nn.RTRLBytes(8, 8))
	}
}

func TestRecurrenceLeavesOutWhatTakesTooLong(t *testing.T) {
	var got []int
	if err := recurrence([]int{4, 8, 16}, time.Millisecond, time.Nanosecond, func(r RecurrenceResult) { got = append(got, r.Units) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []int{4, 4}) {
		t.Errorf("layers of %v units are measured; want the first alone, twice", got)
	}
}

// TestRTRLFlops compares with a count by hand for 2 units of 3 inputs, which have 12
// parameters.
func TestRTRLFlops(t *testing.T) {
	const outputs, influences, direct, gradient = 2 * 2 * 5, 2 * 2 * 2 * 12, 2 * 12, 2 * 2 * 12
	if got, want := rtrlFlops(2, 3), float64(outputs+influences+direct+gradient); got != want {
		t.Errorf("%v operations, want %v", got, want)
	}
}

func TestGrowthIsTheExponent(t *testing.T) {
	var cubes []RecurrenceResult
	for _, n := range []int{8, 16, 64} {
		cubes = append(cubes, RecurrenceResult{Units: n, Value: 5 * math.Pow(float64(n), 3)})
	}
	if g := Growth(cubes); math.Abs(g-3) > 1e-9 {
		t.Errorf("cubes grow with exponent %v", g)
	}
	if g := Growth(cubes[1:]); math.Abs(g-3) > 1e-9 {
		t.Errorf("two cubes grow with exponent %v", g)
	}
	if g := Growth(cubes[:1]); !math.IsNaN(g) {
		t.Errorf("one cube grows with exponent %v", g)
	}
}
