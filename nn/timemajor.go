package nn

import (
	"slices"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// TimeMajor arranges the rows of sequences in the order of time, as recurrent layers
// want them: the first tokens of all sequences, then the second ones, the longest
// sequence first.
type TimeMajor struct {
	Order []int        // sequences from the longest to the shortest
	Steps tensor.Steps // of the rows in the order of time

	rank     []int // place of each sequence in Order
	segments tensor.Segments
}

// Set arranges the sequences of s.
func (m *TimeMajor) Set(s tensor.Segments) {
	m.segments, m.Order, m.rank = s, m.Order[:0], m.rank[:0]
	for i := range s.Len() {
		m.Order, m.rank = append(m.Order, i), append(m.rank, 0)
	}
	slices.SortStableFunc(m.Order, func(a, b int) int { return m.length(b) - m.length(a) })
	for place, i := range m.Order {
		m.rank[i] = place
	}
	m.Steps = append(m.Steps[:0], 0)
	alive := len(m.Order)
	for step := 0; ; step++ {
		for alive > 0 && m.length(m.Order[alive-1]) <= step {
			alive--
		}
		if alive == 0 {
			return
		}
		m.Steps = append(m.Steps, m.Steps[step]+alive)
	}
}

func (m *TimeMajor) length(sequence int) int { return m.segments[sequence+1] - m.segments[sequence] }

// Row returns where in the order of time a sequence has its token of a step.
func (m *TimeMajor) Row(sequence, step int) int { return m.Steps[step] + m.rank[sequence] }

// Last returns where a sequence has its last token.
func (m *TimeMajor) Last(sequence int) int { return m.Row(sequence, m.length(sequence)-1) }

// Mirror appends to dst, for each row in the order of time, the row that has its place
// when all sequences are read backwards.
func (m *TimeMajor) Mirror(dst []int32) []int32 {
	for step := range m.Steps.Len() {
		for _, i := range m.Order[:m.Steps.Width(step)] {
			dst = append(dst, int32(m.Row(i, m.length(i)-1-step)))
		}
	}
	return dst
}

// Arrange appends to dst the ids of the sequences in the order of time, each sequence
// read backwards if reversed.
func (m *TimeMajor) Arrange(dst, ids []int32, reversed bool) []int32 {
	for step := range m.Steps.Len() {
		for _, i := range m.Order[:m.Steps.Width(step)] {
			at := m.segments[i] + step
			if reversed {
				at = m.segments[i+1] - 1 - step
			}
			dst = append(dst, ids[at])
		}
	}
	return dst
}
