package inspect

import (
	"slices"

	"github.com/kotoba-nlp/kotoba/models/seq2seq"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// AttentionOfSeq2Seq returns the attention of an encoder-decoder of recurrent layers that
// reads source and puts out target, both without their end symbols, which are added.
func AttentionOfSeq2Seq(m *seq2seq.Model, from, to tokenizer.Tokenizer, source, target []int32) Attention {
	src := append(slices.Clip(source), from.Special().End)
	out := append(slices.Clip(target), to.Special().End)
	in := append([]int32{int32(m.Start)}, target...)
	a := Attention{Source: surfaces(from, src), Target: surfaces(to, out), Ended: true, Input: surfaces(to, in)}
	var head [][]float32
	p := seq2seq.Pass{Tape: tensor.NewInferenceTape()}
	p.Record = func(_, _, first int, weights []tensor.Float) {
		row := make([]float32, len(src)) // what is outside a window has no weight
		for j, w := range weights {
			row[first+j] = float32(w)
		}
		head = append(head, row)
	}
	m.Forward(p, nn.Batch{Source: nn.NewSequences(src), Input: nn.NewSequences(in), Output: out})
	a.Cross = Weights{{head}}
	return a
}
