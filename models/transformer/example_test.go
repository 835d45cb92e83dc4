package transformer_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/models/transformer"
	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// A model learns to turn sequences round: forward pass, backward pass and Adam
// by hand, then greedy search.
func Example() {
	const begin, end = 0, 1
	config := transformer.Config{
		Vocab: 8, Dim: 16, Heads: 2, FFN: 32, EncoderLayers: 1, DecoderLayers: 1, MaxLength: 8, Start: begin,
	}
	m, err := transformer.New(config, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		panic(err)
	}
	// The decoder reads Input and is to put out Output, one place earlier.
	b := nn.Batch{
		Source: nn.NewSequences([]int32{2, 3, 4, end}, []int32{5, 6, end}, []int32{7, 2, 5, end}),
		Input:  nn.NewSequences([]int32{begin, 4, 3, 2}, []int32{begin, 6, 5}, []int32{begin, 5, 2, 7}),
		Output: []int32{4, 3, 2, end, 6, 5, end, 5, 2, 7, end},
	}
	adam := optim.NewAdam(nn.Params(m), 0.9, 0.98, 1e-9, 0)
	tape := tensor.NewTape()
	for range 60 {
		tape.Reset()
		adam.ZeroGrad()
		loss, _ := m.Loss(transformer.Pass{Tape: tape}, b, tensor.CrossEntropy{Scale: 1 / float64(len(b.Output))})
		tape.Backward(loss)
		adam.Step(1e-2, optim.Clip(adam.GradNorm(), 1))
	}

	o := decode.Options{Begin: begin, End: end, Beam: 1, NBest: 1}
	results, err := decode.Run(m.NewDecoder(b.Source), decode.Limits(3, 8), o)
	if err != nil {
		panic(err)
	}
	for _, r := range results {
		fmt.Println(r[0].Tokens)
	}
	// Output:
	// [4 3 2]
	// [6 5]
	// [5 2 7]
}

// Record is called with the weights of each head: here those from three target
// tokens to four source tokens.
func ExamplePass() {
	config := transformer.Config{Vocab: 8, Dim: 16, Heads: 2, FFN: 32, EncoderLayers: 1, DecoderLayers: 1, MaxLength: 8}
	m, err := transformer.New(config, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		panic(err)
	}
	p := transformer.Pass{Tape: tensor.NewInferenceTape()}
	p.Record = func(kind transformer.AttentionKind, layer, sequence, head int, weights []tensor.Float) {
		if kind == transformer.DecoderSource {
			fmt.Println("layer", layer, "sequence", sequence, "head", head, "weights", len(weights))
		}
	}
	source, target := nn.NewSequences([]int32{2, 3, 4, 1}), nn.NewSequences([]int32{0, 4, 3})
	logits := m.Decode(p, m.Encode(p, source), source.Segments, target)
	fmt.Println(logits.Rows(), "x", logits.Cols())
	// Output:
	// layer 0 sequence 0 head 0 weights 12
	// layer 0 sequence 0 head 1 weights 12
	// 3 x 8
}
