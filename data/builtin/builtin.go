// Package builtin holds a small Japanese-English parallel corpus that needs no
// download: about ten thousand sentence pairs derived from a hand-written
// synchronous grammar.
//
// The translation of every sentence is determined by its source, so that a
// small model can learn it in a minute; yet the grammar keeps what makes the
// language pair hard: the verb moves from the end of the sentence to its
// middle, number agreement reaches across relative clauses, pronouns take
// their number from a far antecedent that Japanese may leave unspoken, numerals
// and dates are compositional, and negation turns the polarity of a sentence.
//
// The grammar is a synchronous context-free grammar in the sense of Chiang,
// "Hierarchical phrase-based translation" (2007), and yields a gold word
// alignment along with the words.
package builtin

import (
	"math/rand/v2"
	"strings"
)

// Sizes of the three parts that [Corpus] returns, in sentence pairs.
const (
	trainSize = 9000
	validSize = 500
	testSize  = 500
)

// maxWords is the length of the longest source sentence.
const maxWords = 20

// Kinds of sentences, as [Pair.Kind] names them.
const (
	KindAction      = "action"      // subject, object and verb
	KindMotion      = "motion"      // from, to, by and with
	KindDescription = "description" // adjectives, negated or not
	KindRelative    = "relative"    // agreement across a relative clause
	KindPossessive  = "possessive"  // its, his, her, their
	KindReason      = "reason"      // a pronoun that Japanese leaves out
	KindExistence   = "existence"   // there is, there are
	KindDate        = "date"        // dates, weekdays and hours
	KindNumber      = "number"      // prices and populations
	KindQuestion    = "question"    // questions and requests
)

// Link says that a source word and a target word translate each other. Both
// are indices from 0.
type Link struct {
	Source, Target int
}

// Reference resolves a pronoun of the target sentence.
type Reference struct {
	// Pronoun is the target index of the pronoun.
	Pronoun int
	// Antecedent is the head noun that the pronoun stands for.
	Antecedent Link
}

// Pair is a Japanese sentence with its English translation, both split into
// words.
type Pair struct {
	Source, Target []string
	// Alignment links every content word, sorted by source and then target
	// index. Articles and case particles without a counterpart stay unlinked.
	Alignment []Link
	// Anaphora resolves the pronouns of Target, in their order.
	Anaphora []Reference
	// Polarity is +1 for a favourable statement, -1 for an unfavourable one and
	// 0 for one that is neither.
	Polarity int
	// Kind is one of the Kind constants.
	Kind string
}

// Corpus returns the training, validation and test parts of the corpus: 9,000,
// 500 and 500 pairs. It returns the same pairs on every call and every machine.
// No source sentence and no target sentence occurs twice, within a part or
// across parts.
func Corpus() (train, valid, test []Pair) {
	g := generator{rand.New(rand.NewPCG(2017, 512))}
	pairs := g.distinct(trainSize + validSize + testSize)
	return pairs[:trainSize:trainSize],
		pairs[trainSize : trainSize+validSize : trainSize+validSize],
		pairs[trainSize+validSize:]
}

// distinct returns n pairs that differ from each other on both sides and have
// at most maxWords source words.
func (g generator) distinct(n int) []Pair {
	pairs := make([]Pair, 0, n)
	seen := make(map[string]bool, 2*n)
	for len(pairs) < n {
		p := g.sentence()
		source, target := strings.Join(p.Source, " "), strings.Join(p.Target, " ")
		if seen[source] || seen[target] || len(p.Source) > maxWords {
			continue
		}
		seen[source], seen[target] = true, true
		pairs = append(pairs, p)
	}
	return pairs
}
