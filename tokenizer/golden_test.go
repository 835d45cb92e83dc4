package tokenizer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goldenModels are the models that testdata/make_goldens.py trains.
var goldenModels = []string{
	"unigram", "unigram_bytes", "unigram_raw", "unigram_unused",
	"bpe", "bpe_bytes", "bpe_suffix", "bpe_unused",
}

// golden is what the reference makes of text with one model.
type golden struct {
	Version   string
	Algorithm Algorithm
	Block     int // lines
	Special   [4]int32
	Hard      []struct {
		Text, Normalized, Decoded []byte
		IDs                       []int32
	}
	NBest []struct {
		Text   string
		IDs    [][]int32
		Scores []float32
	}
	Decode []struct {
		IDs  []int32
		Text []byte
	}
	Corpora map[string][][3]string // file, block: hashes of ids, normalised text, decoded text
}

func readGzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func loadGoldenModel(t testing.TB, name string) *SentencePiece {
	t.Helper()
	m, err := newSentencePiece(readGzip(t, filepath.Join("testdata", name+".model.gz")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func loadGolden(t testing.TB, name string) (*SentencePiece, golden) {
	t.Helper()
	var g golden
	if err := json.Unmarshal(readGzip(t, filepath.Join("testdata", name+".golden.gz")), &g); err != nil {
		t.Fatal(err)
	}
	return loadGoldenModel(t, name), g
}

// dataDir is the folder of the corpora, which are not part of the project.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("KOTOBA_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the corpora in %s (or in $KOTOBA_DATA): %v", dir, err)
	}
	return dir
}

func readLines(t testing.TB, dir, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("needs the corpus %s: %v", name, err)
	}
	return strings.Split(string(data), "\n")
}

func forGoldenModels(t *testing.T, f func(t *testing.T, m *SentencePiece, g golden)) {
	for _, name := range goldenModels {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, g := loadGolden(t, name)
			f(t, m, g)
		})
	}
}

// TestHardStrings compares normalised text, every id and decoded text with
// the reference's on strings made to break tokenizers.
func TestHardStrings(t *testing.T) {
	forGoldenModels(t, func(t *testing.T, m *SentencePiece, g golden) {
		wrong := 0
		for _, h := range g.Hard {
			text := string(h.Text)
			ids := m.Encode(text)
			norm, decoded := m.Normalize(text), m.Decode(h.IDs)
			if norm == string(h.Normalized) && cmp.Equal(ids, h.IDs) && decoded == string(h.Decoded) {
				continue
			}
			if wrong++; wrong <= 5 {
				t.Errorf("%.60q\nnormalised %.80q\nreference  %.80q\nids        %.80v\nreference  %.80v\ndecoded    %.80q\nreference  %.80q",
					text, norm, h.Normalized, ids, h.IDs, decoded, h.Decoded)
			}
		}
		if wrong > 0 {
			t.Errorf("%d of %d strings differ from sentencepiece %s", wrong, len(g.Hard), g.Version)
		}
	})
}

func TestDecodeArbitraryIDs(t *testing.T) {
	forGoldenModels(t, func(t *testing.T, m *SentencePiece, g golden) {
		for _, d := range g.Decode {
			if got := m.Decode(d.IDs); got != string(d.Text) {
				t.Errorf("Decode(%v) = %q; the reference gives %q", d.IDs, got, d.Text)
			}
		}
	})
}

func TestSpecial(t *testing.T) {
	forGoldenModels(t, func(t *testing.T, m *SentencePiece, g golden) {
		s := m.Special()
		if got := [4]int32{s.Unknown, s.Begin, s.End, s.Pad}; got != g.Special {
			t.Errorf("special ids %v; the reference has %v", got, g.Special)
		}
		if m.Algorithm() != g.Algorithm {
			t.Errorf("algorithm %v; the reference has %v", m.Algorithm(), g.Algorithm)
		}
	})
}

// digest hashes lines as testdata/make_goldens.py does.
func digest(lines [][]byte) string {
	h := sha256.Sum256(append(bytes.Join(lines, []byte("\n")), '\n'))
	return hex.EncodeToString(h[:8])
}

func formatIDs(ids []int32) []byte {
	var line []byte
	for i, id := range ids {
		if i > 0 {
			line = append(line, ' ')
		}
		line = strconv.AppendInt(line, int64(id), 10)
	}
	return line
}

// TestCorpora compares every id, and normalised and decoded text, with the
// reference's on the first 5,000 lines of five corpora.
func TestCorpora(t *testing.T) {
	dir := dataDir(t)
	forGoldenModels(t, func(t *testing.T, m *SentencePiece, g golden) {
		compared := 0
		for name, blocks := range g.Corpora {
			lines := readLines(t, dir, name)
			for i, want := range blocks {
				block := lines[i*g.Block : min(len(lines), (i+1)*g.Block)]
				var ids, norm, text [][]byte
				for _, line := range block {
					x := m.Encode(line)
					ids = append(ids, formatIDs(x))
					norm = append(norm, []byte(m.Normalize(line)))
					text = append(text, []byte(m.Decode(x)))
				}
				if got := [3]string{digest(ids), digest(norm), digest(text)}; got != want {
					t.Errorf("%s, lines %d to %d: hashes of ids, normalised and decoded text are %v; the reference's are %v",
						name, i*g.Block+1, i*g.Block+len(block), got, want)
				}
				compared += len(block)
			}
		}
		if compared < 20000 {
			t.Errorf("compared %d lines; expected 20,000 and more", compared)
		}
	})
}

// TestNBest compares the ten best segmentations and their scores. Paths whose
// scores differ by the rounding of sums only may come in another order.
func TestNBest(t *testing.T) {
	const tolerance = 1e-4
	forGoldenModels(t, func(t *testing.T, m *SentencePiece, g golden) {
		for _, n := range g.NBest {
			got, err := m.NBest(n.Text, 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(n.IDs) {
				t.Fatalf("%q: %d segmentations; the reference has %d", n.Text, len(got), len(n.IDs))
			}
			for i, s := range got {
				if math.Abs(float64(s.Score-n.Scores[i])) > tolerance {
					t.Errorf("%q, segmentation %d: score %v; the reference has %v", n.Text, i, s.Score, n.Scores[i])
				}
				if !slices.ContainsFunc(n.IDs, func(ids []int32) bool { return slices.Equal(ids, s.IDs) }) &&
					math.Abs(float64(s.Score-n.Scores[len(n.Scores)-1])) > tolerance {
					t.Errorf("%q, segmentation %d: %v is none of the reference's", n.Text, i, s.IDs)
				}
			}
		}
	})
}
