package optim_test

import (
	"fmt"

	"github.com/kotoba-nlp/kotoba/nn"
	"github.com/kotoba-nlp/kotoba/optim"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// The rate of the paper grows for 4000 steps and falls with the root of the
// step from then on.
func ExampleSchedule() {
	s := optim.Schedule{Kind: "noam", Rate: 1, Warmup: 4000, Dim: 512}
	for _, step := range []int{1, 2000, 4000, 16000, 100000} {
		fmt.Printf("%6d %.3g\n", step, s.At(step, 0))
	}
	// Output:
	//      1 1.75e-07
	//   2000 0.000349
	//   4000 0.000699
	//  16000 0.000349
	// 100000 0.00014
}

func ExampleClip() {
	fmt.Println(optim.Clip(4, 1), optim.Clip(0.5, 1))
	// Output: 0.25 1
}

// Early on Adam's steps have the size of the rate, whatever that of the
// gradient.
func ExampleAdam() {
	w := tensor.New(1, 2)
	adam := optim.NewAdam([]nn.Param{{Names: []string{"w"}, Tensor: w}}, 0.9, 0.98, 1e-9, 0)
	tape := tensor.NewTape()
	for range 3 {
		tape.Reset()
		adam.ZeroGrad()
		x := tape.Input(1, 2)
		copy(x.Data, []tensor.Float{1000, -0.001})
		tape.Backward(tape.Linear(x, tensor.Linear{Weight: w})) // the loss is w·x
		adam.Step(0.1, 1)
		fmt.Printf("%.2f\n", w.Data)
	}
	// Output:
	// [-0.10 0.10]
	// [-0.20 0.20]
	// [-0.30 0.30]
}
