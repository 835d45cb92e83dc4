package tensor_test

import (
	"fmt"

	"github.com/kotoba-nlp/kotoba/tensor"
)

// A parameter is made once, a tape is reset for every step. The loss here is
// -log softmax(x·Wᵀ) of class 0; its gradient by the weights is (p - q)ᵀ·x.
func Example() {
	w := tensor.New(2, 3) // two classes, three features, all zero
	tape := tensor.NewTape()

	x := tape.Input(1, 3)
	copy(x.Data, []tensor.Float{1, 2, 3})
	logits := tape.Linear(x, tensor.Linear{Weight: w})
	loss, seen := tape.CrossEntropy(logits, []int32{0}, tensor.CrossEntropy{Scale: 1})
	tape.Backward(loss)

	fmt.Printf("loss %.4f, log-probability %.4f of %d token\n", loss.Data[0], seen.LogProb, seen.Tokens)
	fmt.Printf("gradient %.1f\n", w.Gradient())
	tape.Reset() // x, logits and loss must not be used any more; w stays
	// Output:
	// loss 0.6931, log-probability -0.6931 of 1 token
	// gradient [-0.5 -1.0 -1.5 0.5 1.0 1.5]
}

// Two sentences lie one after the other, without padding. Each query attends
// to the keys of its own sentence, and with Causal to none after it.
func ExampleTape_Attention() {
	tape := tensor.NewInferenceTape()
	sentences := tensor.SegmentsOf(3, 2)
	x := tape.Input(sentences.Rows(), 2)
	clear(x.Data) // equal keys: what a query sees, it sees equally
	c := tensor.Columns{Tensor: x}
	tape.Attention(c, c, c, 2, tensor.Attention{
		Heads: 1, Queries: sentences, Keys: sentences, Causal: true,
		Record: func(sequence, head int, weights []tensor.Float) {
			fmt.Printf("sentence %d, head %d: %.2f\n", sequence, head, weights)
		},
	})
	// Output:
	// sentence 0, head 0: [1.00 0.00 0.00 0.50 0.50 0.00 0.33 0.33 0.33]
	// sentence 1, head 0: [1.00 0.00 0.50 0.50]
}

func ExampleSegmentsOf() {
	s := tensor.SegmentsOf(3, 2)
	fmt.Println(s, s.Len(), s.Rows())
	// Output: [0 3 5] 2 5
}
