package tokenizer

import (
	"errors"
	"math"
	"slices"
	"unicode/utf8"
)

// unknownPenalty is how far, in log probability, the unknown character lies
// below the least likely piece.
const unknownPenalty = 10

// unigram segments by the Viterbi algorithm under a unigram language model of
// pieces (Kudo 2018, section 3.2). Scores are natural log probabilities.
type unigram struct {
	pieces doubleArray
	// scores holds the scores by id; charScores does so for a lattice, in
	// which the score of a user-defined symbol differs.
	scores, charScores []float32
	unknown            int32
	unknownScore       float32
}

// bestPath is the best segmentation of the text up to some byte offset.
type bestPath struct {
	score float32
	start int32 // where its last piece begins; -1 when there is no path yet
	id    int32 // its last piece
}

func newUnigram(m *SentencePiece) (*unigram, error) {
	u := &unigram{unknown: m.special.Unknown}
	lowest := float32(math.MaxFloat32)
	for _, p := range m.proto.pieces {
		score, charScore := p.score, p.score
		switch p.kind {
		case pieceNormal:
			lowest = min(lowest, p.score)
		case pieceUserDefined:
			score, charScore = symbolScore(len(p.text)), symbolScore(utf8.RuneCountInString(p.text))
		}
		u.scores = append(u.scores, score)
		u.charScores = append(u.charScores, charScore)
	}
	u.unknownScore = lowest - unknownPenalty
	var err error
	u.pieces, err = m.trie(func(p piece) bool { return p.kind == pieceNormal || p.kind == pieceUserDefined })
	if err == nil && u.pieces == nil {
		err = errors.New("no piece can match text; expected pieces of type normal")
	}
	return u, err
}

// symbolScore is the score of a user-defined symbol, high enough to outbid
// what else covers its length. As in the reference, that length counts bytes
// in Encode and characters in a lattice.
func symbolScore(length int) float32 { return float32(0.1*float64(length) - 0.1) }

// segment finds the best path from left to right. It needs no lattice: under
// a unigram model the best path to an offset does not depend on what follows.
// Sums are float32, as in the reference, so that ties fall the same way.
func (u *unigram) segment(dst []span, text []byte, s *scratch) []span {
	best := u.viterbi(text, s)
	first := len(dst)
	for end := int32(len(text)); end > 0; end = best[end].start {
		dst = append(dst, span{id: best[end].id, end: end})
	}
	slices.Reverse(dst[first:])
	return dst
}

func (u *unigram) viterbi(text []byte, s *scratch) []bestPath {
	if cap(s.best) <= len(text) {
		s.best = make([]bestPath, len(text)+1+len(text)/2)
	}
	best := s.best[:len(text)+1]
	for i := range best {
		best[i].start = -1
	}
	best[0] = bestPath{}
	trie := u.pieces
	for start := 0; start < len(text); {
		size := min(charLen(text[start]), len(text)-start)
		here := best[start].score
		single := false
		node := daRoot
		for i := start; i < len(text); i++ {
			c := uint32(text[i])
			node ^= daOffset(trie[node]) ^ c
			if node >= uint32(len(trie)) {
				break
			}
			unit := trie[node]
			if unit&(daIsValue|0xff) != c {
				break
			}
			if unit&daHasValue == 0 {
				continue
			}
			id := int32(trie[node^daOffset(unit)] &^ daIsValue)
			score := u.scores[id] + here
			if to := &best[i+1]; to.start < 0 || score > to.score {
				*to = bestPath{score: score, start: int32(start), id: id}
			}
			single = single || i+1-start == size
		}
		if !single {
			score := u.unknownScore + here
			if to := &best[start+size]; to.start < 0 || score > to.score {
				*to = bestPath{score: score, start: int32(start), id: u.unknown}
			}
		}
		start += size
	}
	return best
}

// charLen returns the length in bytes of the UTF-8 character that begins with
// lead; one for a byte that begins none.
func charLen(lead byte) int {
	switch {
	case lead < 0xc0:
		return 1
	case lead < 0xe0:
		return 2
	case lead < 0xf0:
		return 3
	}
	return 4
}
