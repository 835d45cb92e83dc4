package nn

import "github.com/kotoba-nlp/kotoba/tensor"

// Sequences is a batch of sequences of token ids, one after the other.
type Sequences struct {
	IDs       []int32
	Positions []int32 // of each token in its sequence
	Segments  tensor.Segments
}

// NewSequences joins sequences to a batch.
func NewSequences(seqs ...[]int32) Sequences {
	var s Sequences
	s.Clear()
	for _, ids := range seqs {
		s.Append(ids...)
		s.End()
	}
	return s
}

// Clear makes the batch empty and keeps its memory.
func (s *Sequences) Clear() {
	s.IDs, s.Positions, s.Segments = s.IDs[:0], s.Positions[:0], append(s.Segments[:0], 0)
}

// Append adds tokens to the sequence that End will end.
func (s *Sequences) Append(ids ...int32) {
	first := s.Segments[s.Segments.Len()]
	for _, id := range ids {
		s.Positions = append(s.Positions, int32(len(s.IDs)-first))
		s.IDs = append(s.IDs, id)
	}
}

// End ends a sequence.
func (s *Sequences) End() { s.Segments = append(s.Segments, len(s.IDs)) }

// Batch is a batch of sentence pairs for training. The decoder reads Input and
// is to predict Output, the same tokens one place earlier.
type Batch struct {
	Source, Input Sequences
	Output        []int32
}
