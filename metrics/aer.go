package metrics

import "fmt"

// Link says that a source word and a target word of a sentence pair translate
// each other. Both are indices from 0.
type Link struct {
	Source, Target int
}

// Alignment scores word alignments against gold alignments: Och and Ney, "A
// Systematic Comparison of Various Statistical Alignment Models" (2003).
type Alignment struct {
	// AER is the alignment error rate in [0, 1]; 0 is best.
	AER float64
	// Precision is the share of links that are possible, Recall the share of
	// sure links that were found. Each is 0 where there is nothing to share.
	Precision, Recall float64
}

// ScoreAlignments scores the links of each sentence pair. Every annotator is
// certain of the sure links; possible holds links that may be there as well,
// and may be nil. Repeated links count once. It reports an error where the
// numbers of sentence pairs differ or there is no link at all.
func ScoreAlignments(hyp, sure, possible [][]Link) (Alignment, error) {
	if len(sure) != len(hyp) {
		return Alignment{}, fmt.Errorf("metrics: sure links for %d sentence pairs, want %d as there are alignments",
			len(sure), len(hyp))
	}
	if possible != nil && len(possible) != len(hyp) {
		return Alignment{}, fmt.Errorf("metrics: possible links for %d sentence pairs, want %d as there are alignments",
			len(possible), len(hyp))
	}
	var links, gold, foundSure, foundPossible int
	for i := range hyp {
		s := set(sure[i])
		p := set(sure[i])
		if possible != nil {
			for _, l := range possible[i] {
				p[l] = true
			}
		}
		a := set(hyp[i])
		links += len(a)
		gold += len(s)
		for l := range a {
			if s[l] {
				foundSure++
			}
			if p[l] {
				foundPossible++
			}
		}
	}
	if links+gold == 0 {
		return Alignment{}, fmt.Errorf("metrics: no links in %d sentence pairs", len(hyp))
	}
	return Alignment{
		AER:       1 - float64(foundSure+foundPossible)/float64(links+gold),
		Precision: share(foundPossible, links),
		Recall:    share(foundSure, gold),
	}, nil
}

func set(links []Link) map[Link]bool {
	s := make(map[Link]bool, len(links))
	for _, l := range links {
		s[l] = true
	}
	return s
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
