package tokenizer

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// WordPieceTrainOptions says what vocabulary [TrainWordPiece] makes; its zero
// value has the defaults of the reference's trainer.
type WordPieceTrainOptions struct {
	// Normalization of text, in training and after.
	Normalization WordPieceOptions
	// VocabSize is the number of pieces and symbols; 0 means 30,000. Text that
	// does not yield that many pieces gives a smaller vocabulary.
	VocabSize int
	// MinFrequency is how often two pieces must be neighbours to become one; 0
	// means 2.
	MinFrequency int
	// AlphabetLimit bounds the characters that are pieces; the rarest ones are
	// left unknown. 0 means 1,000.
	AlphabetLimit int
}

func (o *WordPieceTrainOptions) setDefaults() error {
	for _, n := range []int{o.VocabSize, o.MinFrequency, o.AlphabetLimit} {
		if n < 0 || n > 1<<24 {
			return fmt.Errorf("the vocabulary size is %d, the minimal frequency %d and the limit of the alphabet %d; expected 0 to %d", o.VocabSize, o.MinFrequency, o.AlphabetLimit, 1<<24)
		}
	}
	o.VocabSize = cmp.Or(o.VocabSize, 30000)
	o.MinFrequency = cmp.Or(o.MinFrequency, 2)
	o.AlphabetLimit = cmp.Or(o.AlphabetLimit, 1000)
	return o.Normalization.check()
}

// TrainWordPiece makes a vocabulary from sentences as the reference's
// BertWordPieceTokenizer does: [PAD], [UNK], [CLS], [SEP] and [MASK], the
// characters of the text, then the pieces that come of merging, again and again,
// the pair of neighbours that occurs most often (Sennrich et al. 2016). The
// reference breaks ties by ids that depend on a random hash; here they are in
// the order of characters.
func TrainWordPiece(sentences iter.Seq[string], o WordPieceTrainOptions) (*WordPiece, error) {
	if err := o.setDefaults(); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	words := countNormalizedWords(sentences, o.Normalization)
	if len(words) == 0 {
		return nil, errors.New("tokenizer: the text is empty; expected sentences")
	}
	t := newWordPieceTrainer(words, o)
	if len(t.tokens) > o.VocabSize {
		return nil, fmt.Errorf("tokenizer: vocabulary size is %d, for %d characters and symbols; expected at least as many", o.VocabSize, len(t.tokens))
	}
	t.train(o)
	return NewWordPiece(t.tokens, o.Normalization)
}

// countNormalizedWords counts the words of normalised text. Special symbols have
// no meaning in it.
func countNormalizedWords(sentences iter.Seq[string], o WordPieceOptions) map[string]int64 {
	counts := map[string]*int64{}
	splitter := newWordSplitter(o)
	splitter.word = func(word []byte, _ alignment) {
		n, ok := counts[string(word)]
		if !ok {
			n = new(int64)
			counts[string(word)] = n
		}
		*n++
	}
	for s := range sentences {
		splitter.split(s, 0)
	}
	words := make(map[string]int64, len(counts))
	for word, n := range counts {
		words[word] = *n
	}
	return words
}

// symbolPair is two neighbouring symbols, by id.
type symbolPair [2]int32

func comparePairs(a, b symbolPair) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
}

// wordPieceTrainer merges pairs of symbols in words, none of which is there
// twice.
type wordPieceTrainer struct {
	tokens []string
	ids    map[string]int32
	words  [][]int32
	counts []int64 // of words
	pairs  map[symbolPair]int64
	queue  mergeQueue
	fresh  map[symbolPair][]int32 // words with new pairs
}

func newWordPieceTrainer(counts map[string]int64, o WordPieceTrainOptions) *wordPieceTrainer {
	t := &wordPieceTrainer{ids: map[string]int32{}, pairs: map[symbolPair]int64{}, fresh: map[symbolPair][]int32{}}
	for _, token := range []string{wordPiecePad, wordPieceUnknown, wordPieceBegin, wordPieceEnd, wordPieceMask} {
		t.id(token)
	}
	sorted := slices.Sorted(maps.Keys(counts))
	chars := alphabet(counts, o.AlphabetLimit)
	for _, c := range chars {
		t.id(string(c))
	}
	inside := map[rune]bool{}
	for _, word := range sorted {
		for i, c := range word {
			inside[c] = inside[c] || i > 0
		}
	}
	for _, c := range chars {
		if inside[c] {
			t.id(continuation + string(c))
		}
	}
	for _, word := range sorted {
		t.addWord(word, counts[word])
	}
	t.pushFresh()
	return t
}

// alphabet returns the most frequent characters, in their order.
func alphabet(words map[string]int64, limit int) []rune {
	counts := map[rune]int64{}
	for word, n := range words {
		for _, c := range word {
			counts[c] += n
		}
	}
	chars := slices.SortedFunc(maps.Keys(counts), func(a, b rune) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	chars = chars[:min(limit, len(chars))]
	slices.Sort(chars)
	return chars
}

// id returns the id of a token, which it appends if it is new.
func (t *wordPieceTrainer) id(token string) int32 {
	id, ok := t.ids[token]
	if !ok {
		id = int32(len(t.tokens))
		t.ids[token] = id
		t.tokens = append(t.tokens, token)
	}
	return id
}

// addWord takes a word; characters outside the alphabet drop out of it.
func (t *wordPieceTrainer) addWord(word string, count int64) {
	var symbols []int32
	for i, c := range word {
		token := string(c)
		if _, ok := t.ids[token]; !ok {
			continue
		}
		if i > 0 {
			token = continuation + token
		}
		symbols = append(symbols, t.ids[token])
	}
	index := int32(len(t.words))
	t.words, t.counts = append(t.words, symbols), append(t.counts, count)
	for i := 1; i < len(symbols); i++ {
		t.change(symbolPair{symbols[i-1], symbols[i]}, 1, index)
	}
}

// change counts a pair that comes up in a word, or goes.
func (t *wordPieceTrainer) change(p symbolPair, by int64, word int32) {
	t.pairs[p] += by * t.counts[word]
	if by < 0 {
		return
	}
	if words := t.fresh[p]; len(words) == 0 || words[len(words)-1] != word {
		t.fresh[p] = append(words, word)
	}
}

// pushFresh puts the pairs in the queue that came up since it was last called.
func (t *wordPieceTrainer) pushFresh() {
	for _, p := range slices.SortedFunc(maps.Keys(t.fresh), comparePairs) {
		if n := t.pairs[p]; n > 0 {
			heap.Push(&t.queue, merge{p, n, t.fresh[p]})
		}
	}
	clear(t.fresh)
}

func (t *wordPieceTrainer) train(o WordPieceTrainOptions) {
	for len(t.tokens) < o.VocabSize && len(t.queue) > 0 {
		m := heap.Pop(&t.queue).(merge)
		if n := t.pairs[m.pair]; n != m.count {
			m.count = n // outdated
			heap.Push(&t.queue, m)
			continue
		}
		if m.count < int64(o.MinFrequency) {
			break
		}
		union := t.id(t.tokens[m.pair[0]] + strings.TrimPrefix(t.tokens[m.pair[1]], continuation))
		for _, word := range m.words {
			t.words[word] = t.merge(t.words[word], m.pair, union, word)
		}
		t.pushFresh()
	}
}

// merge makes one symbol of each occurrence of a pair in a word, from left to
// right.
func (t *wordPieceTrainer) merge(symbols []int32, p symbolPair, union, word int32) []int32 {
	merged := symbols[:0]
	for i := 0; i < len(symbols); i++ {
		if symbols[i] != p[0] || i+1 == len(symbols) || symbols[i+1] != p[1] {
			merged = append(merged, symbols[i])
			continue
		}
		if n := len(merged); n > 0 {
			t.change(symbolPair{merged[n-1], p[0]}, -1, word)
			t.change(symbolPair{merged[n-1], union}, 1, word)
		}
		i++
		merged = append(merged, union)
		if i+1 < len(symbols) {
			t.change(symbolPair{p[1], symbols[i+1]}, -1, word)
			t.change(symbolPair{union, symbols[i+1]}, 1, word)
		}
	}
	return merged
}

// merge is a pair with the count that it had when it was put in the queue, and
// the words that it came up in.
type merge struct {
	pair  symbolPair
	count int64
	words []int32
}

// mergeQueue is a heap of merges, the next one first.
type mergeQueue []merge

func (q mergeQueue) Len() int      { return len(q) }
func (q mergeQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *mergeQueue) Push(x any)   { *q = append(*q, x.(merge)) }

func (q mergeQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return a.count > b.count || a.count == b.count && comparePairs(a.pair, b.pair) < 0
}

func (q *mergeQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
