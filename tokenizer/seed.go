package tokenizer

import (
	"cmp"
	"slices"
)

// seedSize bounds the vocabulary that unigram training starts from.
const seedSize = 1_000_000

// boundary ends a fragment in the text of a suffixArray.
const boundary rune = -1

// suffixArray holds the suffixes of fragments in sorted order, compared up to
// a depth, and the lengths of the prefixes that neighbours share. With those
// lengths it stands for the suffix tree (Abouelhoda et al. 2004).
type suffixArray struct {
	text   []rune  // fragments, each ended by boundary
	weight []int64 // of the fragment that a character belongs to
	depth  int
	order  []int32 // where suffixes begin
	shared []int32 // characters that order[i-1] and order[i] share
	sums   []int64 // sums[i] is the weight of order[:i]
}

// newSuffixArray sorts by the first depth characters. That, and not the full
// order, is what bounded pieces need; it takes less time.
func (t *trainer) newSuffixArray(depth int) *suffixArray {
	a := &suffixArray{depth: depth}
	for _, f := range t.fragments {
		for _, c := range f.text {
			a.order = append(a.order, int32(len(a.text)))
			a.text = append(a.text, c)
			a.weight = append(a.weight, f.count)
		}
		a.text = append(a.text, boundary)
		a.weight = append(a.weight, 0)
	}
	t.sortSuffixes(a)
	a.shared = make([]int32, len(a.order)+1)
	a.sums = make([]int64, len(a.order)+1)
	for i, pos := range a.order {
		a.sums[i+1] = a.sums[i] + a.weight[pos]
		if i > 0 {
			a.shared[i] = int32(a.common(a.order[i-1], pos))
		}
	}
	return a
}

// sortSuffixes sorts the suffixes of each first character on its own, in
// parallel.
func (t *trainer) sortSuffixes(a *suffixArray) {
	rank := make(map[rune]int, len(t.chars))
	for i, c := range t.chars {
		rank[c.char] = i
	}
	buckets := make([][]int32, len(t.chars))
	for _, pos := range a.order {
		b := &buckets[rank[a.text[pos]]]
		*b = append(*b, pos)
	}
	t.parallel(len(buckets), func(i int) {
		slices.SortFunc(buckets[i], a.compare)
	})
	a.order = slices.Concat(buckets...)
}

func (a *suffixArray) compare(p, q int32) int {
	n := int32(a.common(p, q))
	if int(n) == a.depth {
		return cmp.Compare(p, q)
	}
	return cmp.Or(cmp.Compare(a.text[p+n], a.text[q+n]), cmp.Compare(p, q))
}

// common returns how many characters two suffixes share, depth at most. They
// end at boundaries, which equal nothing.
func (a *suffixArray) common(p, q int32) int {
	n := 0
	for n < a.depth && a.text[int(p)+n] == a.text[int(q)+n] && a.text[int(p)+n] != boundary {
		n++
	}
	return n
}

// substring is a candidate piece: characters of the text and the number of
// characters that all its occurrences cover.
type substring struct {
	at, length int32
	covers     int64
}

// substrings calls f for the substrings that occur twice or more and that
// different characters, or ends of fragments, follow: the inner nodes of the
// suffix tree and those leaves whose fragment occurs more than once.
func (a *suffixArray) substrings(f func(substring)) {
	type node struct{ length, first int32 }
	report := func(length, first, end int32) {
		if count := a.sums[end] - a.sums[first]; count >= 2 && length >= 2 {
			f(substring{at: a.order[first], length: length, covers: count * int64(length)})
		}
	}
	stack := []node{{}}
	n := int32(len(a.order))
	for i := int32(1); i <= n; i++ {
		shared := a.shared[i] // zero behind the last suffix
		if length := a.length(a.order[i-1]); length > max(a.shared[i-1], shared) {
			report(length, i-1, i)
		}
		first := i - 1
		for top := stack[len(stack)-1]; top.length > shared; top = stack[len(stack)-1] {
			report(top.length, top.first, i)
			first = top.first
			stack = stack[:len(stack)-1]
		}
		if stack[len(stack)-1].length < shared {
			stack = append(stack, node{shared, first})
		}
	}
}

// length returns how many characters there are from pos to the end of the
// fragment, depth at most.
func (a *suffixArray) length(pos int32) int32 {
	n := int32(0)
	for int(n) < a.depth && a.text[pos+n] != boundary {
		n++
	}
	return n
}

// seed returns the pieces to start from, sorted by text: all covered
// characters and the substrings that cover most of the text, weighted by how
// many characters they cover (Kudo 2018, section 3.2).
func (t *trainer) seed() []weighted {
	a := t.newSuffixArray(t.opt.MaxPieceLength + 1)
	var found []substring
	a.substrings(func(s substring) {
		if t.isPiece(a.text[s.at : s.at+s.length]) {
			found = append(found, s)
		}
	})
	if len(found) > seedSize {
		slices.SortStableFunc(found, func(x, y substring) int { return cmp.Compare(y.covers, x.covers) })
		found = found[:seedSize]
	}
	pieces := make([]weighted, 0, len(found)+len(t.chars))
	for _, c := range t.chars {
		pieces = append(pieces, weighted{text: string(c.char), weight: float64(c.count)})
	}
	for _, s := range found {
		pieces = append(pieces, weighted{text: string(a.text[s.at : s.at+s.length]), weight: float64(s.covers)})
	}
	slices.SortFunc(pieces, func(x, y weighted) int { return cmp.Compare(x.text, y.text) })
	return pieces
}
