// Tokenizer trains a unigram vocabulary on a few sentences in memory, cuts a
// sentence into its pieces, turns them into text again, and draws other ways to
// cut the same sentence.
//
// It shows that a vocabulary is trained from any sequence of strings, that
// encoding loses nothing, and what subword regularisation (Kudo 2018) feeds to
// a model. The vocabulary is a SentencePiece model: Save writes a file that
// other tools read.
//
//	go run ./examples/tokenizer
package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/kotoba-nlp/kotoba/data/builtin"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

func main() {
	if err := show(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tokenizer:", err)
		os.Exit(2)
	}
}

func show(w io.Writer) error {
	var lines []string
	pairs, _, _ := builtin.Corpus()
	for _, p := range pairs[:1000] {
		lines = append(lines, strings.Join(p.Target, " "))
	}
	o := tokenizer.DefaultTrainOptions()
	o.VocabSize, o.HardVocabLimit = 300, false
	tok, err := tokenizer.Train(slices.Values(lines), o)
	if err != nil {
		return err
	}
	const text = "the elephants were protecting this library"
	ids := tok.Encode(text)
	fmt.Fprintf(w, "%d pieces, learned from %d lines\n\n", tok.Len(), len(lines))
	fmt.Fprintf(w, "encode  %s\n", pieces(tok, ids))
	fmt.Fprintf(w, "ids     %v\n", ids)
	fmt.Fprintf(w, "decode  %s\n\n", tok.Decode(ids))
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		fmt.Fprintf(w, "sample  %s\n", pieces(tok, tok.Sample(text, tokenizer.Sampling{Alpha: 0.05}, rng)))
	}
	return nil
}

// pieces returns the surfaces of ids; ▁ stands for a space.
func pieces(tok tokenizer.Tokenizer, ids []int32) string {
	var s []string
	for _, id := range ids {
		s = append(s, tok.Token(id))
	}
	return strings.Join(s, " ")
}
