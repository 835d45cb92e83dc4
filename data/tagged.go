package data

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Tagged is a sentence in words with a label for each.
type Tagged struct {
	Words, Labels []string
	Line          int // of the file, from 1, of the first word
}

// TaggedColumns are the numbers of the columns of words and of labels, from 1, or from the
// last one backwards: -1 is the last. 0 is the usual one: in files of CoNLL-U the second and
// the fourth (UPOS), elsewhere the first and the last.
type TaggedColumns struct{ Word, Label int }

// conllu is the ending of a file of CoNLL-U.
const conllu = ".conllu"

// mostWords bounds a sentence: a file of longer ones has no empty lines between them, as
// tables of labelled texts have none.
const mostWords = 10_000

// ReadTagged reads sentences of a file with a word a line, columns apart by tabs or, in a line
// without any, by spaces, as many in each, and an empty line after each sentence, as those of the shared tasks of CoNLL are. Lines of
// -DOCSTART- are left out, and in files of CoNLL-U, whose names end in .conllu, comments,
// words of several tokens and empty nodes.
func ReadTagged(path string, c TaggedColumns) ([]Tagged, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	all, err := readTagged(bufio.NewScanner(f), strings.EqualFold(filepath.Ext(path), conllu), c)
	if err != nil {
		return nil, fmt.Errorf("data: %s%w", path, err)
	}
	return all, nil
}

// readTagged reads sentences. Errors begin with ":line: ", or ": ".
func readTagged(lines *bufio.Scanner, isCoNLLU bool, c TaggedColumns) (all []Tagged, err error) {
	open := false // whether the last sentence may go on
	n, width, first := 0, 0, 0
	for lines.Scan() {
		n++
		text := lines.Text()
		if n == 1 {
			text = strings.TrimPrefix(text, ByteOrderMark)
		}
		switch {
		case !utf8.ValidString(text):
			return nil, fmt.Errorf(":%d: %w", n, errNotUTF8)
		case strings.TrimSpace(text) == "":
			open = false
			continue
		case strings.HasPrefix(text, "-DOCSTART-"), isCoNLLU && strings.HasPrefix(text, "#"):
			continue
		}
		columns := columnsOf(text, isCoNLLU)
		if columns == nil {
			continue
		}
		if first == 0 {
			width, first = len(columns), n
		}
		word, label, err := tagged(columns, isCoNLLU, c)
		switch {
		case err != nil:
			return nil, fmt.Errorf(":%d: %w", n, err)
		case len(columns) != width:
			return nil, fmt.Errorf(":%d: there are %d columns, and %d in line %d; want as many in each line, and none of them empty", n, len(columns), width, first)
		case !open:
			all, open = append(all, Tagged{Line: n}), true
		}
		s := &all[len(all)-1]
		if len(s.Words) == mostWords {
			return nil, fmt.Errorf(":%d: the sentence that begins here has more than %d words; want a word a line, and an empty line after each sentence", s.Line, mostWords)
		}
		s.Words, s.Labels = append(s.Words, word), append(s.Labels, label)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf(":%d: %w; want a word a line", n+1, err)
	}
	if len(all) == 0 {
		return nil, errors.New(": there are no words; want one a line, with its label")
	}
	return all, nil
}

// tagged returns word and label of a line's columns.
func tagged(columns []string, isCoNLLU bool, c TaggedColumns) (word, label string, err error) {
	wordAt, labelAt := 1, -1
	if isCoNLLU {
		wordAt, labelAt = 2, 4
	}
	if c.Word != 0 {
		wordAt = c.Word
	}
	if c.Label != 0 {
		labelAt = c.Label
	}
	if word, err = column(columns, wordAt); err != nil {
		return "", "", err
	}
	if label, err = column(columns, labelAt); err != nil {
		return "", "", err
	}
	if len(columns) == 1 {
		return "", "", errors.New("there is one column only; want a word and its label")
	}
	return word, label, nil
}

// columnsOf cuts a line at tabs, between which words may have spaces, or without any at spaces.
// Of CoNLL-U it returns nil where the line is no word.
func columnsOf(line string, isCoNLLU bool) (columns []string) {
	if isCoNLLU {
		columns = strings.Split(line, "\t")
		if strings.ContainsAny(columns[0], "-.") {
			return nil
		}
		return columns
	}
	line, between := strings.Trim(line, "\t "), " "
	if strings.Contains(line, "\t") {
		between = "\t"
	}
	for column := range strings.SplitSeq(line, between) {
		if column = strings.Trim(column, " "); column != "" {
			columns = append(columns, column)
		}
	}
	return columns
}

// column returns the column of a number from 1, or from -1 backwards.
func column(columns []string, number int) (string, error) {
	at := number - 1
	if number < 0 {
		at = len(columns) + number
	}
	if at < 0 || at >= len(columns) {
		return "", fmt.Errorf("there is no column %d among %d; want a word and its label", number, len(columns))
	}
	return columns[at], nil
}

// CheckTagged says which label of sentences is not among labels.
func CheckTagged(path string, all []Tagged, labels []string) error {
	known := map[string]bool{}
	for _, l := range labels {
		known[l] = true
	}
	for _, s := range all {
		for i, l := range s.Labels {
			if !known[l] {
				return fmt.Errorf("data: %s: the sentence at line %d has the label %q, at %q; want one of those for training: %s",
					path, s.Line, l, s.Words[i], strings.Join(labels, ", "))
			}
		}
	}
	return nil
}
