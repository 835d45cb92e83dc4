package data

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/internal/jsonerror"
)

// Labelled is a text, or a pair of texts, and what is to be said about it.
type Labelled struct {
	Text, Pair string // Pair is "" where there is none
	Label      string
	Line       int      // of the file, from 1
	Choices    []string // that may follow Text, of multiple choice; Label is the number of the right one
}

// Columns names the columns of a table that are read, "" for none: by what the table's
// first line calls them, or, in a table without such a line, by their numbers from 0.
type Columns struct{ Text, Pair, Label string }

// ReadTable reads the rows of a table by its columns: a .csv file (RFC 4180, with or without a
// header), a .jsonl file of an object a line, or else a file with tabs between columns
// and no quotes, as those of GLUE are.
func ReadTable(path string, c Columns) ([]Labelled, error) {
	return readFile(path, func(r *bufio.Reader, ending string) ([]Labelled, error) { return readTable(r, ending, c) })
}

// reader reads rows from a file whose name has the given ending, in lower case. Errors
// begin with ": ", or with ":line: ".
type reader func(r *bufio.Reader, ending string) ([]Labelled, error)

// ByteOrderMark stands at the beginning of texts that some programs write.
const ByteOrderMark = "\ufeff"

// readFile reads a file that is to have rows.
func readFile(path string, read reader) ([]Labelled, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	rows, err := parseTable(f, strings.ToLower(filepath.Ext(path)), read)
	if err != nil {
		return nil, fmt.Errorf("data: %s%w", path, err)
	}
	return rows, nil
}

// parseTable reads what is to have at least one row.
func parseTable(r io.Reader, ending string, read reader) ([]Labelled, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := b.Peek(len(ByteOrderMark)); string(mark) == ByteOrderMark {
		_, _ = b.Discard(len(mark)) // it is buffered
	}
	rows, err := read(b, ending)
	if err == nil && len(rows) == 0 {
		err = errors.New(": it has no rows; want at least one")
	}
	return rows, err
}

// readTable reads a table by the ending of its name.
func readTable(r *bufio.Reader, ending string, c Columns) ([]Labelled, error) {
	switch ending {
	case ".jsonl":
		return readObjects(r, c)
	case ".csv":
		return readRows(csvRows(r), c)
	}
	return readRows(tabRows(r), c)
}

// row is a line of a table and its number.
type row struct {
	fields []string
	line   int
}

// tabRows returns a function that reads the next row of fields with tabs between, and
// io.EOF at the end.
func tabRows(r *bufio.Reader) func() (row, error) {
	line := 0
	return func() (row, error) {
		text, err := r.ReadString('\n')
		if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
			return row{}, err
		}
		line++
		return row{strings.Split(strings.TrimRight(text, "\r\n"), "\t"), line}, nil
	}
}

func csvRows(r *bufio.Reader) func() (row, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	return func() (row, error) {
		fields, err := c.Read()
		if len(fields) == 0 {
			return row{}, err
		}
		line, _ := c.FieldPos(0)
		return row{fields, line}, err
	}
}

// filled leaves out empty lines.
func filled(next func() (row, error)) func() (row, error) {
	return func() (row, error) {
		for {
			if r, err := next(); err != nil || len(r.fields) > 1 || r.fields[0] != "" {
				return r, err
			}
		}
	}
}

// even lets no row have more fields than the first one, but for empty ones: a text would
// have been cut at a separator in it.
func even(next func() (row, error)) func() (row, error) {
	columns := 0
	return func() (row, error) {
		r, err := next()
		if err != nil {
			return r, err
		}
		if columns == 0 {
			columns = len(r.fields)
		}
		for _, field := range r.fields[min(columns, len(r.fields)):] {
			if field != "" {
				return row{}, fmt.Errorf("line %d has %d columns, and the first line %d; put texts that hold the separator in quotes, in a .csv file", r.line, len(r.fields), columns)
			}
		}
		return r, nil
	}
}

// readRows reads rows whose first one may be a header.
func readRows(next func() (row, error), c Columns) ([]Labelled, error) {
	next = even(filled(next))
	first, err := next()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf(":1: %w", err)
	}
	places, header, err := c.places(first.fields)
	if err != nil {
		return nil, err
	}
	var all []Labelled
	for r := first; ; {
		if !header {
			x, err := r.labelled(c, places)
			if err != nil {
				return nil, err
			}
			all = append(all, x)
		}
		header = false
		if r, err = next(); errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf(": %w", err)
		}
	}
}

// places returns where the columns are, -1 for none, and whether first is a header.
func (c Columns) places(first []string) (places [3]int, header bool, err error) {
	names := [3]string{c.Text, c.Pair, c.Label}
	for i, name := range names {
		places[i] = -1
		if name == "" {
			continue
		}
		if at, err := strconv.Atoi(name); err == nil && at >= 0 {
			places[i] = at
		} else if at := slices.Index(first, name); at >= 0 {
			if slices.Contains(first[at+1:], name) {
				return places, false, fmt.Errorf(":1: two columns are called %q; give one another name", name)
			}
			places[i], header = at, true
		} else {
			return places, false, fmt.Errorf(":1: there is no column %q; the first line has %.200q", name, strings.Join(first, ", "))
		}
	}
	return places, header, nil
}

var errNotUTF8 = errors.New("not valid UTF-8; convert it, for example with iconv")

// labelled picks the columns c of a row, which are at places.
func (r row) labelled(c Columns, places [3]int) (Labelled, error) {
	var picked [3]string
	names := [3]string{c.Text, c.Pair, c.Label}
	for i, at := range places {
		switch {
		case at >= len(r.fields):
			return Labelled{}, fmt.Errorf(":%d: the row ends before the column %s: it has %d, and that is number %d, counted from 0", r.line, names[i], len(r.fields), at)
		case at >= 0:
			picked[i] = r.fields[at]
		}
		if !utf8.ValidString(picked[i]) {
			return Labelled{}, fmt.Errorf(":%d: %w", r.line, errNotUTF8)
		}
	}
	return Labelled{Text: picked[0], Pair: picked[1], Label: picked[2], Line: r.line}, nil
}

// readObjects reads an object a line.
func readObjects(r *bufio.Reader, c Columns) ([]Labelled, error) {
	var all []Labelled
	next := tabRows(r)
	for {
		x, err := next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf(": %w", err)
		}
		text := strings.Join(x.fields, "\t")
		if strings.TrimSpace(text) == "" {
			continue
		}
		picked, err := c.ofObject(text)
		if err != nil {
			return nil, fmt.Errorf(":%d: %w", x.line, err)
		}
		all = append(all, Labelled{Text: picked[0], Pair: picked[1], Label: picked[2], Line: x.line})
	}
}

// ofObject picks the values of a JSON object: texts, numbers or truth values.
func (c Columns) ofObject(text string) (picked [3]string, err error) {
	if !utf8.ValidString(text) {
		return picked, errNotUTF8
	}
	var object map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return picked, fmt.Errorf("%w; want one object a line", jsonerror.Plain(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return picked, errors.New("more follows the object; want one object a line")
	}
	for i, name := range []string{c.Text, c.Pair, c.Label} {
		if name == "" {
			continue
		}
		switch v := object[name].(type) {
		case string:
			picked[i] = v
		case json.Number, bool:
			picked[i] = fmt.Sprint(v)
		case nil:
			return picked, fmt.Errorf("%q is missing; want a text, a number or a truth value", name)
		default:
			return picked, fmt.Errorf("%q is %.40q; want a text, a number or a truth value", name, fmt.Sprint(v))
		}
	}
	return picked, nil
}
