package tokenizer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// wordPieceCorpora are the files that TestWordPieceReference encodes, by
// language.
var wordPieceCorpora = map[string][]string{
	"en": {"multi30k/train.en", "enja/train.en"},
	"de": {"multi30k/train.de", "xquad/xquad.de.json"},
	"ja": {"enja/train.ja", "jaquad/jaquad_dev_0000.json", "jaquad/jaquad_train_0000.json"},
}

func referencePython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("KOTOBA_PYTHON")
	if python == "" {
		t.Skip("needs a Python with tokenizers and transformers, named by $KOTOBA_PYTHON")
	}
	return python
}

// TestWordPieceReference compares ids and offsets of three languages with the
// reference's, with the vocabulary of a folder of Hugging Face.
func TestWordPieceReference(t *testing.T) {
	python := referencePython(t)
	dir := os.Getenv("KOTOBA_WORDPIECE")
	if dir == "" {
		t.Skip("needs a folder with a tokenizer.json of BERT, as of all-MiniLM-L6-v2, named by $KOTOBA_WORDPIECE")
	}
	w, err := LoadWordPiece(dir)
	if err != nil {
		t.Fatal(err)
	}
	data := dataDir(t)
	for language, files := range wordPieceCorpora {
		t.Run(language, func(t *testing.T) {
			var lines []string
			for _, file := range files {
				lines = append(lines, corpusLines(t, data, file)...)
			}
			if len(lines) < 10000 {
				t.Errorf("there are %d lines; expected 10,000 and more", len(lines))
			}
			compareWithReference(t, w, python, dir, lines)
		})
	}
}

// TestWordPieceReferenceReadsSaved has the reference open what SaveFolder
// writes.
func TestWordPieceReferenceReadsSaved(t *testing.T) {
	python := referencePython(t)
	g := loadWordPieceGolden(t)
	for n, v := range g.Variants {
		t.Run(v.name(), func(t *testing.T) {
			w := g.tokenizer(t, n)
			dir := t.TempDir()
			if err := w.SaveFolder(dir, 0); err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, h := range g.Hard {
				if utf8.Valid(h) {
					lines = append(lines, string(h))
				}
			}
			compareWithReference(t, w, python, dir, lines)
		})
	}
}

// corpusLines returns the lines of a text, or the strings of a JSON file of
// questions about paragraphs.
func corpusLines(t *testing.T, dir, name string) []string {
	t.Helper()
	lines := readLines(t, dir, name)
	if filepath.Ext(name) != ".json" {
		return lines
	}
	var root any
	if err := json.Unmarshal([]byte(strings.Join(lines, "\n")), &root); err != nil {
		t.Fatal(err)
	}
	lines = nil
	var walk func(x any)
	walk = func(x any) {
		switch x := x.(type) {
		case string:
			lines = append(lines, x)
		case []any:
			for _, y := range x {
				walk(y)
			}
		case map[string]any:
			for _, y := range x {
				walk(y)
			}
		}
	}
	walk(root)
	slices.Sort(lines)
	return slices.Compact(lines)
}

func compareWithReference(t *testing.T, w *WordPiece, python, dir string, lines []string) {
	t.Helper()
	var in bytes.Buffer
	for _, s := range lines {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(s)) + "\n")
	}
	cmd := exec.Command(python, filepath.Join("testdata", "wordpiece_with_reference.py"), dir)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(want) != len(lines) {
		t.Fatalf("the reference encoded %d strings of %d", len(want), len(lines))
	}
	wrong, pieces := 0, 0
	for i, line := range lines {
		ids, offsets := w.EncodeWithOffsets(line)
		got := formatIDs(ids)
		for _, n := range flatten(offsets) {
			got = strconv.AppendInt(append(got, ' '), int64(n), 10)
		}
		if pieces += len(ids); string(got) != want[i] {
			if wrong++; wrong <= 5 {
				t.Errorf("%.80q: %.200s; the reference gives %.200s", line, got, want[i])
			}
		}
	}
	t.Logf("%d of %d lines of %d pieces differ", wrong, len(lines), pieces)
}
