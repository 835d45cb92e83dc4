package kernel

import (
	"time"

	"github.com/kotoba-nlp/kotoba/internal/par"
)

// peakTask runs the register-only loop on every thread.
type peakTask struct{ rounds int }

func (t *peakTask) Do(int) { active.fmaPeak(t.rounds) }

// PeakGFLOPS measures the limit of this machine, now: the best rate, over
// several tries of some milliseconds, at which all threads run multiply-adds
// on registers alone. One multiply-add counts as two operations.
func PeakGFLOPS(tries int) float64 {
	t := &peakTask{rounds: 1000}
	for { // lengthen until a try takes two milliseconds
		start := time.Now()
		par.For(par.Threads(), t)
		if time.Since(start) > 2*time.Millisecond {
			break
		}
		t.rounds *= 2
	}
	best := 0.0
	for range tries {
		start := time.Now()
		par.For(par.Threads(), t)
		seconds := time.Since(start).Seconds()
		best = max(best, float64(par.Threads())*float64(t.rounds)*float64(active.peakFlops)/seconds/1e9)
	}
	return best
}
