package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
)

// output collects what a command prints. Its first error, of a bufio.Writer or of a
// result that JSON cannot say, is what flush reports.
type output struct {
	*bufio.Writer
	unsaid *error
}

func newOutput(c *cobra.Command) output { return outputTo(c.OutOrStdout()) }

func outputTo(w io.Writer) output { return output{bufio.NewWriterSize(w, 1<<16), new(error)} }

func (o output) flush() error {
	err := o.Flush()
	if err != nil {
		err = fmt.Errorf("standard output: %w; make room, or send it elsewhere", err)
	}
	return errors.Join(err, *o.unsaid)
}

// json writes a result as one line.
func (o output) json(result any) {
	if o.part(result) {
		fmt.Fprintln(o)
	}
}

// finite notes a result that is no number.
func (o output) finite(x float64) { *o.unsaid = cmp.Or(*o.unsaid, number(x)) }

// number says that a result is none: a damaged model has none worth printing.
func number(x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return noNumber(x)
	}
	return nil
}

func noNumber(what any) error {
	return fmt.Errorf("a result is no number (%v); the model is damaged, or it diverged in training", what)
}

// part writes a result, or a part of one, without the end of its line.
func (o output) part(result any) bool {
	text, err := json.Marshal(result)
	if err != nil {
		*o.unsaid = cmp.Or(*o.unsaid, noNumber(err))
		return false
	}
	_, err = o.Write(text)
	return err == nil
}

// checkNew says what keeps a command from putting a file at path: a folder
// that is not there, or a file that is and may be replaced by force only.
func checkNew(path string, force bool) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file; name another", path)
	case err == nil && !force:
		return fmt.Errorf("%s exists; name another file, or replace it with --force", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if info, err = os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w; make the folder first", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder; name another file", filepath.Dir(path))
	}
	return nil
}

// writeNew puts a file at path, whole or not at all.
func writeNew(path string, force bool, write func(io.Writer) error) error {
	if err := checkNew(path, force); err != nil {
		return err
	}
	if err := atomicfile.Write(path, write); err != nil {
		return fmt.Errorf("%s: %w; nothing was written, make room or name another file", path, err)
	}
	return nil
}

// showHelp runs a command that only groups others; with cobra.NoArgs it refuses
// names that are none of theirs.
func showHelp(c *cobra.Command, _ []string) error { return c.Help() }
