package tokenizer

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smallModel returns a model file with all kinds of pieces.
func smallModel(change func(*modelProto)) []byte {
	opt := DefaultTrainOptions()
	m := &modelProto{
		pieces: []piece{
			{"<unk>", 0, pieceUnknown},
			{"<s>", 0, pieceControl},
			{"</s>", 0, pieceControl},
			{"▁a", -1, pieceNormal},
			{"b", -2, pieceNormal},
			{"<sep>", 0, pieceUserDefined},
			{"ab", -3, pieceUnused},
		},
		normalizer: newNormalizerSpec(),
	}
	m.normalizer.charsmap = append(binary.LittleEndian.AppendUint32(nil, 8), 0, 0, 0, 0, 0, 0, 0, 0x80, 0)
	if change != nil {
		change(m)
	}
	return m.marshal(&opt)
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "the file is empty; expected a SentencePiece model or a word list"},
		{"truncated", smallModel(nil)[:100], "a field runs past the end of its message"},
		{"not a model", []byte{0, 1, 2, 3}, "no SentencePiece model"},
		{"wire type", []byte{0x08, 0x01}, "has wire type 0, not 2"},
		{"no pieces", []byte{0x1a, 0x00}, "the model has no pieces"},
		{"empty piece", smallModel(func(m *modelProto) { m.pieces[3].text = "" }), "piece 3 has 0 bytes; expected 1 to"},
		{"long piece", smallModel(func(m *modelProto) { m.pieces[3].text = strings.Repeat("x", maxPieceSize+1) }), "piece 3 has 16385 bytes"},
		{"score", smallModel(func(m *modelProto) { m.pieces[4].score = float32(math.NaN()) }), `piece 4, "b", has score NaN`},
		{"piece twice", smallModel(func(m *modelProto) { m.pieces[4].text = "▁a" }), `pieces 3 and 4 are both "▁a"`},
		{"piece type", smallModel(func(m *modelProto) { m.pieces[4].kind = 9 }), `piece 4, "b", has type 9; expected 1 to 6`},
		{"no unknown", smallModel(func(m *modelProto) { m.pieces = m.pieces[1:] }), "none of 6 pieces is of type unknown"},
		{"two unknown", smallModel(func(m *modelProto) { m.pieces[1].kind = pieceUnknown }), "pieces 0 and 1 are both of type unknown"},
		{"only symbols", smallModel(func(m *modelProto) { m.pieces = m.pieces[:3] }), "all 3 pieces are control, unknown or byte pieces"},
		{"byte piece", smallModel(func(m *modelProto) { m.pieces[4] = piece{"<0x41>", 0, pieceByte} }), "is of type byte"},
		{"charsmap size", smallModel(func(m *modelProto) { m.normalizer.charsmap = []byte{1} }), "precompiled_charsmap has 1 bytes"},
		{"charsmap trie", smallModel(func(m *modelProto) { m.normalizer.charsmap[3] = 0xff }), "declares a trie of 4278190088 bytes in 9"},
		{"charsmap end", smallModel(func(m *modelProto) { m.normalizer.charsmap[12] = 1 }), "does not end in NUL"},
		{"charsmap value", smallModel(func(m *modelProto) { m.normalizer.charsmap[8] = 7 }), "refers to byte 7 of 1 bytes"},
		{"words without unknown", []byte("a\nb\n"), "none of 2 lines is <unk>"},
		{"words with space", []byte("<unk>\na b\n"), `line 2, "a b", is empty or has white space`},
		{"words with empty line", []byte("<unk>\n\nb\n"), `line 2, "", is empty`},
		{"words twice", []byte("<unk>\na\nb\na\n"), `lines 2 and 4 are both "a"`},
		{"words not UTF-8", []byte("<unk>\n\xff\n"), "line 2, \"\\xff\", is not UTF-8"},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.HasPrefix(err.Error(), "tokenizer: "+path+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; expected one with the path and %q", c.name, err, c.want)
		}
	}
	if _, err := Load(filepath.Join(dir, "missing")); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("error %v; expected one with the path", err)
	}
}

// TestSaveLoad checks that what is saved is loaded as it was.
func TestSaveLoad(t *testing.T) {
	words, err := TrainWords(slices.Values([]string{"a b a", "c"}), WordsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tok := range []Tokenizer{loadGoldenModel(t, "unigram_bytes"), loadGoldenModel(t, "bpe"), words} {
		path := filepath.Join(t.TempDir(), "vocabulary")
		if err := tok.Save(path); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.Len() != tok.Len() || got.Special() != tok.Special() || !slices.Equal(got.Encode("a b 猫 x"), tok.Encode("a b 猫 x")) {
			t.Errorf("%T differs after being saved and loaded", tok)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("saving left %v, %v; expected one file", entries, err)
		}
	}
	if err := words.Save(filepath.Join(t.TempDir(), "no", "folder")); err == nil {
		t.Error("saved into a folder that does not exist")
	}
}

// use calls what a loaded vocabulary offers on awkward text.
func use(tok Tokenizer) {
	for _, text := range []string{"", "a b<sep>ab", "\x00\xff猫 ａ", strings.Repeat("ab", 50)} {
		ids := tok.Encode(text)
		tok.Decode(ids)
		if s, ok := tok.(Sampler); ok {
			rng := rand.New(rand.NewPCG(0, 0))
			tok.Decode(s.Sample(text, Sampling{Alpha: 0.5}, rng))
			tok.Decode(s.Sample(text, Sampling{Alpha: 0.5, NBest: 4}, rng))
		}
	}
	for id := range int32(min(tok.Len(), 1000)) {
		tok.Decode([]int32{id})
	}
}

// TestLoadTruncated checks that a model cut off anywhere is refused, even
// between two pieces.
func TestLoadTruncated(t *testing.T) {
	model := smallModel(nil)
	for n := range model {
		if _, err := parse(model[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for a model", n, len(model))
		}
	}
}

// TestLoadDamaged checks that no damage to a model makes the reader panic.
func TestLoadDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	model := smallModel(func(m *modelProto) { m.normalizer.charsmap, _ = charsmap("nfkc") })
	for n := range 3000 {
		data := bytes.Clone(model[:1+rng.IntN(len(model))])
		if n%2 == 0 {
			data = bytes.Clone(model)
			for range 1 + rng.IntN(3) {
				at := rng.IntN(len(data))
				if n%4 == 0 {
					at = rng.IntN(200) // in the pieces
				}
				data[at] = byte(rng.Uint32())
			}
		}
		if tok, err := parse(data); err == nil {
			use(tok)
		}
	}
}

// FuzzLoad feeds files to the reader and uses what it accepts.
func FuzzLoad(f *testing.F) {
	f.Add(smallModel(nil))
	f.Add(smallModel(func(m *modelProto) { m.algorithm = BPE }))
	f.Add([]byte("<unk>\na\nb\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tok, err := parse(data); err == nil {
			use(tok)
		}
	})
}
