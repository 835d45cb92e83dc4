package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/data"
)

// stdinPath is what stands for standard input where a file is asked for.
const stdinPath = "-"

// stdinOnce refuses files more than one of which are stdin.
func stdinOnce(paths ...string) error {
	n := 0
	for _, path := range paths {
		if path == stdinPath {
			n++
		}
	}
	if n > 1 {
		return fmt.Errorf("%d files are -; stdin can be only one of them", n)
	}
	return nil
}

// lines reads text line by line, lines of any length, and knows where it is.
type lines struct {
	name   string // of the file, for people
	number int    // of the line in text, from 1
	text   string // without the line break
	raw    bool   // bytes as they are, UTF-8 or not
	err    error
	in     *bufio.Reader
	file   io.Closer
}

// openLines opens a file, or stdin for "-". An empty one is an error.
func openLines(path string, stdin io.Reader) (*lines, error) {
	l := newLines("stdin", stdin)
	if path != stdinPath {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("%w; expected a text file", err)
		}
		l = newLines(path, f)
		l.file = f
	}
	if _, err := l.in.Peek(1); err != nil {
		l.close()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s is empty; expected lines of text", l.name)
		}
		return nil, fmt.Errorf("%w; expected a text file", err)
	}
	return l, nil
}

func newLines(name string, r io.Reader) *lines {
	return &lines{name: name, in: bufio.NewReaderSize(r, 1<<16)}
}

// next reads a line; at the end of the text, or after an error, which err
// then holds, it returns false.
func (l *lines) next() bool {
	text, err := l.in.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && text == "":
		return false
	case err != nil && !errors.Is(err, io.EOF):
		l.err = fmt.Errorf("%s: after line %d: %w; expected a text file", l.name, l.number, err)
		return false
	}
	l.number++
	l.text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if l.raw {
		return true
	}
	if l.number == 1 {
		l.text = strings.TrimPrefix(l.text, data.ByteOrderMark)
	}
	if err := checkUTF8(l.text); err != nil {
		l.err = l.errorf("%v", err)
		return false
	}
	return true
}

// checkUTF8 says whether a text is one.
func checkUTF8(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("not valid UTF-8; convert it, for example with iconv")
	}
	return nil
}

// block returns the lines that are there, at most so many; it waits for one where there
// are none. No lines are the end, or an error, which err holds; it may come after lines, too.
func (l *lines) block(most int) (some []string) {
	for len(some) < most && l.next() {
		if some = append(some, l.text); l.waits() {
			break
		}
	}
	return some
}

// waits reports whether the next line may not have arrived yet, or not all of it.
func (l *lines) waits() bool {
	there, _ := l.in.Peek(l.in.Buffered()) // no more than there is
	return !bytes.Contains(there, []byte{'\n'})
}

// errorf returns an error about the current line.
func (l *lines) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", l.name, l.number, fmt.Sprintf(format, args...))
}

func (l *lines) close() {
	if l.file != nil {
		_ = l.file.Close() // opened for reading only
	}
}
