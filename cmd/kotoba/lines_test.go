package main

import (
	"io"
	"slices"
	"testing"
)

// TestLinesAreThereAsTheyArrive: a line is not held back by what there is of the next.
func TestLinesAreThereAsTheyArrive(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, "a\nb\nc") // a Pipe hands it over as a whole
		_, _ = io.WriteString(w, "c\n")
		_ = w.Close()
	}()
	l := newLines("pipe", r)
	for _, want := range [][]string{{"a", "b"}, {"cc"}, nil} {
		if got := l.block(10); !slices.Equal(got, want) || l.err != nil {
			t.Errorf("%q, %v; want %q", got, l.err, want)
		}
	}
}
