// Translate opens a run folder, or a Marian model of Hugging Face's layout, and
// translates standard input, a sentence a line.
//
// It shows the three calls that use of a trained model takes: open the folder,
// make a system of it, translate lines. The search is the one that the run's
// configuration names.
//
//	go run ./cmd/kotoba demo --dir demo
//	echo "鍵 を 運ん だ 少女 たち は 親切 でし た 。" | go run ./examples/translate demo
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/kotoba-nlp/kotoba/train"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: translate RUN < in > out")
		os.Exit(2)
	}
	if err := translate(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "translate:", err)
		os.Exit(2)
	}
}

func translate(dir string, in io.Reader, out io.Writer) error {
	model, err := train.Open(dir)
	if err != nil {
		return err
	}
	var lines []string
	s := bufio.NewScanner(in)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	if s.Err() != nil {
		return s.Err()
	}
	// All lines at once: sentences of similar length share a batch.
	results, err := model.System().Translate(lines, model.Config.Decoding.Options())
	if err != nil {
		return err
	}
	for _, best := range results {
		if _, err := fmt.Fprintln(out, best[0].Text); err != nil {
			return err
		}
	}
	return nil
}
