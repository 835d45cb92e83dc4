package inspect_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/kotoba-nlp/kotoba/inspect"
)

func ExampleAttention_WriteHTML() {
	a := inspect.Attention{
		Source: []string{"犬", "は", "眠った"},
		Target: []string{"dog", "slept"},
		Cross:  inspect.Weights{{{{0.9, 0.1, 0}, {0.1, 0.2, 0.7}}}}, // 1 layer, 1 head
	}
	var page strings.Builder // or a file to open in a browser
	if err := a.WriteHTML(&page); err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(page.String(), "<!DOCTYPE html>"))
	// Output: true
}
