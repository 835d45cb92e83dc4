package inspect

import (
	"slices"

	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/tensor"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// AttentionOf returns the attention of a Transformer that reads source and puts
// out target, which begins with the id begin, both without their end symbols, which are
// added.
func AttentionOf(m *transformer.Model, begin int32, from, to tokenizer.Tokenizer, source, target []int32) Attention {
	src := append(slices.Clip(source), from.Special().End)
	out := append(slices.Clip(target), to.Special().End)
	in := append([]int32{begin}, target...)

	a := Attention{Source: surfaces(from, src), Target: surfaces(to, out), Ended: true, Input: surfaces(to, in)}
	a.Encoder = make(Weights, m.EncoderLayers)
	a.Decoder, a.Cross = make(Weights, m.DecoderLayers), make(Weights, m.DecoderLayers)
	kinds := map[transformer.AttentionKind]struct {
		to   Weights
		keys int
	}{
		transformer.EncoderSelf:   {a.Encoder, len(src)},
		transformer.DecoderSelf:   {a.Decoder, len(in)},
		transformer.DecoderSource: {a.Cross, len(src)},
	}
	p := transformer.Pass{Tape: tensor.NewInferenceTape()}
	p.Record = func(kind transformer.AttentionKind, layer, _, _ int, weights []tensor.Float) {
		k := kinds[kind]
		k.to[layer] = append(k.to[layer], rows(weights, k.keys))
	}
	s := nn.NewSequences(src)
	m.Decode(p, m.Encode(p, s), s.Segments, nn.NewSequences(in))
	return a
}

// surfaces returns the tokens of ids for people.
func surfaces(tok tokenizer.Tokenizer, ids []int32) []string {
	var s []string
	for _, id := range ids {
		s = append(s, tok.Token(id))
	}
	return s
}

// rows cuts a matrix into rows of n columns.
func rows(weights []tensor.Float, n int) [][]float32 {
	var out [][]float32
	for i := 0; i < len(weights); i += n {
		row := make([]float32, n)
		for j, w := range weights[i : i+n] {
			row[j] = float32(w)
		}
		out = append(out, row)
	}
	return out
}
