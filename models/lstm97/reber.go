package lstm97

import (
	"math"
	"math/rand/v2"
	"strings"
)

// reberSymbols are the symbols of the Reber grammar; a symbol's place is its number.
const reberSymbols = "BTPSXVE"

// reberEdge is an edge of the grammar's graph: reading the symbol leads to the node.
type reberEdge struct {
	symbol byte
	to     int
}

// reberGraph is figure 3, the Reber grammar: node 0 is the leftmost, 7 the end.
var reberGraph = [][]reberEdge{
	{{'B', 1}},
	{{'T', 2}, {'P', 3}},
	{{'S', 2}, {'X', 4}},
	{{'T', 3}, {'V', 5}},
	{{'X', 3}, {'S', 6}},
	{{'P', 4}, {'V', 6}},
	{{'E', 7}},
}

// reberString draws a string of the embedded grammar (figure 4): B, then T or P, a
// string of the Reber grammar, the same T or P again, E. possible are the symbols that
// could have stood at each place after the first, a bit each.
func reberString(r *rand.Rand) (text string, possible []uint) {
	var b strings.Builder
	add := func(symbol byte, could ...byte) {
		var bits uint
		for _, c := range could {
			bits |= 1 << strings.IndexByte(reberSymbols, c)
		}
		b.WriteByte(symbol)
		possible = append(possible, bits)
	}
	outer := "TP"[r.IntN(2)]
	add('B', 'B')
	add(outer, 'T', 'P')
	for node := 0; node < len(reberGraph); {
		edges := reberGraph[node]
		var could []byte
		for _, e := range edges {
			could = append(could, e.symbol)
		}
		e := edges[r.IntN(len(edges))]
		add(e.symbol, could...)
		node = e.to
	}
	add(outer, outer)
	add('E', 'E')
	return b.String(), possible[1:]
}

// reberSequence asks for the prediction of every symbol after the first.
func reberSequence(text string, possible []uint) *Sequence {
	s := newSequence(len(text)-1, len(reberSymbols))
	for t := range len(text) - 1 {
		s.Symbols = append(s.Symbols, strings.IndexByte(reberSymbols, text[t]))
		s.Targets[t][strings.IndexByte(reberSymbols, text[t+1])] = 1
	}
	s.Possible = possible
	return s
}

// reberSets draws 256 training strings and 256 test strings that are not among them.
// Strings of either set may come more than once.
func reberSets(r *rand.Rand) (training, test []*Sequence) {
	const size = 256
	seen := map[string]bool{}
	for len(training) < size {
		text, possible := reberString(r)
		seen[text] = true
		training = append(training, reberSequence(text, possible))
	}
	for len(test) < size {
		if text, possible := reberString(r); !seen[text] {
			test = append(test, reberSequence(text, possible))
		}
	}
	return training, test
}

// predicts says whether at every step the possible next symbols are the most active
// outputs.
func predicts(s *Sequence, y [][]float64) bool {
	for t, bits := range s.Possible {
		low, high := math.Inf(1), math.Inf(-1) // least active of the possible, most active of the others
		for k, v := range y[t] {
			if bits>>k&1 == 1 {
				low = min(low, v)
			} else {
				high = max(high, v)
			}
		}
		if !(low > high) {
			return false
		}
	}
	return true
}
