package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kotoba-nlp/kotoba/internal/atomicfile"
)

// output collects what a command prints. A bufio.Writer keeps its first error,
// which flush reports.
type output struct{ *bufio.Writer }

func newOutput(c *cobra.Command) output {
	return output{bufio.NewWriterSize(c.OutOrStdout(), 1<<16)}
}

func (o output) flush() error {
	if err := o.Flush(); err != nil {
		return fmt.Errorf("standard output: %w; make room, or send it elsewhere", err)
	}
	return nil
}

// printJSON writes a result, which is always valid JSON, as one line.
func printJSON(w io.Writer, result any) {
	line, err := json.Marshal(result)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(w, "%s\n", line)
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
