// Package data reads corpora and arranges them in batches.
package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// ReadLines returns the lines of a UTF-8 text file without their ends. The file
// must not be empty.
func ReadLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	r := bufio.NewReaderSize(f, 1<<16)
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("data: %w", err)
		}
		line = trimEnd(line)
		if len(lines) == 0 {
			line = strings.TrimPrefix(line, ByteOrderMark)
		}
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("data: %s:%d: %w", path, len(lines)+1, errNotUTF8)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("data: %s is empty; want one sentence a line", path)
	}
	return lines, nil
}

// trimEnd removes a line's end, of Windows too.
func trimEnd(line string) string {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

// ReadParallel returns the lines of two files that translate each other.
func ReadParallel(source, target string) (src, tgt []string, err error) {
	if src, err = ReadLines(source); err != nil {
		return nil, nil, err
	}
	if tgt, err = ReadLines(target); err != nil {
		return nil, nil, err
	}
	if len(src) != len(tgt) {
		return nil, nil, fmt.Errorf("data: %s has %d lines and %s has %d; line n of one must translate line n of the other",
			source, len(src), target, len(tgt))
	}
	return src, tgt, nil
}
