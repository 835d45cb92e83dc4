package metrics

import (
	"fmt"
	"math"
	"slices"
)

// DefaultSeed is the seed of sacreBLEU for resampling.
const DefaultSeed = 12345

// Interval is a 95 % confidence interval: Mean ± HalfWidth.
type Interval struct {
	Mean, HalfWidth float64
}

// Comparison is the outcome of a significance test of a system against a
// baseline.
type Comparison struct {
	// Baseline and System are the scores of the two.
	Baseline, System float64
	// PValue is the probability of a difference as large as theirs, of either
	// sign, if they were equally good.
	PValue float64
}

// Bootstrap estimates the confidence interval of a corpus score from the given
// number of resamples of its segments: Koehn, "Statistical Significance Tests
// for Machine Translation Evaluation" (2004). It draws the resamples that
// sacreBLEU draws for the seed; sacreBLEU takes 1,000 and [DefaultSeed]. The
// mean of chrF, alone, has more digits than sacreBLEU's, which is rounded to
// single precision.
func Bootstrap(m Metric, samples int, seed uint64, hyp []string, refs ...[]string) (Interval, error) {
	if samples < 1 {
		return Interval{}, fmt.Errorf("metrics: %d bootstrap resamples, want at least 1", samples)
	}
	segments, err := m.segments(hyp, refs)
	if err != nil {
		return Interval{}, err
	}
	scores := resample(m, samples, seed, segments)[0]
	slices.Sort(scores)
	tail := samples / 40
	return Interval{
		Mean:      mean(scores),
		HalfWidth: (scores[samples-1-tail] - scores[tail]) / 2,
	}, nil
}

// PairedBootstrap tests a system against a baseline on the same resamples of
// the segments (Koehn 2004). sacreBLEU takes 1,000 and [DefaultSeed].
func PairedBootstrap(
	m Metric, samples int, seed uint64, baseline, system []string, refs ...[]string,
) (Comparison, error) {
	a, b, c, err := compare(m, samples, baseline, system, refs)
	if err != nil {
		return Comparison{}, err
	}
	scores := resample(m, samples, seed, a, b)
	differences := make([]float64, samples)
	for i := range differences {
		differences[i] = math.Abs(scores[1][i] - scores[0][i])
	}
	// What the differences scatter about is the real one; about 0 they would
	// scatter if the systems were equally good.
	center := mean(differences)
	for i := range differences {
		differences[i] -= center
	}
	c.PValue = pValue(differences, math.Abs(c.Baseline-c.System))
	return c, nil
}

// ApproximateRandomization tests a system against a baseline by swapping their
// outputs at random: Riezler and Maxwell, "On Some Pitfalls in Automatic
// Evaluation and Significance Testing for MT" (2005). sacreBLEU takes 10,000
// trials and [DefaultSeed].
func ApproximateRandomization(
	m Metric, trials int, seed uint64, baseline, system []string, refs ...[]string,
) (Comparison, error) {
	a, b, c, err := compare(m, trials, baseline, system, refs)
	if err != nil {
		return Comparison{}, err
	}
	rng := newPCG64(seed)
	bits := bitSource{rng: rng}
	sumA, sumB := sumSegments(a), sumSegments(b)
	differences := make([]float64, trials)
	first, second := make([]float64, len(sumA)), make([]float64, len(sumA))
	for t := range differences {
		clear(first)
		for i := range a {
			from := b[i]
			if bits.next() {
				from = a[i]
			}
			for j, count := range from {
				first[j] += float64(count)
			}
		}
		for j := range second {
			second[j] = sumA[j] + sumB[j] - first[j]
		}
		differences[t] = math.Abs(m.score(first) - m.score(second))
	}
	c.PValue = pValue(differences, math.Abs(c.Baseline-c.System))
	return c, nil
}

// compare returns the counts of the segments of a baseline and a system, and
// their scores.
func compare(
	m Metric, samples int, baseline, system []string, refs [][]string,
) (a, b [][]int, c Comparison, err error) {
	if samples < 1 {
		return nil, nil, c, fmt.Errorf("metrics: %d samples for a significance test, want at least 1", samples)
	}
	if a, err = m.segments(baseline, refs); err != nil {
		return nil, nil, c, fmt.Errorf("baseline: %w", err)
	}
	if b, err = m.segments(system, refs); err != nil {
		return nil, nil, c, fmt.Errorf("system: %w", err)
	}
	c.Baseline, c.System = m.score(sumSegments(a)), m.score(sumSegments(b))
	return a, b, c, nil
}

// resample returns, for each system, its scores on the resamples. All systems
// get the same resamples. Counts add up in single precision, as in sacreBLEU.
func resample(m Metric, samples int, seed uint64, systems ...[][]int) [][]float64 {
	rng := newPCG64(seed)
	n := len(systems[0])
	picked := make([]int, n)
	scores := make([][]float64, len(systems))
	sum := make([]float32, len(systems[0][0]))
	for range samples {
		for i := range picked {
			picked[i] = int(rng.below(uint32(n)))
		}
		for s, segments := range systems {
			clear(sum)
			for _, i := range picked {
				for j, count := range segments[i] {
					sum[j] += float32(count)
				}
			}
			scores[s] = append(scores[s], m.score32(sum))
		}
	}
	return scores
}

// pValue returns the share of differences above the real one, counting the
// real one in.
func pValue(differences []float64, actual float64) float64 {
	above := 0
	for _, d := range differences {
		if d > actual {
			above++
		}
	}
	return float64(above+1) / float64(len(differences)+1)
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
