// Package metrics scores what a model puts out: BLEU and chrF for translations, with
// confidence intervals and significance tests, alignment error rate for word alignments,
// the metrics of GLUE for classes and numbers, those of SQuAD for answers, and those of
// conlleval for entities.
//
// BLEU and chrF equal those of sacreBLEU (Post, "A Call for Clarity in
// Reporting BLEU Scores", 2018), version [SacreBLEUVersion], in every digit,
// down to the resamples of the bootstrap; a score may therefore be reported
// with sacreBLEU's signature.
package metrics

import (
	"fmt"
	"strings"
)

// SacreBLEUVersion is the version of sacreBLEU whose scores this package
// reproduces and whose number stands in its signatures.
const SacreBLEUVersion = "2.6.0"

// Metric is a corpus metric of translation, computed from counts that add up
// over segments. [BLEUConfig] and [ChrFConfig] are the metrics there are.
type Metric interface {
	// segments returns the counts of each segment.
	segments(hyp []string, refs [][]string) ([][]int, error)
	// score returns the score in [0, 100] of summed counts.
	score(sum []float64) float64
	// score32 is score in the single precision that sacreBLEU resamples in.
	score32(sum []float32) float64
}

// Run is what a signature tells of a computation beyond the configuration of
// the metric.
type Run struct {
	// References is the number of references for each segment.
	References int
	// Bootstrap and Randomization are the numbers of bootstrap resamples and
	// of approximate randomization trials, 0 where there were none.
	Bootstrap, Randomization int
	// Seed is the seed of the resamples or trials.
	Seed uint64
}

// signature joins the fields that all metrics have with those of one.
func (r Run) signature(fields ...string) string {
	all := []string{fmt.Sprintf("nrefs:%d", r.References)}
	if r.Bootstrap > 0 {
		all = append(all, fmt.Sprintf("bs:%d", r.Bootstrap))
	}
	if r.Randomization > 0 {
		all = append(all, fmt.Sprintf("ar:%d", r.Randomization))
	}
	if r.Bootstrap > 0 || r.Randomization > 0 {
		all = append(all, fmt.Sprintf("seed:%d", r.Seed))
	}
	all = append(all, fields...)
	return strings.Join(append(all, "version:"+SacreBLEUVersion), "|")
}

// caseField is the field of a signature for the treatment of letter case.
func caseField(lowercase bool) string {
	if lowercase {
		return "case:lc"
	}
	return "case:mixed"
}

// format returns the line that sacreBLEU prints for a score.
func format(name string, score float64, digits int, signature string, ci Interval) string {
	if signature != "" {
		name += "|" + signature
	}
	line := fmt.Sprintf("%s = %.*f", name, digits, score)
	if ci.Mean > 0 {
		line += fmt.Sprintf(" (μ = %.*f ± %.*f)", digits, ci.Mean, digits, ci.HalfWidth)
	}
	return line
}

// checkSegments says what is wrong with the sizes of a corpus.
func checkSegments(hyp []string, refs [][]string) error {
	if len(hyp) == 0 {
		return fmt.Errorf("metrics: no hypotheses to score")
	}
	if len(refs) == 0 {
		return fmt.Errorf("metrics: no references for %d hypotheses", len(hyp))
	}
	for i, ref := range refs {
		if len(ref) != len(hyp) {
			return fmt.Errorf("metrics: reference %d has %d segments, want %d as there are hypotheses",
				i, len(ref), len(hyp))
		}
	}
	return nil
}

// sumSegments adds up the counts of all segments.
func sumSegments(segments [][]int) []float64 {
	sum := make([]float64, len(segments[0]))
	for _, segment := range segments {
		for i, count := range segment {
			sum[i] += float64(count)
		}
	}
	return sum
}
