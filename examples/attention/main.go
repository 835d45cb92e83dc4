// Attention looks words up in a dictionary by scaled dot-product attention
// (Vaswani et al. 2017, equation 1).
//
// It shows what queries, keys and values are, and how the tape computes and
// differentiates. A dictionary maps keys to values. A lookup compares a query
// with every key and answers with the mixture of values that the softmax of the
// comparison gives: the value of the key that fits, if one fits much better
// than the others, or an average of several.
//
//	go run ./examples/attention
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/kotoba-nlp/kotoba/tensor"
)

var (
	words = []string{"dog", "cat", "car"}
	// Keys say what an entry is about: animal, machine, barks, purrs.
	keys = [][]tensor.Float{
		{1, 0, 1, 0}, // dog
		{1, 0, 0, 1}, // cat
		{0, 1, 0, 1}, // car: engines purr as well
	}
	// Values are what a lookup returns: legs, wheels.
	values = [][]tensor.Float{{4, 0}, {4, 0}, {0, 4}}

	questions = []string{"something that barks", "an animal", "something that purrs", "an animal that purrs"}
	queries   = [][]tensor.Float{{0, 0, 1, 0}, {1, 0, 0, 0}, {0, 0, 0, 1}, {1, 0, 0, 1}}
)

// dim is the number of columns of queries, keys and values. Values use two.
const dim = 4

// sharpness is the length of queries: the longer, the more the best key wins.
const sharpness = 8

func main() { show(os.Stdout) }

func show(w io.Writer) {
	tape := tensor.NewTape()
	fmt.Fprintf(w, "%-22s %6s %6s %6s   %5s %6s\n", "softmax(q·Kᵀ/√d)", words[0], words[1], words[2], "legs", "wheels")
	q := matrix(queries, sharpness) // (queries, 4)
	answers, weights := lookUp(tape, q)
	for i, question := range questions {
		p, y := weights[i*len(keys):], answers.Row(i)
		fmt.Fprintf(w, "%-22s %6.3f %6.3f %6.3f   %5.2f %6.2f\n", question, p[0], p[1], p[2], y[0], y[1])
	}

	// A lookup is smooth, so it can be learned: the tape says how to change a
	// query to get more wheels.
	tape.Reset()
	q = matrix(queries[2:3], sharpness) // something that purrs
	answers, _ = lookUp(tape, q)
	second := matrix([][]tensor.Float{{0, 1, 0, 0}}, 1)           // picks the second column
	wheels := tape.Linear(answers, tensor.Linear{Weight: second}) // (1, 1)
	tape.Backward(wheels)
	g := q.Gradient()
	fmt.Fprintf(w, "\nd wheels / d %q: animal %+.2f, machine %+.2f, barks %+.2f, purrs %+.2f\n", questions[2], g[0], g[1], g[2], g[3])
}

// lookUp returns softmax(q·Kᵀ/√d)·V, (queries, 4), and the softmax, a row a
// query.
func lookUp(tape *tensor.Tape, q *tensor.Tensor) (answers *tensor.Tensor, weights []tensor.Float) {
	k, v := matrix(keys, 1), matrix(values, 1) // (keys, 4)
	answers = tape.Attention(
		tensor.Columns{Tensor: q}, tensor.Columns{Tensor: k}, tensor.Columns{Tensor: v}, dim,
		tensor.Attention{
			Heads:   1,
			Queries: tensor.SegmentsOf(q.Rows()), // one sequence of queries
			Keys:    tensor.SegmentsOf(k.Rows()), // looks at one sequence of keys
			Record:  func(_, _ int, w []tensor.Float) { weights = append(weights, w...) },
		})
	return answers, weights
}

// matrix returns rows times scale as a parameter, which takes a gradient.
func matrix(rows [][]tensor.Float, scale tensor.Float) *tensor.Tensor {
	m := tensor.New(len(rows), dim)
	for i, row := range rows {
		for j, x := range row {
			m.Row(i)[j] = scale * x
		}
	}
	return m
}
