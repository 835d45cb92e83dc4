package tensor

// Span is what one query looks at: keys First to End-1, rows of a tensor that holds
// the keys of many sequences. Base is the row of the first key of the query's
// sequence: key r stands at position r-Base.
type Span struct{ Base, First, End int }

// Len is the number of keys.
func (s Span) Len() int { return s.End - s.First }

// Spans say for each query, a row each, what it looks at. Queries of one sequence come
// together.
type Spans []Span

// Spread fills spans so that every query of a sequence looks at all of its keys.
func (s Spans) Spread(queries, keys Segments) Spans {
	s = s[:0]
	for i := range queries.Len() {
		for range queries[i+1] - queries[i] {
			s = append(s, Span{keys[i], keys[i], keys[i+1]})
		}
	}
	return s
}

// width is the largest number of keys.
func (s Spans) width() int {
	n := 0
	for _, x := range s {
		n = max(n, x.Len())
	}
	return n
}

// check panics unless there is a span for each of the queries, inside the keys.
func (s Spans) check(op string, queries, keys int) {
	if len(s) != queries {
		misfit(op, "%d spans for %d queries", len(s), queries)
	}
	for i, x := range s {
		if x.Base < 0 || x.First < x.Base || x.End < x.First || x.End > keys {
			misfit(op, "query %d looks at rows %d to %d of a sequence from row %d on; there are %d", i, x.First, x.End, x.Base, keys)
		}
	}
}

// lookup is what the operations of a dictionary have in common: queries that look at
// keys, and groups of them which share none with another group.
type lookup struct {
	spans  Spans
	groups []int // the first query of each group, and the number of queries
}

// set finds the groups: a window may lie before that of the query ahead of it, but not
// before its sequence.
func (l *lookup) set(s Spans) {
	l.spans, l.groups = s, l.groups[:0]
	end := -1
	for i, x := range s {
		if x.Base >= end {
			l.groups = append(l.groups, i)
		}
		end = max(end, x.End)
	}
	l.groups = append(l.groups, len(s))
}

// count is the number of groups.
func (l *lookup) count() int { return len(l.groups) - 1 }

// disjoint panics unless the groups are so, which the way back needs: two tasks must
// not add to one key.
func (l *lookup) disjoint(op string) {
	end := 0 // of what earlier groups look at
	for g := range l.count() {
		group := l.spans[l.groups[g]:l.groups[g+1]]
		for i, x := range group {
			if x.Len() > 0 && x.First < end {
				misfit(op, "query %d looks at rows of an earlier sequence", l.groups[g]+i)
			}
		}
		for _, x := range group {
			end = max(end, x.End)
		}
	}
}
