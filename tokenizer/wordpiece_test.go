package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// wordPieceGolden is what the reference makes of text; see
// testdata/make_wordpiece_goldens.py.
type wordPieceGolden struct {
	Version  string
	Vocab    []string
	Added    []addedToken
	Hard     [][]byte
	Variants []wordPieceVariant
	Decode   []struct {
		IDs  []int32
		Text string
	}
	Blocks [][]any // first character, step, hashes
	Train  struct {
		Text  []string
		Size  int
		Vocab []string
	}
}

type wordPieceVariant struct {
	Lowercase, Chinese, Added bool
	Strip                     *bool
	IDs                       [][]int32
	Offsets                   [][]int
}

func (v *wordPieceVariant) options() WordPieceOptions {
	return WordPieceOptions{Cased: !v.Lowercase, Accents: accents(v.Strip), UnspacedCJK: !v.Chinese}
}

func (v *wordPieceVariant) name() string {
	return fmt.Sprintf("cased=%t,accents=%d,unspaced=%t,added=%t", !v.Lowercase, accents(v.Strip), !v.Chinese, v.Added)
}

func loadWordPieceGolden(t testing.TB) wordPieceGolden {
	t.Helper()
	var g wordPieceGolden
	if err := json.Unmarshal(readGzip(t, filepath.Join("testdata", "wordpiece.golden.gz")), &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *wordPieceGolden) tokenizer(t testing.TB, variant int) *WordPiece {
	t.Helper()
	v := g.Variants[variant]
	added := specialTokens(g.Vocab)
	if v.Added {
		added = slices.Clone(g.Added)
	}
	w, err := newWordPiece(g.Vocab, v.options(), added)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func flatten(offsets []Offset) []int {
	flat := []int{}
	for _, o := range offsets {
		flat = append(flat, o.Start, o.End)
	}
	return flat
}

// TestWordPieceHardStrings compares every id and offset with the reference's on
// strings made to break tokenizers.
func TestWordPieceHardStrings(t *testing.T) {
	g := loadWordPieceGolden(t)
	for n, v := range g.Variants {
		t.Run(v.name(), func(t *testing.T) {
			w := g.tokenizer(t, n)
			wrong := 0
			for i, text := range g.Hard {
				ids, offsets := w.EncodeWithOffsets(string(text))
				if cmp.Equal(ids, v.IDs[i]) && cmp.Equal(flatten(offsets), v.Offsets[i]) && cmp.Equal(w.Encode(string(text)), ids) {
					continue
				}
				if wrong++; wrong <= 5 {
					t.Errorf("%.80q\nids       %.100v\nreference %.100v\noffsets   %.100v\nreference %.100v", text, ids, v.IDs[i], flatten(offsets), v.Offsets[i])
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d strings differ from tokenizers %s", wrong, len(g.Hard), g.Version)
			}
		})
	}
}

// TestWordPieceCharacters compares how text with each character in it is
// normalised and cut into words.
func TestWordPieceCharacters(t *testing.T) {
	const text = "a{0}b {0}{0} {0}\u0345\u0301\u302e{0}\u0323é{0}"
	g := loadWordPieceGolden(t)
	for n := range len(g.Blocks[0]) - 2 {
		v := g.Variants[n]
		t.Run(v.name(), func(t *testing.T) {
			t.Parallel()
			s := newWordSplitter(v.options())
			var words []byte
			s.word = func(word []byte, _ alignment) {
				if len(words) > 0 && words[len(words)-1] != '\n' {
					words = append(words, ' ')
				}
				words = append(words, word...)
			}
			for _, block := range g.Blocks {
				first, step := rune(block[0].(float64)), rune(block[1].(float64))
				hash := sha256.New()
				for r := first; r < first+4096; r += step {
					if !utf8.ValidRune(r) {
						continue
					}
					input := strings.ReplaceAll(text, "{0}", string(r))
					words = append(append(words[:0], s.normalized(input, 0)...), '\n')
					s.split(input, 0)
					_, _ = hash.Write(append(words, '\n'))
				}
				if got := hex.EncodeToString(hash.Sum(nil)[:8]); got != block[2+n] {
					t.Errorf("characters from %U on: hash %s; the reference's is %s", first, got, block[2+n])
				}
			}
		})
	}
}

func TestWordPieceDecode(t *testing.T) {
	g := loadWordPieceGolden(t)
	w := g.tokenizer(t, 5)
	for _, d := range g.Decode {
		if got := w.Decode(d.IDs); got != d.Text {
			t.Errorf("Decode(%v) = %q; the reference gives %q", d.IDs, got, d.Text)
		}
	}
}

// checkOffsets checks that pieces are of parts of text, in its order.
func checkOffsets(t *testing.T, w *WordPiece, text string, ids []int32, offsets []Offset) {
	t.Helper()
	if !slices.Equal(ids, w.Encode(text)) || len(ids) != len(offsets) {
		t.Fatalf("%.80q: %d ids, %d offsets; Encode gives %d", text, len(ids), len(offsets), len(w.Encode(text)))
	}
	before := Offset{}
	for i, o := range offsets {
		if o.Start < before.Start || o.End < before.End || o.Start >= o.End || o.End > len(text) {
			t.Fatalf("%.80q: piece %d is of part %v, behind one of %v; expected parts in order", text, i, o, before)
		}
		before = o
	}
}

func TestWordPieceOffsets(t *testing.T) {
	g := loadWordPieceGolden(t)
	w := g.tokenizer(t, 0)
	for _, text := range g.Hard {
		ids, offsets := w.EncodeWithOffsets(string(text))
		checkOffsets(t, w, string(text), ids, offsets)
	}
	w = trainWordPiece(t, WordPieceTrainOptions{}, "the ueber e 猫 강", "the ueber", "ueber", "ueber")
	for _, c := range []struct{ text, want string }{
		{"The ÜEBER,  [CLS]the", "the:The ueber:ÜEBER [UNK]:, [CLS]:[CLS] the:the"},
		{"ue\u0301\x00bér", "ueber:ue\u0301\x00bér"},
		{"e\u0301 猫猫", "e:e 猫:猫 猫:猫"},
		{"강", "ᄀ:강 ##ᅡ:강 ##ᆼ:강"},
		{"the\xffthe", "[UNK]:the\xffthe"},
	} {
		ids, offsets := w.EncodeWithOffsets(c.text)
		var got []string
		for i, o := range offsets {
			got = append(got, w.Token(ids[i])+":"+c.text[o.Start:o.End])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: pieces %q; expected %q", c.text, s, c.want)
		}
	}
}

func TestWordPieceSpecial(t *testing.T) {
	w, err := NewWordPiece([]string{"a", "[SEP]", "[CLS]", "[UNK]", "[PAD]"}, WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Special{Unknown: 3, Begin: 2, End: 1, Pad: 4}); w.Special() != want || w.Mask() != None || w.Len() != 5 {
		t.Errorf("special ids %+v, mask %d of %d; expected %+v, none of 5", w.Special(), w.Mask(), w.Len(), want)
	}
	if id, ok := w.ID("[SEP]"); id != 1 || !ok || w.Token(1) != "[SEP]" {
		t.Errorf("[SEP] has id %d, %t and is %q", id, ok, w.Token(1))
	}
	if ids := w.Encode(""); ids == nil || len(ids) != 0 {
		t.Errorf("ids %#v of no text; expected an empty slice", ids)
	}
}

func TestWordPieceConcurrent(t *testing.T) {
	g := loadWordPieceGolden(t)
	w := g.tokenizer(t, 5)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := n; i < len(g.Hard); i += 2 {
				if ids, _ := w.EncodeWithOffsets(string(g.Hard[i])); !slices.Equal(ids, g.Variants[5].IDs[i]) {
					t.Errorf("%.80q differs from the reference", g.Hard[i])
				}
			}
		})
	}
	wg.Wait()
}
