package tokenizer

import (
	"math"
	"math/rand/v2"
)

// Sampler is a [Tokenizer] that can segment at random, which regularises the
// training of a model: it sees the same text cut in many ways (Kudo 2018).
// Samples depend on the text, the options and the state of rng only.
type Sampler interface {
	Tokenizer
	// Sample returns the ids of a segmentation drawn at random.
	Sample(text string, opt Sampling, rng *rand.Rand) []int32
}

// Sampling says how random segmentations are.
type Sampling struct {
	// Alpha is, for a unigram model, the exponent of the probabilities of
	// segmentations: at 0 all are equally likely, at infinity only the best
	// one is left, as it is above a million; 0.1 to 0.5 are usual (Kudo 2018, section 3.3). For BPE it
	// is the probability in [0, 1] that a merge is left out; 0.1 is usual
	// (BPE-dropout, Provilkov et al. 2020).
	Alpha float64
	// NBest is how many of the likeliest segmentations of a unigram model
	// are drawn from; 0 means all of them. BPE ignores it.
	NBest int
}

var _ Sampler = (*SentencePiece)(nil)

// mostAlpha is beyond what scores can be multiplied by.
const mostAlpha = 1e6

// Sample draws a segmentation of text.
func (m *SentencePiece) Sample(text string, opt Sampling, rng *rand.Rand) []int32 {
	s := m.scratchSpace.Get().(*scratch)
	defer m.scratchSpace.Put(s)
	s.text = m.norm.appendNormalized(s.text[:0], text)
	switch seg := m.seg.(type) {
	case *bpe:
		drop := func() bool { return rng.Float64() < opt.Alpha }
		s.spans = seg.segmentDropping(s.spans[:0], s.text, s, drop)
		return m.idsOf(s.spans, s.text)
	case *unigram:
		if opt.Alpha > mostAlpha {
			s.spans = seg.segment(s.spans[:0], s.text, s)
			return m.idsOf(s.spans, s.text)
		}
		var l lattice
		l.build(seg, s.text)
		if opt.NBest <= 0 {
			return m.idsOf(l.sample(opt.Alpha, rng), s.text)
		}
		paths := l.nBest(min(opt.NBest, MaxNBest))
		return m.idsOf(samplePath(paths, opt.Alpha, rng), s.text)
	}
	panic("tokenizer: unknown segmenter")
}

// samplePath draws a path with probability proportional to its probability to
// the power alpha. The first path must be the likeliest.
func samplePath(paths []path, alpha float64, rng *rand.Rand) []span {
	sum := 0.0
	for _, p := range paths {
		sum += weight(p, paths[0], alpha)
	}
	u := rng.Float64() * sum
	for _, p := range paths {
		if u -= weight(p, paths[0], alpha); u < 0 {
			return p.spans
		}
	}
	return paths[0].spans
}

// weight is the probability of a path relative to that of the best one, to
// the power alpha.
func weight(p, best path, alpha float64) float64 {
	return math.Exp(alpha * float64(p.score-best.score))
}
