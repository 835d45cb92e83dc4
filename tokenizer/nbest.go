package tokenizer

import (
	"container/heap"
	"math"
)

// path is a segmentation with its score.
type path struct {
	spans []span
	score float32
}

// hypothesis is the end of a path: an edge and what follows it.
type hypothesis struct {
	edge int32 // noEdge behind the last position
	pos  int32 // where the edge begins
	next *hypothesis
	done float32 // score of the edges so far, g of A*
	best float32 // done and the score of the best beginning, f of A*
}

// An agenda that reaches maxAgenda hypotheses is cut to its best, so that text
// with very many segmentations of like score ends in reasonable time. The
// bounds are the reference's.
const (
	maxAgenda = 10000
	minAgenda = 512
)

// nBest finds the best paths by A* from the end, in which the Viterbi score of
// a beginning is the exact estimate of what is left to do.
func (l *lattice) nBest(n int) []path {
	to := l.viterbi(noEdge)
	a := &agenda{{edge: noEdge, pos: l.last(), best: to[l.last()].score}}
	var found []path
	for a.Len() > 0 && len(found) < n {
		top := heap.Pop(a).(*hypothesis)
		if top.pos == 0 {
			found = append(found, l.path(top))
			continue
		}
		for _, i := range l.into(top.pos) {
			e := &l.edges[i]
			done := e.score + top.done
			heap.Push(a, &hypothesis{edge: i, pos: e.start, next: top, done: done, best: to[e.start].score + done})
		}
		if a.Len() >= maxAgenda {
			a.cut(min(minAgenda, 10*n))
		}
	}
	return found
}

// noEdge is the index of no edge.
const noEdge int32 = -1

// bestEdge ends the best path to a position.
type bestEdge struct {
	score float32
	edge  int32
}

// viterbi returns the best path to each position, by its score and last edge;
// paths through the edge skip do not count. The result is overwritten by the
// next call.
func (l *lattice) viterbi(skip int32) []bestEdge {
	l.best = append(l.best[:0], bestEdge{edge: noEdge})
	for pos := int32(1); pos <= l.last(); pos++ {
		to := bestEdge{score: float32(math.Inf(-1)), edge: noEdge}
		for _, i := range l.into(pos) {
			e := &l.edges[i]
			if s := l.best[e.start].score + e.score; i != skip && s > to.score {
				to = bestEdge{score: s, edge: i}
			}
		}
		l.best = append(l.best, to)
	}
	return l.best
}

func (l *lattice) path(h *hypothesis) path {
	p := path{score: h.best}
	for ; h.edge != noEdge; h = h.next {
		e := &l.edges[h.edge]
		p.spans = append(p.spans, span{id: e.id, end: l.offsets[e.end]})
	}
	return p
}

// agenda is a heap of hypotheses, best first.
type agenda []*hypothesis

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].best > a[j].best }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(*hypothesis)) }

func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

// cut keeps the n best.
func (a *agenda) cut(n int) {
	kept := make(agenda, n)
	for i := range kept {
		kept[i] = heap.Pop(a).(*hypothesis) // sorted, hence a heap
	}
	*a = kept
}
