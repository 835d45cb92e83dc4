package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/pipeline"
)

// texts are what an encoder is given: arguments of the command line, or the lines of
// stdin, which are read as they are needed.
type texts struct {
	*pipeline.Encoder
	dir     string // of the encoder
	command *cobra.Command
	given   []string
	in      *lines // nil where they are given
	n       int    // those read so far
	cut     remark
	longest int // tokens of a text that was cut
}

// textsAtOnce is how many texts are computed together at most: enough of each length for
// full batches.
const textsAtOnce = 1024

// openTexts opens the folder of an encoder, the first of args, for the texts that
// follow, or the lines of stdin where there are none.
func openTexts(c *cobra.Command, args []string) (*texts, error) {
	e, dir, err := openEncoder(args[0])
	if err != nil {
		return nil, err
	}
	t := &texts{Encoder: e, dir: dir, command: c, given: args[1:]}
	if len(t.given) == 0 {
		t.in = newLines("stdin", c.InOrStdin())
	}
	for i, text := range t.given {
		if err := checkUTF8(text); err != nil {
			return nil, fmt.Errorf("text %d: %w", i+1, err)
		}
	}
	return t, nil
}

// each calls f with at most so many texts at a time, and writes what it has printed
// before it waits for more. What came before an error is not lost. Where there are no texts
// at all f is called with none, to say what is wrong with the model or the options.
func (t *texts) each(most int, w output, f func(some []string) error) error {
	for {
		some, err := t.next(most)
		if len(some) > 0 || t.n == 0 {
			err = cmp.Or(f(some), err)
			t.n += len(some)
		}
		if err = cmp.Or(w.flush(), err); err != nil {
			return err
		}
		if len(some) == 0 {
			t.cut.print(t.command, fmt.Sprintf("longer than the %d tokens that are read; their ends are left out", t.longest))
			return nil
		}
	}
}

// next returns the texts that are there, at most so many, and none at the end.
func (t *texts) next(most int) (some []string, err error) {
	if t.in == nil {
		n := min(most, len(t.given))
		some, t.given = t.given[:n], t.given[n:]
		return some, nil
	}
	return t.in.block(most), t.in.err
}

// inputs returns sequences of texts, or of two texts each where between stands.
func (t *texts) inputs(some []string, between string) []pipeline.Input {
	return t.sequences(some, func(text string) pipeline.Input {
		first, second := text, ""
		if at := strings.LastIndex(text, between); at >= 0 && between != "" {
			first, second = text[:at], text[at+len(between):]
		}
		if second != "" {
			return t.Pair(first, second)
		}
		return t.Text(first)
	})
}

// sequences returns what is made of each text, and notes which are too long.
func (t *texts) sequences(some []string, sequence func(text string) pipeline.Input) []pipeline.Input {
	all := make([]pipeline.Input, len(some))
	for i, text := range some {
		all[i] = sequence(text)
		cut := all[i].Cut > 0
		t.cut.note(t.n+i, cut)
		if cut {
			t.longest = len(all[i].IDs)
		}
	}
	return all
}

// remark is what is to be said of some of the texts.
type remark struct{ n, first int }

// note says whether the remark is for text i.
func (r *remark) note(i int, is bool) {
	if !is {
		return
	}
	if r.n == 0 {
		r.first = i + 1
	}
	r.n++
}

// print says the remark where there are texts that it is for.
func (r remark) print(c *cobra.Command, what string) {
	if r.n > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "%d texts, number %d the first, are %s\n", r.n, r.first, what)
	}
}
