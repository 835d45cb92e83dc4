package tokenizer

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"
)

// The course of unigram training, as in the reference: EM of subIterations,
// then pruning to keepShare of the pieces, until they are not more than
// surplus times the vocabulary size.
const (
	subIterations = 2
	keepShare     = 0.75
	surplus       = 1.1
	minExpected   = 0.5 // a piece that is expected less often goes
)

// weighted is a piece with a weight: an expected count or a loss.
type weighted struct {
	text   string
	weight float64
}

// trainUnigram fits a unigram language model of pieces to the text (Kudo
// 2018, section 3.2): from a large seed vocabulary, it alternates between EM
// and dropping the pieces whose loss costs the least likelihood.
func (t *trainer) trainUnigram() ([]piece, error) {
	pieces := logProbabilities(t.seed())
	wanted := int(surplus * float64(t.opt.VocabSize))
	for {
		for range subIterations {
			u, err := newTrainingModel(pieces)
			if err != nil {
				return nil, err
			}
			pieces = maximize(pieces, t.expect(u))
		}
		if len(pieces) <= wanted {
			return t.finalPieces(pieces), nil
		}
		u, err := newTrainingModel(pieces)
		if err != nil {
			return nil, err
		}
		pieces = t.prune(u, pieces, wanted)
	}
}

// logProbabilities turns weights into log probabilities.
func logProbabilities(seed []weighted) []piece {
	sum := 0.0
	for _, w := range seed {
		sum += w.weight
	}
	pieces := make([]piece, len(seed))
	for i, w := range seed {
		pieces[i] = piece{text: w.text, score: float32(math.Log(w.weight / sum)), kind: pieceNormal}
	}
	return pieces
}

// newTrainingModel makes a segmenter of pieces sorted by text. The unknown id
// is that of no piece.
func newTrainingModel(pieces []piece) (*unigram, error) {
	keys, ids := make([]string, len(pieces)), make([]int32, len(pieces))
	scores := make([]float32, len(pieces))
	lowest := float32(math.MaxFloat32)
	for i, p := range pieces {
		keys[i], ids[i], scores[i] = p.text, int32(i), p.score
		lowest = min(lowest, p.score)
	}
	trie, err := buildDoubleArray(keys, ids)
	return &unigram{pieces: trie, scores: scores, charScores: scores, unknown: None, unknownScore: lowest - unknownPenalty}, err
}

// expect is the E step: it returns how often each piece is expected to occur
// in the text, over all segmentations by their probability.
func (t *trainer) expect(u *unigram) []float64 {
	parts := make([][]float64, shards)
	t.parallel(shards, func(i int) {
		expected := make([]float64, len(u.scores))
		var l lattice
		for _, f := range shard(t.fragments, i) {
			l.build(u, []byte(f.text))
			l.addExpected(expected, float64(f.count))
		}
		parts[i] = expected
	})
	for _, part := range parts[1:] {
		for i, x := range part {
			parts[0][i] += x
		}
	}
	return parts[0]
}

// maximize is the M step. It is not the one of maximum likelihood, but of
// variational Bayes with a Dirichlet prior near zero, which favours few pieces
// (Liang and Klein 2007): exp(digamma(n)) in place of the count n.
func maximize(pieces []piece, expected []float64) []piece {
	kept := make([]piece, 0, len(pieces))
	sum := 0.0
	for i, p := range pieces {
		if expected[i] < minExpected {
			continue
		}
		sum += expected[i]
		p.score = float32(digamma(expected[i]))
		kept = append(kept, p)
	}
	logSum := float32(digamma(sum))
	for i := range kept {
		kept[i].score -= logSum
	}
	return kept
}

// digamma is the derivative of the log of the gamma function, for x > 0, by
// its recurrence and its asymptotic series.
func digamma(x float64) float64 {
	shift := 0.0
	for ; x < 7; x++ {
		shift -= 1 / x
	}
	x -= 0.5
	y := 1 / (x * x)
	return shift + math.Log(x) + y*(1.0/24-y*(7.0/960-y*(31.0/8064-y*127.0/30720)))
}

// prune drops the pieces without which the likelihood of the text falls least.
// The loss of a piece is estimated by putting, wherever it occurs in the best
// segmentation, the best segmentation of the piece itself by other pieces.
func (t *trainer) prune(u *unigram, pieces []piece, wanted int) []piece {
	freq := t.frequencies(u)
	sum := 0.0
	for _, f := range freq {
		sum += f
	}
	alternatives := t.alternatives(u, pieces)
	var kept, candidates []int
	loss := make([]float64, len(pieces))
	for i, alt := range alternatives {
		switch {
		case freq[i] == 0 || alt.better:
			continue // never used
		case len(alt.ids) == 0: // characters, of which there are few enough
			kept = append(kept, i)
			continue
		}
		logSum := math.Log(sum + freq[i]*float64(len(alt.ids)-1))
		loss[i] = math.Log(freq[i]) - math.Log(sum)
		for _, id := range alt.ids {
			f := freq[i]
			if id != u.unknown {
				f += freq[id]
			}
			loss[i] -= math.Log(f) - logSum
		}
		loss[i] *= freq[i]
		candidates = append(candidates, i)
	}
	slices.SortFunc(candidates, func(a, b int) int {
		return cmp.Or(cmp.Compare(loss[b], loss[a]), cmp.Compare(a, b))
	})
	size := max(wanted, int(keepShare*float64(len(pieces))))
	kept = append(kept, candidates[:min(len(candidates), max(0, size-len(kept)))]...)
	slices.Sort(kept)
	out := make([]piece, len(kept))
	for i, k := range kept {
		out[i] = pieces[k]
	}
	return out
}

// frequencies counts pieces in the best segmentation of the text.
func (t *trainer) frequencies(u *unigram) []float64 {
	parts := make([][]float64, shards)
	t.parallel(shards, func(i int) {
		freq := make([]float64, len(u.scores))
		var s scratch
		for _, f := range shard(t.fragments, i) {
			s.spans = u.segment(s.spans[:0], []byte(f.text), &s)
			for _, sp := range s.spans {
				if sp.id != u.unknown {
					freq[sp.id] += float64(f.count)
				}
			}
		}
		parts[i] = freq
	})
	for _, part := range parts[1:] {
		for i, x := range part {
			parts[0][i] += x
		}
	}
	return parts[0]
}

// alternative is the best segmentation of a piece by other pieces, or by
// unknown characters where EM has dropped those.
type alternative struct {
	ids    []int32 // none for a single character
	better bool    // than the piece
}

func (t *trainer) alternatives(u *unigram, pieces []piece) []alternative {
	alternatives := make([]alternative, len(pieces))
	t.parallel(shards, func(i int) {
		var l lattice
		first := len(pieces) * i / shards
		for k, p := range shard(pieces, i) {
			alternatives[first+k] = l.alternative(u, p.text)
		}
	})
	return alternatives
}

func (l *lattice) alternative(u *unigram, text string) alternative {
	if utf8.RuneCountInString(text) == 1 {
		return alternative{}
	}
	l.build(u, []byte(text))
	whole := noEdge
	for _, i := range l.into(l.last()) {
		if l.edges[i].start == 0 {
			whole = i
		}
	}
	if l.viterbi(noEdge)[l.last()].edge != whole {
		return alternative{better: true}
	}
	best := l.viterbi(whole)
	var ids []int32
	for pos := l.last(); pos > 0; {
		e := l.edges[best[pos].edge]
		ids = append(ids, e.id)
		pos = e.start
	}
	return alternative{ids: ids}
}

// finalPieces keeps all covered characters and the likeliest other pieces.
func (t *trainer) finalPieces(pieces []piece) []piece {
	score := make(map[string]float32, len(pieces))
	lowest := float32(math.MaxFloat32)
	for _, p := range pieces {
		score[p.text] = p.score
		lowest = min(lowest, p.score)
	}
	var final []piece
	missing := float32(0)
	for _, c := range t.chars {
		p := piece{text: string(c.char), kind: pieceNormal}
		var ok bool
		if p.score, ok = score[p.text]; !ok {
			// Distinct scores, the more frequent characters first.
			p.score = lowest + missing
			missing += 0.0001
		}
		final = append(final, p)
		delete(score, p.text)
	}
	others := slices.DeleteFunc(slices.Clone(pieces), func(p piece) bool {
		_, ok := score[p.text]
		return !ok
	})
	sortPieces(others)
	final = append(final, others[:min(len(others), t.room()-len(final))]...)
	sortPieces(final)
	return final
}
