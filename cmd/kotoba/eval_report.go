package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/kotoba-nlp/kotoba/metrics"
)

// scores are the outcome of an evaluation.
type scores struct {
	bleu         metrics.BLEU
	chrF         metrics.ChrF
	onBLEU       assessment
	onChrF       assessment
	baseline     string // file, empty without a comparison
	paired       string // the significance test
	intervals    bool
	chrFLongName string // with a + for each order of words
}

// assessment is what is known of one metric beyond the score.
type assessment struct {
	signature  string // of the score and its interval
	interval   metrics.Interval
	tested     string // signature of the comparison
	comparison metrics.Comparison
}

// signer is a metric that tells how it was computed.
type signer interface {
	metrics.Metric
	Signature(r metrics.Run) string
}

func (e *evaluation) score(text segments) (scores, error) {
	s := scores{baseline: e.baseline, paired: e.paired, intervals: e.bootstrap > 0}
	s.chrFLongName = "chrF2" + strings.Repeat("+", max(e.chrF.WordOrder, 0))
	var err error
	if s.bleu, err = e.bleu.Corpus(text.hyp, text.refs...); err != nil {
		return s, err
	}
	if s.chrF, err = e.chrF.Corpus(text.hyp, text.refs...); err != nil {
		return s, err
	}
	if s.onBLEU, err = e.assess(e.bleu, text); err != nil {
		return s, err
	}
	s.onChrF, err = e.assess(e.chrF, text)
	return s, err
}

// assess computes what the flags ask for beyond the score.
func (e *evaluation) assess(m signer, text segments) (assessment, error) {
	run := metrics.Run{References: len(text.refs), Bootstrap: e.bootstrap, Seed: e.seed}
	a := assessment{signature: m.Signature(run)}
	var err error
	if e.bootstrap > 0 {
		if a.interval, err = metrics.Bootstrap(m, e.bootstrap, e.seed, text.hyp, text.refs...); err != nil {
			return a, err
		}
	}
	if e.baseline == "" {
		return a, nil
	}
	test := metrics.PairedBootstrap
	run.Bootstrap = e.trials
	if e.paired == pairedRandomization {
		test = metrics.ApproximateRandomization
		run.Bootstrap, run.Randomization = 0, e.trials
	}
	a.tested = m.Signature(run)
	a.comparison, err = test(m, e.trials, e.seed, text.baseline, text.hyp, text.refs...)
	return a, err
}

// print writes a line for each score, as sacreBLEU does, and one for each
// comparison.
func (s scores) print(w io.Writer) {
	const digits = 2
	fmt.Fprintln(w, s.bleu.Format(digits, s.onBLEU.signature, s.onBLEU.interval))
	fmt.Fprintln(w, s.chrF.Format(digits, s.onChrF.signature, s.onChrF.interval))
	if s.baseline == "" {
		return
	}
	compare := func(name string, a assessment) {
		c := a.comparison
		fmt.Fprintf(w, "%s|%s: %.*f, against %.*f of %s: %+.*f, p = %.4f\n",
			name, a.tested, digits, c.System, digits, c.Baseline, s.baseline, digits, c.System-c.Baseline, c.PValue)
	}
	compare("BLEU", s.onBLEU)
	compare(s.chrFLongName, s.onChrF)
}

// byMetric holds something for each metric.
type byMetric[T any] struct {
	BLEU T `json:"bleu"`
	ChrF T `json:"chrf"`
}

// report is the form of scores that --json prints.
type report struct {
	byMetric[float64]
	Signatures byMetric[string]    `json:"signatures"`
	Details    details             `json:"bleu_details"`
	Intervals  *byMetric[interval] `json:"confidence_intervals,omitempty"`
	Comparison *comparison         `json:"comparison,omitempty"`
}

// details are what BLEU was computed from.
type details struct {
	Precisions     []float64 `json:"precisions"`
	BrevityPenalty float64   `json:"bp"`
	HypLength      int       `json:"hyp_len"`
	RefLength      int       `json:"ref_len"`
}

// interval is a confidence interval of 95 %.
type interval struct {
	Level float64 `json:"level"`
	Mean  float64 `json:"mean"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// comparison is the outcome of the significance tests.
type comparison struct {
	Test       string            `json:"test"`
	Baseline   byMetric[float64] `json:"baseline"`
	PValue     byMetric[float64] `json:"p_value"`
	Signatures byMetric[string]  `json:"signatures"`
}

func (s scores) report() report {
	r := report{
		byMetric:   byMetric[float64]{s.bleu.Score, s.chrF.Score},
		Signatures: byMetric[string]{s.onBLEU.signature, s.onChrF.signature},
		Details:    details{s.bleu.Precisions[:], s.bleu.BP, s.bleu.SysLen, s.bleu.RefLen},
	}
	if s.intervals {
		bounds := func(i metrics.Interval) interval {
			return interval{0.95, i.Mean, i.Mean - i.HalfWidth, i.Mean + i.HalfWidth}
		}
		r.Intervals = &byMetric[interval]{bounds(s.onBLEU.interval), bounds(s.onChrF.interval)}
	}
	if s.baseline != "" {
		b, c := s.onBLEU.comparison, s.onChrF.comparison
		r.Comparison = &comparison{
			Test:       s.paired,
			Baseline:   byMetric[float64]{b.Baseline, c.Baseline},
			PValue:     byMetric[float64]{b.PValue, c.PValue},
			Signatures: byMetric[string]{s.onBLEU.tested, s.onChrF.tested},
		}
	}
	return r
}
