package pipeline

import (
	"errors"
	"fmt"
	"sort"

	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// WindowOptions say how a context is cut into windows that overlap, where it is too long
// for one. Zero values are those of the paper's code, run_squad.py.
type WindowOptions struct {
	MaxLength   int // longest window, in tokens, [CLS] and both [SEP] among them; 0: 384, or fewer where the model takes fewer
	Stride      int // tokens from where a window begins to where the next one does (doc_stride; not the stride of Hugging Face's tokenizers, which is what windows share); 0: 128
	MaxQuestion int // tokens that a question is cut at; 0: 64
}

// filled returns options without zeros for a model.
func (o WindowOptions) filled(longest int) (WindowOptions, error) {
	for _, f := range []struct {
		name  string
		value *int
		zero  int
	}{
		{"the longest window", &o.MaxLength, min(384, longest)}, {"the stride of windows", &o.Stride, 128}, {"the longest question", &o.MaxQuestion, 64},
	} {
		if *f.value == 0 {
			*f.value = f.zero
		}
		if *f.value < 1 {
			return o, fmt.Errorf("pipeline: %s is %d tokens; want at least 1", f.name, *f.value)
		}
	}
	if o.MaxLength > longest {
		return o, fmt.Errorf("pipeline: the longest window is %d tokens and the model takes %d; want no more", o.MaxLength, longest)
	}
	return o, nil
}

// Window is a question and a part of its context, as the encoder reads it: [CLS] question
// [SEP] part [SEP]. Cut is how many tokens of the question were left out.
type Window struct {
	Input
	Tokens   []tokenizer.Offset // of the whole context: which of its bytes each token is of
	From, To int                // the window has Tokens[From:To]
	First    int                // where they begin in the sequence
	// Central says of each of them whether this window has the most context on both sides
	// of it, so that answers that begin there are taken from this one.
	Central []bool
}

// QuestionCut returns how many tokens of a question Windows leaves out.
func (e *Encoder) QuestionCut(question string, o WindowOptions) int {
	o, err := o.filled(e.MaxLength)
	if err != nil {
		return 0 // Windows says it
	}
	return max(len(e.Tokenizer.Encode(question))-o.MaxQuestion, 0)
}

// ErrBlank is the error of a question or a context that has no token.
var ErrBlank = errors.New("pipeline: the question or its context is empty; want texts")

// Windows cuts a context into windows. Where it or the question is empty the error is
// [ErrBlank].
func (e *Encoder) Windows(question, context string, o WindowOptions) ([]Window, error) {
	o, err := o.filled(e.MaxLength)
	if err != nil {
		return nil, err
	}
	special, ids := e.Tokenizer.Special(), e.Tokenizer.Encode(question)
	cut := max(len(ids)-o.MaxQuestion, 0)
	ids = ids[:len(ids)-cut]
	room := o.MaxLength - len(ids) - 3
	if room < 1 {
		return nil, fmt.Errorf("pipeline: the question has %d tokens, which leaves none of a window of %d to the context; shorten it, or cut questions at fewer tokens than %d", len(ids), o.MaxLength, o.MaxQuestion)
	}
	text, offsets := e.Tokenizer.EncodeWithOffsets(context)
	if len(text) == 0 || len(ids) == 0 {
		return nil, ErrBlank
	}
	parts := cutParts(len(text), room, o.Stride)
	central := centralParts(len(text), parts)
	var windows []Window
	for i, p := range parts {
		all := make([]int32, 0, len(ids)+p[1]-p[0]+3)
		all = append(append(append(all, special.Begin), ids...), special.End)
		w := Window{Tokens: offsets, From: p[0], To: p[1], First: len(all), Central: make([]bool, p[1]-p[0])}
		for t := range w.Central {
			w.Central[t] = central[p[0]+t] == i
		}
		w.Input = Input{IDs: append(append(all, text[p[0]:p[1]]...), special.End), Second: e.second(p[1] - p[0] + 1), Cut: cut}
		windows = append(windows, w)
	}
	return windows, nil
}

// Span returns the places of the first and the last token of an answer, bytes start to end
// of the context, in the window's sequence: what a model is trained to find. Where not all
// of its tokens are in the window they are 0, the place of [CLS], which stands for no
// answer (section 4.3). A token that is in the answer by a part is one of its tokens.
func (w Window) Span(start, end int) (first, last int) {
	from := sort.Search(len(w.Tokens), func(t int) bool { return w.Tokens[t].End > start })
	to := sort.Search(len(w.Tokens), func(t int) bool { return w.Tokens[t].Start >= end })
	if from >= to || from < w.From || to > w.To {
		return 0, 0
	}
	return w.First + from - w.From, w.First + to - 1 - w.From
}

// cutParts returns the first token and the one after the last of each part of a context,
// with up to room tokens, stride tokens on from each other (convert_examples_to_features
// of run_squad.py).
func cutParts(tokens, room, stride int) (parts [][2]int) {
	for from := 0; from < tokens; from += min(room, stride) {
		to := min(from+room, tokens)
		parts = append(parts, [2]int{from, to})
		if to == tokens {
			break
		}
	}
	return parts
}

// centralParts returns for each token of a context the part in which it has the most
// context, min(left, right) + 0.01·length, the first of equal ones (_check_is_max_context
// of run_squad.py).
func centralParts(tokens int, parts [][2]int) []int {
	central, most := make([]int, tokens), make([]float64, tokens)
	for i, p := range parts {
		for t := p[0]; t < p[1]; t++ {
			left, right := t-p[0], p[1]-1-t
			// The inner conversion keeps the product from being fused with the sum.
			if score := float64(min(left, right)) + float64(0.01*float64(p[1]-p[0])); score > most[t] {
				central[t], most[t] = i, score
			}
		}
	}
	return central
}
