// Lines prints the sentences of the built-in corpus, Japanese and English, which
// hash_with_reference.py and TestWordPieceOfMiniLM read.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/kotoba-nlp/kotoba/data/builtin"
)

func main() {
	w := bufio.NewWriter(os.Stdout)
	fit, _, _ := builtin.Corpus()
	for _, p := range fit {
		fmt.Fprintln(w, strings.Join(p.Source, " "))
		fmt.Fprintln(w, strings.Join(p.Target, " "))
	}
	if err := w.Flush(); err != nil {
		os.Exit(1)
	}
}
