package decode_test

import (
	"fmt"
	"math"

	"github.com/kotoba-nlp/kotoba/decode"
	"github.com/kotoba-nlp/kotoba/tensor"
)

// chain is a model whose next token depends on the last one only.
type chain struct {
	next [][]float64 // probabilities
	tape *tensor.Tape
}

func (c chain) Step(tokens []int32) *tensor.Tensor {
	c.tape.Reset()
	logits := c.tape.Input(len(tokens), len(c.next))
	for row, last := range tokens {
		for id, p := range c.next[last] {
			logits.Row(row)[id] = tensor.Float(math.Log(p))
		}
	}
	return logits
}

func (c chain) Select([]int) {} // it remembers nothing

// Greedy search takes the likelier first word and cannot take it back; a beam
// of 2 finds the likelier sentence.
func ExampleRun() {
	words := []string{"<s>", "</s>", "the", "a", "dog", "cat", "bird"}
	m := chain{tape: tensor.NewInferenceTape(), next: [][]float64{
		{0, 0, .6, .4, 0, 0, 0},    // <s>: the or a
		{0, 1, 0, 0, 0, 0, 0},      // </s>
		{0, 0, 0, 0, .4, .3, .3},   // the: who knows
		{0, 0, 0, 0, .9, .05, .05}, // a: dog, surely
		{0, 1, 0, 0, 0, 0, 0},
		{0, 1, 0, 0, 0, 0, 0},
		{0, 1, 0, 0, 0, 0, 0},
	}}
	for beam := range 2 {
		o := decode.Options{Begin: 0, End: 1, Beam: beam + 1, NBest: beam + 1, Scores: true}
		results, err := decode.Run(m, decode.Limits(1, 10), o)
		if err != nil {
			panic(err)
		}
		fmt.Println("beam", o.Beam)
		for _, h := range results[0] {
			for _, id := range h.Tokens {
				fmt.Print(words[id], " ")
			}
			fmt.Printf("%.2f\n", math.Exp(h.LogProb))
		}
	}
	// Output:
	// beam 1
	// the dog 0.24
	// beam 2
	// a dog 0.36
	// the dog 0.24
}

func ExampleLengthPenalty() {
	for _, p := range []decode.LengthPenalty{{Name: "none"}, {Name: "gnmt", Alpha: 0.6}, {Name: "power", Alpha: 1}} {
		fmt.Printf("%-5s %.2f %.2f\n", p.Name, p.Of(1), p.Of(25))
	}
	// Output:
	// none  1.00 1.00
	// gnmt  1.00 2.63
	// power 1.00 25.00
}
