package data_test

import (
	"fmt"

	"github.com/kotoba-nlp/kotoba/data"
)

// Sentences of similar length share a batch; a batch counts the tokens of the
// longer side.
func ExampleSortedBatches() {
	sentence := func(n int) data.Example { return data.Example{Source: make([]int32, n), Target: make([]int32, n-1)} }
	examples := []data.Example{sentence(2), sentence(9), sentence(3), sentence(8), sentence(4)}
	for _, batch := range data.SortedBatches(examples, 10) {
		for _, i := range batch {
			fmt.Print(" ", len(examples[i].Source))
		}
		fmt.Println()
	}
	// Output:
	//  9
	//  8
	//  4 3 2
}
