package tokenizer

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
)

// lattice holds every segmentation of a text: positions are the boundaries of
// characters, an edge is a piece between two of them, and a segmentation is a
// path from the first position to the last.
type lattice struct {
	offsets []int32 // byte offset of each position
	edges   []edge  // by rising start, then end
	ending  []int32 // indices of edges by rising end, then start
	first   []int32 // where in ending the edges to a position begin

	// Working memory of viterbi, forward and backward.
	best        []bestEdge
	alpha, beta []float64
}

// edge is a piece in a lattice.
type edge struct {
	start, end int32 // positions
	id         int32
	score      float32 // natural log probability
}

// last is the final position.
func (l *lattice) last() int32 { return int32(len(l.offsets)) - 1 }

// into returns the edges that end at a position.
func (l *lattice) into(pos int32) []int32 { return l.ending[l.first[pos]:l.first[pos+1]] }

// build fills the lattice with the pieces of u that occur in text, and with
// an edge of the unknown id where no piece covers a single character.
func (l *lattice) build(u *unigram, text []byte) {
	l.offsets, l.edges = l.offsets[:0], l.edges[:0]
	for i := 0; i < len(text); i += min(charLen(text[i]), len(text)-i) {
		l.offsets = append(l.offsets, int32(i))
	}
	l.offsets = append(l.offsets, int32(len(text)))
	for pos := range l.last() {
		l.addEdges(u, text, pos)
	}
	l.indexEnds()
}

func (l *lattice) addEdges(u *unigram, text []byte, start int32) {
	node, single := daRoot, false
	end := start + 1
	for i := int(l.offsets[start]); i < len(text); i++ {
		var ok bool
		if node, ok = u.pieces.step(node, text[i]); !ok {
			break
		}
		for l.offsets[end] <= int32(i) {
			end++
		}
		id, ok := u.pieces.value(node)
		if !ok {
			continue
		}
		single = single || end == start+1
		l.edges = append(l.edges, edge{start: start, end: end, id: id, score: u.charScores[id]})
	}
	if !single {
		l.edges = append(l.edges, edge{start: start, end: start + 1, id: u.unknown, score: u.unknownScore})
	}
}

// indexEnds sorts edges by their ends, stably, by counting.
func (l *lattice) indexEnds() {
	n := len(l.offsets)
	l.first = slices.Grow(l.first[:0], n+1)[:n+1]
	clear(l.first)
	for _, e := range l.edges {
		l.first[e.end]++
	}
	sum := int32(0)
	for i, count := range l.first {
		l.first[i] = sum
		sum += count
	}
	l.ending = slices.Grow(l.ending[:0], len(l.edges))[:len(l.edges)]
	next := slices.Clone(l.first)
	for i, e := range l.edges {
		l.ending[next[e.end]] = int32(i)
		next[e.end]++
	}
}

// forward returns, for each position, the log of the summed probabilities of
// all paths to it, where an edge weighs its probability to the power theta.
func (l *lattice) forward(alpha []float64, theta float64) []float64 {
	alpha = append(alpha[:0], 0)
	for pos := int32(1); pos <= l.last(); pos++ {
		top := math.Inf(-1)
		for _, i := range l.into(pos) {
			e := &l.edges[i]
			top = max(top, alpha[e.start]+theta*float64(e.score))
		}
		sum := 0.0
		for _, i := range l.into(pos) {
			e := &l.edges[i]
			sum += math.Exp(alpha[e.start] + theta*float64(e.score) - top)
		}
		alpha = append(alpha, top+math.Log(sum))
	}
	return alpha
}

// backward returns, for each position, the log of the summed probabilities of
// all paths from it to the last one.
func (l *lattice) backward(beta []float64) []float64 {
	beta = slices.Grow(beta[:0], len(l.offsets))[:len(l.offsets)]
	beta[l.last()] = 0
	for end := len(l.edges); end > 0; {
		start := end - 1
		pos := l.edges[start].start
		top := math.Inf(-1)
		for ; start >= 0 && l.edges[start].start == pos; start-- {
			e := &l.edges[start]
			top = max(top, beta[e.end]+float64(e.score))
		}
		sum := 0.0
		for _, e := range l.edges[start+1 : end] {
			sum += math.Exp(beta[e.end] + float64(e.score) - top)
		}
		beta[pos] = top + math.Log(sum)
		end = start + 1
	}
	return beta
}

// addExpected adds to expected, by id, how often pieces occur in the text of
// the lattice over all paths by their probability, times weight.
func (l *lattice) addExpected(expected []float64, weight float64) {
	l.alpha = l.forward(l.alpha, 1)
	l.beta = l.backward(l.beta)
	total := l.alpha[l.last()]
	for _, e := range l.edges {
		if e.id != None {
			expected[e.id] += weight * math.Exp(l.alpha[e.start]+float64(e.score)+l.beta[e.end]-total)
		}
	}
}

// sample draws a path with probability proportional to its weight, by forward
// filtering and backward sampling (Kudo 2018, section 3.3).
func (l *lattice) sample(theta float64, rng *rand.Rand) []span {
	alpha := l.forward(nil, theta)
	var path []span
	for pos := l.last(); pos > 0; {
		into := l.into(pos)
		u := rng.Float64()
		e := &l.edges[into[len(into)-1]] // where rounding leaves u above the sum
		for _, i := range into {
			x := &l.edges[i]
			if u -= math.Exp(alpha[x.start] + theta*float64(x.score) - alpha[pos]); u < 0 {
				e = x
				break
			}
		}
		path = append(path, span{id: e.id, end: l.offsets[e.end]})
		pos = e.start
	}
	slices.Reverse(path)
	return path
}

// Segmentation is one way to segment a text.
type Segmentation struct {
	IDs   []int32
	Score float32 // natural log probability
}

// MaxNBest bounds how many segmentations NBest looks for, as the reference
// does.
const MaxNBest = 1024

// NBest returns up to n segmentations of text, at most 1,024, the likeliest
// first. Only a unigram model has them.
func (m *SentencePiece) NBest(text string, n int) ([]Segmentation, error) {
	u, ok := m.seg.(*unigram)
	if !ok {
		return nil, errors.New("tokenizer: a BPE model scores no segmentations; expected a unigram model for n-best")
	}
	normalized := m.norm.appendNormalized(nil, text)
	var l lattice
	l.build(u, normalized)
	var out []Segmentation
	for _, p := range l.nBest(min(n, MaxNBest)) {
		out = append(out, Segmentation{IDs: m.idsOf(p.spans, normalized), Score: p.score})
	}
	return out, nil
}
