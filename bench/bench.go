// Package bench measures how fast kotoba is on the machine at hand, beside
// what the machine can do at most: every result carries the peak that a loop of
// multiply-adds on registers alone reached in the same run, on as many threads.
package bench

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kotoba-nlp/kotoba/internal/kernel"
	"github.com/kotoba-nlp/kotoba/internal/par"
)

// Result is one measurement.
type Result struct {
	Workload     string  `json:"workload"`
	Shape        string  `json:"shape,omitempty"`
	M            int     `json:"m,omitempty"`
	N            int     `json:"n,omitempty"`
	K            int     `json:"k,omitempty"`
	Layout       string  `json:"layout,omitempty"`
	Beam         int     `json:"beam,omitempty"`
	CPU          string  `json:"cpu"` // the path: avx512, avx2 or generic
	Threads      int     `json:"threads"`
	Value        float64 `json:"value"` // the best of all runs
	Unit         string  `json:"unit"`
	FlopsPerUnit float64 `json:"flops_per_unit,omitempty"` // multiply-adds count twice
	PeakGFLOPS   float64 `json:"peak_gflops,omitempty"`
	PeakGBs      float64 `json:"peak_gbs,omitempty"` // memory bandwidth, of workloads that it limits
	Share        float64 `json:"share"`              // of the peak
	Runs         int     `json:"runs"`
	RSSMiB       float64 `json:"rss_mib,omitempty"` // largest resident size of the process
}

// peakTries is how often the peak is tried for between two runs of a workload.
const peakTries = 2

// turn is how long a workload runs before the peak is measured again: long
// enough that the caches of a short one are warm for most of its runs.
const turn = 20 * time.Millisecond

// measure runs f for about the given time, at least twice after one warm-up,
// and returns the shortest run in seconds. It measures the peak in turns with
// it, so that both see the same machine.
func measure(budget time.Duration, f func()) (best float64, peak float64, runs int) {
	f()
	best = math.Inf(1)
	var began time.Time // this turn
	for start := time.Now(); runs < 2 || time.Since(start) < budget; runs++ {
		if time.Since(began) >= turn {
			peak = max(peak, kernel.PeakGFLOPS(peakTries))
			began = time.Now()
		}
		at := time.Now()
		f()
		best = min(best, time.Since(at).Seconds())
	}
	return best, max(peak, kernel.PeakGFLOPS(peakTries)), runs
}

// result fills what all workloads have in common; units is what one run does.
func result(workload string, units, flopsPerUnit float64, unit string, seconds, peak float64, runs int) Result {
	r := Result{
		Workload: workload, CPU: kernel.Path().String(), Threads: par.Threads(),
		Value: units / seconds, Unit: unit, FlopsPerUnit: flopsPerUnit, PeakGFLOPS: peak, Runs: runs,
	}
	r.Share = r.Value * flopsPerUnit / (peak * 1e9)
	return r
}

// names lists the shapes of a map, for people.
func names[T any](shapes map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(shapes)), ", ")
}
