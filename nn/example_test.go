package nn_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/kotoba-nlp/kotoba/nn"
)

// The struct of a model is the schema of its checkpoint.
func ExampleParams() {
	r := rand.New(rand.NewPCG(1, 1))
	model := struct {
		Attention nn.SelfAttention `param:"self_attn"`
		Layers    []nn.Linear      `param:"layers"`
		Norm      *nn.LayerNorm    `param:"norm"` // nil: this model has none
	}{
		Attention: nn.NewSelfAttention(8, 2, r),
		Layers:    []nn.Linear{nn.NewLinear(8, 4, 1, r)},
	}
	params := nn.Params(&model)
	for _, p := range params {
		fmt.Println(p.Tensor.Rows(), "x", p.Tensor.Cols(), p.Names)
	}
	fmt.Println(nn.Count(params), "elements")
	// Output:
	// 24 x 8 [self_attn.q_proj.weight self_attn.k_proj.weight self_attn.v_proj.weight]
	// 1 x 24 [self_attn.q_proj.bias self_attn.k_proj.bias self_attn.v_proj.bias]
	// 8 x 8 [self_attn.out_proj.weight]
	// 1 x 8 [self_attn.out_proj.bias]
	// 4 x 8 [layers.0.weight]
	// 1 x 4 [layers.0.bias]
	// 324 elements
}

// The left half of the columns holds sines, the right half cosines.
func ExampleSinusoids() {
	pe := nn.Sinusoids(3, 4)
	for pos := range pe.Rows() {
		fmt.Printf("%.2f\n", pe.Row(pos))
	}
	// Output:
	// [0.00 0.00 1.00 1.00]
	// [0.84 0.01 0.54 1.00]
	// [0.91 0.02 -0.42 1.00]
}
