package train

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/inspect"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// Align links each token of a translation to the token of its source line that it
// attends to most, in the mean of the heads of the last layer: pairs of source and
// target. A token that attends to the end symbol most has none. There are none where the
// line was too long to be translated in one part, or the model has no attention.
func (m *Model) Align(line string, translation []int32) [][2]int {
	return m.align(line, translation, 1)
}

// align is Align among the words of the source and so many of what follows them: its end
// symbol, or nothing.
func (m *Model) align(line string, translation []int32, after int) [][2]int {
	links := [][2]int{}
	src, limit := m.Source.Encode(line), m.MaxLength()
	if len(src) == 0 || len(src) >= limit || len(translation) >= limit {
		return links
	}
	a, err := m.Attention(src, translation)
	if err != nil {
		return links
	}
	weights := inspect.MeanOfHeads(a.Cross[len(a.Cross)-1])[:len(translation)]
	for i, row := range weights {
		weights[i] = row[:len(src)+after]
	}
	for _, l := range inspect.Strongest(weights) {
		if l.Source < len(src) {
			links = append(links, [2]int{l.Source, l.Target})
		}
	}
	return links
}

// ReplaceUnknown returns the text of a translation with a word for each unknown one:
// what dictionary has for the source word that it attends to most, or else that word
// itself (Luong et al. 2015, section 4.1; Jean et al. 2015). It is for vocabularies of
// words.
func (m *Model) ReplaceUnknown(line string, translation []int32, dictionary map[string]string) (string, error) {
	if !m.ofWords() {
		return "", errors.New("train: unknown words are replaced in vocabularies of words; subwords spell them")
	}
	if !m.Attends() {
		return "", errors.New("train: unknown words are replaced by what the model attends to; this one has no attention")
	}
	unknown := m.Target.Special().Unknown
	if !slices.Contains(translation, unknown) {
		return m.Target.Decode(translation), nil // attention has nothing to tell
	}
	words := strings.Fields(line)
	aligned := map[int]int{}
	for _, l := range m.align(line, translation, 0) {
		aligned[l[1]] = l[0]
	}
	var out []string
	for i, id := range translation {
		word := m.Target.Token(id)
		if at, ok := aligned[i]; ok && id == unknown {
			word = words[at]
			if known, ok := dictionary[word]; ok {
				word = known
			}
		}
		out = append(out, word)
	}
	return strings.Join(out, " "), nil
}

// ofWords says whether both vocabularies are of words, of which each is one token.
func (m *Model) ofWords() bool {
	_, source := m.Source.(*tokenizer.Words)
	_, target := m.Target.(*tokenizer.Words)
	return source && target
}

// Dictionary returns for each word of a source text the word of the target text that the
// model links to it most often while it writes that: a dictionary for
// [Model.ReplaceUnknown], of rare words too. It is empty unless vocabularies are of words.
// Where ctx ends, the error is [ErrInterrupted].
func (m *Model) Dictionary(ctx context.Context, text Text) (map[string]string, error) {
	counts := map[[2]string]int{}
	if !m.ofWords() {
		text = Text{}
	}
	for i, line := range text.Source {
		if ctx.Err() != nil {
			return nil, ErrInterrupted
		}
		source, target := strings.Fields(line), strings.Fields(text.Target[i])
		for _, l := range m.align(line, m.Target.Encode(text.Target[i]), 0) {
			counts[[2]string{source[l[0]], target[l[1]]}]++
		}
	}
	return mostOften(counts), nil
}

// mostOften returns for each first word the second one that it is counted with most, the
// first in order where several are.
func mostOften(counts map[[2]string]int) map[string]string {
	words, most := map[string]string{}, map[string]int{}
	for pair, n := range counts {
		from, to := pair[0], pair[1]
		if n > most[from] || n == most[from] && to < words[from] {
			words[from], most[from] = to, n
		}
	}
	return words
}
