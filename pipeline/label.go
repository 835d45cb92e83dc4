package pipeline

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/metrics"
	"github.com/kotoba-nlp/kotoba/models/bert"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// Words is some words of a sentence as the encoder reads them: [CLS] pieces [SEP].
type Words struct {
	Input
	First []int // the place of the first piece of each word, which its label comes from (section 5.3)
}

// Words returns the sequences of a sentence in words: one, or several where it is too long.
// Of a word that is longer than a sequence the end is left out.
func (e *Encoder) Words(words []string) []Words {
	pieces := make([][]int32, len(words))
	for i, word := range words {
		if pieces[i] = e.Tokenizer.Encode(word); len(pieces[i]) == 0 { // as of control characters
			pieces[i] = []int32{e.Tokenizer.Special().Unknown}
		}
	}
	return e.fill(pieces)
}

// fill returns sequences of words in pieces.
func (e *Encoder) fill(words [][]int32) (all []Words) {
	special, room := e.Tokenizer.Special(), e.MaxLength-1 // for [SEP]
	for _, pieces := range words {
		pieces = pieces[:min(len(pieces), room-1)]
		last := len(all) - 1
		if last < 0 || len(all[last].IDs)+len(pieces) > room {
			all = append(all, Words{Input: Input{IDs: []int32{special.Begin}}})
			last++
		}
		w := &all[last]
		w.First = append(w.First, len(w.IDs))
		w.IDs = append(w.IDs, pieces...)
	}
	for i := range all {
		all[i].IDs = append(all[i].IDs, special.End)
	}
	return all
}

// Entity is a part of a text that words of one label make up.
type Entity struct {
	Group string  `json:"entity_group"` // the label without its prefix, B- or I- say
	Score float64 `json:"score"`        // mean probability of its words' labels
	Word  string  `json:"word"`         // the text from start to end
	Start int     `json:"start"`        // in characters, code points of the text, as Python counts
	End   int     `json:"end"`
}

// Entities returns the entities of each text in order: words side by side that have the same
// label, but for B- and I-, where B- begins a new one, and the other prefixes of [metrics.Entities]; O is none. Of
// B- and I- they are what the pipeline token-classification of transformers returns with the strategy "first": words begin where a
// piece does not go on with the one before, and have the labels of their first pieces.
func (e *Encoder) Entities(texts []string) ([][]Entity, error) {
	if e.Network.Classifier == nil || e.Network.Encoder.Pooler != nil {
		return nil, errors.New("pipeline: the model has no classifier of words; train one with kotoba train --preset bert-label")
	}
	var inputs []Input
	sentences := make([]sentence, len(texts))
	for i, text := range texts {
		sentences[i] = e.sentence(text)
		for _, w := range sentences[i].sequences {
			inputs = append(inputs, w.Input)
		}
	}
	found := make([][]Label, len(inputs)) // the best label of each piece
	err := e.Encode(inputs, nil, func(p bert.Pass, x *tensor.Tensor, s tensor.Segments, which []int) error {
		logits := e.Network.Label(p, x)
		if err := checkNumbers(logits.Data); err != nil {
			return err
		}
		for i, input := range which {
			for r := s[i]; r < s[i+1]; r++ {
				probability := softmax(logits.Row(r))
				top := best(probability, 1)[0]
				found[input] = append(found[input], Label{e.label(top), probability[top]})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	results := make([][]Entity, len(texts))
	for i, s := range sentences {
		var labels []Label
		for _, w := range s.sequences {
			for _, place := range w.First {
				labels = append(labels, found[0][place])
			}
			found = found[1:]
		}
		results[i] = s.entities(texts[i], labels)
	}
	return results, nil
}

// sentence is a text in words.
type sentence struct {
	sequences []Words
	words     [][2]int // their bytes of the text
}

func (e *Encoder) sentence(text string) (s sentence) {
	ids, offsets := e.Tokenizer.EncodeWithOffsets(text)
	var words [][]int32
	for i, id := range ids {
		if i > 0 && strings.HasPrefix(e.Tokenizer.Token(id), "##") {
			last := len(words) - 1
			words[last] = append(words[last], id)
			s.words[last][1] = offsets[i].End
			continue
		}
		words = append(words, []int32{id})
		s.words = append(s.words, [2]int{offsets[i].Start, offsets[i].End})
	}
	s.sequences = e.fill(words)
	return s
}

// entities groups words by their labels.
func (s sentence) entities(text string, labels []Label) []Entity {
	all := []Entity{}
	for from := 0; from < len(labels); {
		before, group := metrics.SplitLabel(labels[from].Label)
		to, sum := from+1, labels[from].Score
		for ; to < len(labels); to++ {
			prefix, next := metrics.SplitLabel(labels[to].Label)
			if next != group || prefix == "B" || prefix == "S" || before == "E" || before == "S" {
				break
			}
			sum += labels[to].Score
			before = prefix
		}
		if group != "O" {
			start, end := s.words[from][0], s.words[to-1][1]
			first := utf8.RuneCountInString(text[:start])
			all = append(all, Entity{group, sum / float64(to-from), text[start:end], first, first + utf8.RuneCountInString(text[start:end])})
		}
		from = to
	}
	return all
}
