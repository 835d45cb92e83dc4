package tokenizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kotoba-nlp/kotoba/data/builtin"
)

// wordPieceCorpora are texts of three languages and the built-in corpus, and the SHA-256 of what
// testdata/wordpiece_with_reference.py prints about their lines with the tokenizer of
// all-MiniLM-L6-v2: TestWordPieceReference finds it.
var wordPieceCorpora = []struct {
	name, digest string
	files        []string
}{
	{"built-in", "26e46c4dfa66a4410bf463fae548c88bb31635c459cacefff44deb94e607bc5d", nil},
	{"en", "93da34eefa73cab71bb300125c03f8efb2383fef9408d80d2a5e4f48fefd3eda", []string{"multi30k/train.en", "enja/train.en"}},
	{"de", "2e9491a0398b21abc61aab3bd9832051d7195b493b846e87879034ce41653ee8", []string{"multi30k/train.de", "xquad/xquad.de.json"}},
	{"ja", "92946a9d5db88cef852344f8e29cd0338fffe39bb288e1902cd76829b04e048f", []string{"enja/train.ja", "jaquad/jaquad_dev_0000.json", "jaquad/jaquad_train_0000.json"}},
}

func referencePython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("KOTOBA_PYTHON")
	if python == "" {
		t.Skip("needs a Python with tokenizers and transformers, named by $KOTOBA_PYTHON")
	}
	return python
}

// loadMiniLM returns the tokenizer of all-MiniLM-L6-v2, and its folder.
func loadMiniLM(t testing.TB) (*WordPiece, string) {
	t.Helper()
	dir := os.Getenv("KOTOBA_WEIGHTS")
	if dir == "" {
		t.Skip("KOTOBA_WEIGHTS is not set; fill a folder with models/bert/testdata/fetch_weights.sh and name it there")
	}
	dir = filepath.Join(dir, "minilm")
	w, err := LoadWordPiece(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w, dir
}

// forCorpora calls f with the lines of each corpus.
func forCorpora(t *testing.T, f func(t *testing.T, lines []string, digest string)) {
	for _, c := range wordPieceCorpora {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			if c.files == nil {
				lines = builtinLines()
			}
			for _, file := range c.files {
				lines = append(lines, corpusLines(t, dataDir(t), file)...)
			}
			if len(lines) < 10000 {
				t.Errorf("there are %d lines; expected 10,000 and more", len(lines))
			}
			f(t, lines, c.digest)
		})
	}
}

// builtinLines are the sentences of the built-in corpus, Japanese and English.
func builtinLines() (lines []string) {
	fit, _, _ := builtin.Corpus()
	for _, p := range fit {
		lines = append(lines, strings.Join(p.Source, " "), strings.Join(p.Target, " "))
	}
	return lines
}

// TestWordPieceReference compares ids and offsets of three languages with the
// reference's, with a published vocabulary.
func TestWordPieceReference(t *testing.T) {
	python := referencePython(t)
	w, dir := loadMiniLM(t)
	forCorpora(t, func(t *testing.T, lines []string, digest string) {
		out := compareWithReference(t, w, python, dir, lines)
		if got := fmt.Sprintf("%x", sha256.Sum256(out)); got != digest {
			t.Errorf("the reference's digest is %s; %s is on record", got, digest)
		}
	})
}

// TestWordPieceOfCorpora compares ids and offsets of three languages with what is on
// record of the reference's.
func TestWordPieceOfCorpora(t *testing.T) {
	w, _ := loadMiniLM(t)
	forCorpora(t, func(t *testing.T, lines []string, digest string) {
		hash := sha256.New()
		for _, line := range lines {
			_, _ = hash.Write(append(formatEncoded(w, line), '\n'))
		}
		if got := fmt.Sprintf("%x", hash.Sum(nil)); got != digest {
			t.Errorf("ids and offsets of %d lines differ from the reference's: their digest is %s; want %s", len(lines), got, digest)
		}
	})
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

// formatEncoded returns the ids and offsets of a line as the reference's script prints them.
func formatEncoded(w *WordPiece, line string) []byte {
	ids, offsets := w.EncodeWithOffsets(line)
	out := formatIDs(ids)
	for _, n := range flatten(offsets) {
		out = strconv.AppendInt(append(out, ' '), int64(n), 10)
	}
	return out
}

// compareWithReference returns what the reference's script prints about lines.
func compareWithReference(t *testing.T, w *WordPiece, python, dir string, lines []string) []byte {
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
	wrong := 0
	for i, line := range lines {
		if got := formatEncoded(w, line); string(got) != want[i] {
			if wrong++; wrong <= 5 {
				t.Errorf("%.80q: %.200s; the reference gives %.200s", line, got, want[i])
			}
		}
	}
	t.Logf("%d of %d lines differ", wrong, len(lines))
	return out
}
