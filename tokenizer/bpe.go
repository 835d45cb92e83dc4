package tokenizer

import "strings"

// bpe segments by byte pair encoding: it starts from characters and merges,
// again and again, the neighbours whose union scores best (Sennrich et al.
// 2016). The union is looked up as a piece; the score of a piece is minus the
// rank of its merge.
type bpe struct {
	m       *SentencePiece
	pieces  doubleArray // normal, user-defined and unused pieces
	symbols doubleArray // user-defined symbols, which are never merged
	// byWord says that no piece has U+2581 behind its first character, so
	// that words can be segmented one by one.
	byWord    bool
	hasUnused bool
}

// bpeScratch is the working memory of one call.
type bpeScratch struct {
	symbols []bpeSymbol
	agenda  []bpeMerge // a heap, best merge first
	// halves holds the length of the left half of each merged unused piece.
	halves map[string]int32
}

// bpeSymbol is a stretch of text that merging has made so far.
type bpeSymbol struct {
	prev, next int32 // neighbours; -1 for none
	start, end int32 // bytes of text; empty after being merged into prev
	node       uint32
	id         int32 // piece, or -1 when not yet known
	frozen     bool  // a user-defined symbol
}

// bpeMerge is a possible merge of two neighbours into one piece.
type bpeMerge struct {
	score float32
	left  int32
	right int32
	size  int32 // bytes of the piece, by which a stale merge is told
	id    int32
	node  uint32
}

// noNode marks a symbol with which no piece begins.
const noNode = ^uint32(0)

func newBPE(m *SentencePiece, symbols doubleArray) (*bpe, error) {
	b := &bpe{m: m, symbols: symbols, byWord: true}
	for _, p := range m.proto.pieces {
		switch p.kind {
		case pieceUnused:
			b.hasUnused = true
		case pieceNormal, pieceUserDefined:
		default:
			continue
		}
		if strings.LastIndex(p.text, spaceSymbol) > 0 {
			b.byWord = false
		}
	}
	var err error
	b.pieces, err = m.trie(func(p piece) bool {
		return p.kind == pieceNormal || p.kind == pieceUserDefined || p.kind == pieceUnused
	})
	return b, err
}

func (b *bpe) segment(dst []span, text []byte, s *scratch) []span {
	return b.segmentDropping(dst, text, s, nil)
}

// segmentDropping segments word by word; drop, when not nil, says of each
// merge whether to leave it out.
func (b *bpe) segmentDropping(dst []span, text []byte, s *scratch, drop func() bool) []span {
	for start := 0; start < len(text); {
		end := len(text)
		if b.byWord {
			end = nextSpace(text, start)
		}
		dst = b.segmentWord(dst, text, start, end, &s.bpe, drop)
		start = end
	}
	return dst
}

// nextSpace returns the offset of the first U+2581 behind start.
func nextSpace(text []byte, start int) int {
	for i := start + 1; i+len(spaceSymbol) <= len(text); i++ {
		if text[i] == spaceSymbol[0] && text[i+1] == spaceSymbol[1] && text[i+2] == spaceSymbol[2] {
			return i
		}
	}
	return len(text)
}

func (b *bpe) segmentWord(dst []span, text []byte, start, end int, s *bpeScratch, drop func() bool) []span {
	b.split(text, start, end, s)
	s.agenda = s.agenda[:0]
	clear(s.halves)
	for i := 1; i < len(s.symbols); i++ {
		b.offer(text, int32(i-1), int32(i), s)
	}
	for len(s.agenda) > 0 {
		top := s.pop()
		left, right := &s.symbols[top.left], &s.symbols[top.right]
		if left.start == left.end || right.start == right.end || right.end-left.start != top.size {
			continue // one side has been merged meanwhile
		}
		if drop != nil && drop() {
			continue
		}
		left.end, left.node, left.id = right.end, top.node, top.id
		left.next = right.next
		if right.next >= 0 {
			s.symbols[right.next].prev = top.left
		}
		right.start = right.end
		b.offer(text, left.prev, top.left, s)
		b.offer(text, top.left, left.next, s)
	}
	for i := int32(0); i >= 0; i = s.symbols[i].next {
		dst = b.emit(dst, text, s, &s.symbols[i])
	}
	return dst
}

// split makes a symbol of each user-defined symbol and of each character.
func (b *bpe) split(text []byte, start, end int, s *bpeScratch) {
	s.symbols = s.symbols[:0]
	for start < end {
		sym := bpeSymbol{prev: int32(len(s.symbols)) - 1, next: int32(len(s.symbols)) + 1, start: int32(start)}
		size, _ := longest(b.symbols, text[start:end])
		if sym.frozen = size > 0; !sym.frozen {
			size = min(charLen(text[start]), end-start)
		}
		start += size
		sym.end = int32(start)
		sym.node, sym.id = b.walk(daRoot, text[sym.start:sym.end])
		s.symbols = append(s.symbols, sym)
	}
	s.symbols[len(s.symbols)-1].next = -1
}

// walk follows text from a node of the trie. The id is -1 where no piece ends.
func (b *bpe) walk(node uint32, text []byte) (to uint32, id int32) {
	for _, c := range text {
		var ok bool
		if node, ok = b.pieces.step(node, c); !ok {
			return noNode, -1
		}
	}
	if id, ok := b.pieces.value(node); ok {
		return node, id
	}
	return node, -1
}

// offer puts the merge of two neighbours on the agenda if it makes a piece.
func (b *bpe) offer(text []byte, left, right int32, s *bpeScratch) {
	if left < 0 || right < 0 {
		return
	}
	l, r := &s.symbols[left], &s.symbols[right]
	if l.frozen || r.frozen || l.node == noNode {
		return
	}
	node, id := b.walk(l.node, text[r.start:r.end])
	if id < 0 {
		return
	}
	p := &b.m.proto.pieces[id]
	s.push(bpeMerge{score: p.score, left: left, right: right, size: r.end - l.start, id: id, node: node})
	if b.hasUnused && p.kind == pieceUnused {
		if s.halves == nil {
			s.halves = map[string]int32{}
		}
		s.halves[p.text] = l.end - l.start
	}
}

// emit appends the piece of a symbol; an unused one is taken apart again.
func (b *bpe) emit(dst []span, text []byte, s *bpeScratch, sym *bpeSymbol) []span {
	id := sym.id
	if id < 0 {
		id = b.m.special.Unknown
	}
	if !b.hasUnused || b.m.proto.pieces[id].kind != pieceUnused {
		return append(dst, span{id: id, end: sym.end})
	}
	return b.resegment(dst, text, sym.start, sym.end, s)
}

func (b *bpe) resegment(dst []span, text []byte, start, end int32, s *bpeScratch) []span {
	id := b.idOf(text[start:end])
	half, ok := s.halves[string(text[start:end])]
	if b.m.proto.pieces[id].kind != pieceUnused || !ok {
		return append(dst, span{id: id, end: end})
	}
	dst = b.resegment(dst, text, start, start+half, s)
	return b.resegment(dst, text, start+half, end, s)
}

// idOf returns the id of a piece, the unknown one when there is no such piece.
func (b *bpe) idOf(text []byte) int32 {
	if id, ok := b.m.ids[string(text)]; ok {
		return id
	}
	return b.m.special.Unknown
}

// before orders merges: best score first, from left to right among equals.
func (x bpeMerge) before(y bpeMerge) bool {
	return x.score > y.score || x.score == y.score && x.left < y.left
}

// push and pop keep the agenda a binary heap; container/heap would allocate.
func (s *bpeScratch) push(x bpeMerge) {
	s.agenda = append(s.agenda, x)
	h := s.agenda
	i := len(h) - 1
	for i > 0 && x.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = x
}

func (s *bpeScratch) pop() bpeMerge {
	h := s.agenda
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	s.agenda = h
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(last) {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	return top
}
