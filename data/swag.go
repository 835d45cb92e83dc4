package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// swagChoices is the number of endings of a question of SWAG.
const swagChoices = 4

// ReadSWAG reads train.csv and val.csv of SWAG, "Situations With Adversarial Generations"
// (Zellers et al. 2018), in a folder. Text is the first sentence, Choices are the second
// one with each of the four endings, and Label the number of the right one.
func ReadSWAG(dir string) (train, dev []Labelled, err error) {
	if train, err = ReadSWAGFile(filepath.Join(dir, "train.csv")); err != nil {
		return nil, nil, err
	}
	dev, err = ReadSWAGFile(filepath.Join(dir, "val.csv"))
	return train, dev, err
}

// ReadSWAGFile reads one of the files of SWAG.
func ReadSWAGFile(path string) ([]Labelled, error) { return readFile(path, readSWAG) }

// readSWAG is a reader.
func readSWAG(r *bufio.Reader, _ string) (all []Labelled, err error) {
	next := csvRows(r)
	head, err := next()
	if err != nil {
		return nil, fmt.Errorf(":1: %w", noEOF(err))
	}
	names := []string{"sent1", "sent2", "label"}
	for i := range swagChoices {
		names = append(names, fmt.Sprintf("ending%d", i))
	}
	at := make([]int, len(names))
	for i, name := range names {
		if at[i] = slices.Index(head.fields, name); at[i] < 0 {
			return nil, fmt.Errorf(":1: there is no column %q; want the header of SWAG", name)
		}
	}
	for {
		r, err := next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf(": %w", err)
		}
		if len(r.fields) <= slices.Max(at) {
			return nil, fmt.Errorf(":%d: there are %d columns; want as many as in the first line", r.line, len(r.fields))
		}
		x := Labelled{Text: r.fields[at[0]], Label: r.fields[at[2]], Line: r.line}
		if len(x.Label) != 1 || x.Label[0] < '0' || x.Label[0] >= '0'+swagChoices {
			return nil, fmt.Errorf(":%d: label %.40q; want 0 to %d", r.line, x.Label, swagChoices-1)
		}
		for _, ending := range at[3:] {
			x.Choices = append(x.Choices, r.fields[at[1]]+" "+r.fields[ending])
		}
		if !utf8.ValidString(x.Text + strings.Join(x.Choices, "")) {
			return nil, fmt.Errorf(":%d: %w", r.line, errNotUTF8)
		}
		all = append(all, x)
	}
}

// noEOF makes the end of a file where it must not be an error that says so.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
