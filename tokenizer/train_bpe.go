package tokenizer

import (
	"container/heap"
	"slices"
	"strings"
)

// trainBPE merges, again and again, the pair of neighbours that occurs most
// often (Sennrich et al. 2016). Among equals the shorter union goes first, then
// the one that sorts first, as in the reference.
func (t *trainer) trainBPE() []piece {
	b := newPairs(t)
	room := t.room() - len(t.chars)
	var pieces []piece
	seen := map[string]bool{}
	for len(pieces) < room {
		p := b.next()
		if p == nil {
			break
		}
		if seen[p.text] {
			continue // the same union by another way
		}
		seen[p.text] = true
		pieces = append(pieces, piece{text: p.text, score: -float32(len(pieces)), kind: pieceNormal})
		b.merge(p)
	}
	for _, c := range t.chars {
		pieces = append(pieces, piece{text: string(c.char), score: -float32(len(pieces)), kind: pieceNormal})
	}
	return pieces
}

// pairs keeps the text as linked symbols and counts neighbours.
type pairs struct {
	t          *trainer
	symbols    [][]rune // characters of each symbol
	at         []int32  // symbol at each place of the text
	prev, succ []int32  // neighbouring places; -1 at the ends of a fragment
	weight     []int64  // of the fragment of each place
	byKey      map[[2]int32]*pair
	queue      pairQueue
	fresh      []*pair // made since the last push to the queue
}

// pair is two neighbouring symbols.
type pair struct {
	left, right int32
	chars       []rune
	text        string
	count       int64
	places      []int32 // of left; some may have been merged away
}

func newPairs(t *trainer) *pairs {
	b := &pairs{t: t, byKey: map[[2]int32]*pair{}}
	id := make(map[rune]int32, len(t.chars))
	for i, c := range t.chars {
		id[c.char] = int32(i)
		b.symbols = append(b.symbols, []rune{c.char})
	}
	for _, f := range t.fragments {
		first := int32(len(b.at))
		for _, c := range f.text {
			i := int32(len(b.at))
			b.at = append(b.at, id[c])
			b.prev, b.succ = append(b.prev, i-1), append(b.succ, i+1)
			b.weight = append(b.weight, f.count)
		}
		b.prev[first], b.succ[len(b.at)-1] = -1, -1
	}
	for i := range b.at {
		b.add(int32(i))
	}
	b.pushFresh()
	return b
}

// lookUp returns the pair of the symbols at a place and behind it, nil where
// there is none or it may not form a piece.
func (b *pairs) lookUp(place int32) *pair {
	if place < 0 || b.succ[place] < 0 {
		return nil
	}
	key := [2]int32{b.at[place], b.at[b.succ[place]]}
	p, ok := b.byKey[key]
	if !ok {
		chars := slices.Concat(b.symbols[key[0]], b.symbols[key[1]])
		if b.t.isPiece(chars) {
			p = &pair{left: key[0], right: key[1], chars: chars, text: string(chars)}
			b.fresh = append(b.fresh, p)
		}
		b.byKey[key] = p
	}
	return p
}

// add counts the pair at a place.
func (b *pairs) add(place int32) {
	if p := b.lookUp(place); p != nil {
		p.count += b.weight[place]
		p.places = append(p.places, place)
	}
}

// remove takes back what add did.
func (b *pairs) remove(place int32) {
	if p := b.lookUp(place); p != nil {
		p.count -= b.weight[place]
	}
}

func (b *pairs) pushFresh() {
	for _, p := range b.fresh {
		if p.count > 0 {
			heap.Push(&b.queue, queued{p, p.count})
		}
	}
	b.fresh = b.fresh[:0]
}

// next takes the most frequent pair from the queue, nil when none is left.
// Counts only fall once a pair is queued, so an outdated entry comes too early
// and goes back with the count of now.
func (b *pairs) next() *pair {
	for len(b.queue) > 0 {
		q := heap.Pop(&b.queue).(queued)
		switch q.pair.count {
		case q.count:
			return q.pair
		case 0:
		default:
			heap.Push(&b.queue, queued{q.pair, q.pair.count})
		}
	}
	return nil
}

// merge makes one symbol of each occurrence of a pair, from left to right.
func (b *pairs) merge(p *pair) {
	id := int32(len(b.symbols))
	b.symbols = append(b.symbols, p.chars)
	places := p.places
	p.places = nil
	slices.Sort(places)
	for _, place := range places {
		behind := b.succ[place]
		if b.at[place] != p.left || behind < 0 || b.at[behind] != p.right {
			continue
		}
		before := b.prev[place]
		b.remove(before)
		b.remove(behind)
		b.at[place], b.at[behind] = id, -1
		b.succ[place] = b.succ[behind]
		if after := b.succ[behind]; after >= 0 {
			b.prev[after] = place
		}
		if before >= 0 {
			b.add(before)
		}
		b.add(place)
	}
	p.count = 0
	b.pushFresh()
}

// queued is a pair with the count that it had when it was put in the queue.
type queued struct {
	pair  *pair
	count int64
}

// pairQueue is a heap of pairs, the next to merge first.
type pairQueue []queued

func (q pairQueue) Len() int      { return len(q) }
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(queued)) }

func (q pairQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.count != b.count {
		return a.count > b.count
	}
	if x, y := len(a.pair.chars), len(b.pair.chars); x != y {
		return x < y
	}
	return strings.Compare(a.pair.text, b.pair.text) < 0
}

func (q *pairQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
