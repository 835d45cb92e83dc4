package tokenizer

import (
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestMain makes property tests repeatable: they draw the same cases in every
// run unless -rapid.seed asks for others.
func TestMain(m *testing.M) {
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		if err := seed.Value.Set("1"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// drawText draws strings that normalisation, symbols and bytes have work with.
func drawText(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{"a man ", "dog", "<sep>", "猫が", "ｶﾞ", "１２", " ", "  ", "\u3000", "e\u0301", "😀", "\x00", "\xff", "\xe3\x81", "ﬁ", "♡"}),
		rapid.String(),
	)
	return strings.ReplaceAll(strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "text"), ""), spaceSymbol, "")
}

// surface is what a normalised text says: without the space in front.
func surface(m *SentencePiece, text string) string {
	norm := m.Normalize(text)
	if m.norm.spec.addDummyPrefix {
		norm = strings.TrimPrefix(norm, spaceSymbol)
	}
	return strings.ReplaceAll(norm, spaceSymbol, " ")
}

// TestDecodeEncode checks that models with byte fallback lose nothing but what
// normalisation takes.
func TestDecodeEncode(t *testing.T) {
	for _, name := range []string{"unigram_bytes", "bpe_bytes"} {
		t.Run(name, func(t *testing.T) {
			m := loadGoldenModel(t, name)
			rapid.Check(t, func(t *rapid.T) {
				text := drawText(t)
				if got, want := m.Decode(m.Encode(text)), surface(m, text); got != want {
					t.Errorf("%q: decoded %q; expected %q", text, got, want)
				}
			})
		})
	}
}

// TestSampleDecodes checks that random segmentations spell the same text, that
// they follow from the seed, and that sampling without randomness is Encode.
func TestSampleDecodes(t *testing.T) {
	for _, c := range []struct {
		name  string
		opt   Sampling
		exact Sampling // gives the segmentation of Encode
	}{
		{"unigram_bytes", Sampling{Alpha: 0.1}, Sampling{Alpha: 0.3, NBest: 1}},
		{"unigram_bytes", Sampling{Alpha: 0.5, NBest: 16}, Sampling{Alpha: 0.3, NBest: 1}},
		{"bpe_bytes", Sampling{Alpha: 0.3}, Sampling{Alpha: 0}},
		{"bpe_bytes", Sampling{Alpha: 1}, Sampling{Alpha: 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := loadGoldenModel(t, c.name)
			rapid.Check(t, func(t *rapid.T) {
				text, seed := drawText(t), rapid.Uint64().Draw(t, "seed")
				ids := m.Sample(text, c.opt, rand.New(rand.NewPCG(seed, 0)))
				if got, want := m.Decode(ids), surface(m, text); got != want {
					t.Errorf("%q: %v decodes to %q; expected %q", text, ids, got, want)
				}
				if again := m.Sample(text, c.opt, rand.New(rand.NewPCG(seed, 0))); !slices.Equal(ids, again) {
					t.Errorf("%q: %v and %v of the same seed", text, ids, again)
				}
			})
			rng := rand.New(rand.NewPCG(1, 1))
			for _, text := range []string{"吾輩は猫である。", "hello dog", ""} {
				if got, want := m.Sample(text, c.exact, rng), m.Encode(text); !slices.Equal(got, want) {
					t.Errorf("%q: sampled %v under %+v; expected %v", text, got, c.exact, want)
				}
			}
		})
	}
}

// TestSampleDistribution compares how often segmentations are drawn with their
// probabilities, which n-best gives.
func TestSampleDistribution(t *testing.T) {
	const draws, alpha = 20000, 0.5
	m := loadGoldenModel(t, "unigram")
	all, err := m.NBest("hello", MaxNBest)
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]path, len(all))
	for i, s := range all {
		paths[i] = path{score: s.Score}
	}
	for _, opt := range []Sampling{{Alpha: alpha}, {Alpha: alpha, NBest: 3}} {
		rng := rand.New(rand.NewPCG(3, 4))
		seen := map[string]float64{}
		for range draws {
			seen[string(formatIDs(m.Sample("hello", opt, rng)))] += 1.0 / draws
		}
		support := paths
		if opt.NBest > 0 {
			support = paths[:opt.NBest]
		}
		sum := 0.0
		for _, p := range support {
			sum += weight(p, paths[0], alpha)
		}
		for i, p := range support[:3] {
			want := weight(p, paths[0], alpha) / sum
			if got := seen[string(formatIDs(all[i].IDs))]; got < want-0.015 || got > want+0.015 {
				t.Errorf("%+v: segmentation %v is drawn with frequency %.3f; expected %.3f", opt, all[i].IDs, got, want)
			}
		}
	}
}

func TestNBestOfBPE(t *testing.T) {
	if _, err := loadGoldenModel(t, "bpe").NBest("a", 2); err == nil || !strings.Contains(err.Error(), "expected a unigram model") {
		t.Errorf("error %v; expected one that asks for a unigram model", err)
	}
}

func TestEncodeConcurrently(t *testing.T) {
	for _, name := range []string{"unigram", "bpe"} {
		m := loadGoldenModel(t, name)
		text := strings.Repeat("Zwei Männer stehen am Herd. ", 20)
		want := m.Encode(text)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 20 {
					m.Encode(strings.Repeat("x", i*n))
					if !slices.Equal(m.Encode(text), want) {
						t.Errorf("%s: ids differ between goroutines", name)
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestVocabularyLookUp(t *testing.T) {
	m := loadGoldenModel(t, "unigram_bytes")
	for id := range int32(m.Len()) {
		if got, ok := m.ID(m.Token(id)); !ok || got != id {
			t.Errorf("ID(Token(%d)) = %d, %v", id, got, ok)
		}
	}
	if _, ok := m.ID("no such piece"); ok {
		t.Error("a piece that does not exist has an id")
	}
}

// TestDoubleArray compares the trie with a map.
func TestDoubleArray(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x01é猫\U0010ffff")), 1, 6, -1)
		values := rapid.MapOf(key, rapid.Int32Range(0, 1<<30)).Draw(t, "values")
		var keys []string
		var vals []int32
		for k := range values {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			vals = append(vals, values[k])
		}
		d, err := buildDoubleArray(keys, vals)
		if err != nil {
			t.Fatal(err)
		}
		text := rapid.OneOf(key, rapid.String(), rapid.Map(key, func(s string) string { return "\x00" + s })).Draw(t, "text")
		size, value := longest(d, text)
		want := 0
		for k := range values {
			if strings.HasPrefix(text, k) {
				want = max(want, len(k))
			}
		}
		if size != want || size > 0 && value != values[text[:size]] {
			t.Errorf("longest key in %q: %d bytes, value %d; expected %d bytes, %d", text, size, value, want, values[text[:want]])
		}
	})
}

func TestDoubleArrayLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	values := map[string]int32{}
	for range 200_000 {
		key := make([]byte, 1+rng.IntN(9))
		for i := range key {
			key[i] = byte(1 + rng.IntN(255))
		}
		values[string(key)] = int32(rng.IntN(1 << 30))
	}
	var keys []string
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	vals := make([]int32, len(keys))
	for i, k := range keys {
		vals[i] = values[k]
	}
	d, err := buildDoubleArray(keys, vals)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range values {
		if size, got := longest(d, k); size != len(k) || got != v {
			t.Fatalf("key %q: %d bytes, value %d; expected %d bytes, %d", k, size, got, len(k), v)
		}
	}
}

// TestBPESymbolsDoNotMerge uses a model whose merges reach over a user-defined
// symbol; the ids are the reference's.
func TestBPESymbolsDoNotMerge(t *testing.T) {
	opt := DefaultTrainOptions()
	opt.Algorithm = BPE
	proto := &modelProto{pieces: []piece{
		{"<unk>", 0, pieceUnknown},
		{"dog", 0, pieceUserDefined},
		{"dogs", -1, pieceNormal},
		{"do", -2, pieceNormal},
		{"og", -3, pieceNormal},
		{"sd", -4, pieceNormal},
		{"d", -5, pieceNormal},
		{"o", -6, pieceNormal},
		{"g", -7, pieceNormal},
		{"s", -8, pieceNormal},
	}}
	m, err := newSentencePiece(proto.marshal(&opt))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Encode("dogsdogdo"), []int32{1, 9, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("ids %v; expected %v", got, want)
	}
}

// TestAnyAlphaIsTaken: a large one leaves the best segmentation alone.
func TestAnyAlphaIsTaken(t *testing.T) {
	m := loadGoldenModel(t, "unigram")
	r := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{"the quick brown fox", "unbelievable transformations", "吾輩は猫である", ""} {
		for _, alpha := range []float64{1e7, math.MaxFloat64, math.Inf(1)} {
			for _, nbest := range []int{0, 5} {
				if got, want := m.Sample(text, Sampling{Alpha: alpha, NBest: nbest}, r), m.Encode(text); !slices.Equal(got, want) {
					t.Errorf("%q, alpha %v, of the best %d: %v; want %v", text, alpha, nbest, got, want)
				}
			}
		}
	}
}

// TestPiecesAreThoseOfTheIDs: and an unknown run is its own text.
func TestPiecesAreThoseOfTheIDs(t *testing.T) {
	forGoldenModels(t, func(t *testing.T, m *SentencePiece, g golden) {
		unknown := 0
		for _, h := range g.Hard {
			text := string(h.Text)
			ids, pieces := m.Encode(text), m.Pieces(text)
			if len(ids) != len(pieces) {
				t.Fatalf("%q: %d ids and %d pieces", text, len(ids), len(pieces))
			}
			for i, id := range ids {
				if id == m.special.Unknown {
					unknown++
				} else if pieces[i] != m.Token(id) {
					t.Errorf("%q: piece %d is %q; want %q", text, i, pieces[i], m.Token(id))
				}
			}
			if got := strings.Join(pieces, ""); !m.proto.byteFallback && got != m.Normalize(text) {
				t.Errorf("pieces make %q; want %q", got, m.Normalize(text))
			}
		}
		if unknown == 0 && !m.proto.byteFallback {
			t.Error("no string has what the model does not know")
		}
	})
}
