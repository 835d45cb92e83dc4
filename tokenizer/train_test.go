package tokenizer

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sampleText returns sentences of made-up words, frequent ones and rare ones,
// in three scripts.
func sampleText(sentences int) []string {
	rng := rand.New(rand.NewPCG(1, 2))
	stems := strings.Fields("walk talk run sing read house garden über straße fenster привет мир 猫 言葉 日本語")
	endings := strings.Fields("_ ed ing s er en ung 123 です")
	var out []string
	for range sentences {
		var words []string
		for range 3 + rng.IntN(8) {
			stem := stems[int(float64(len(stems))*math.Pow(rng.Float64(), 2))]
			words = append(words, stem+strings.Trim(endings[rng.IntN(len(endings))], "_"))
		}
		out = append(out, strings.Join(words, " ")+".")
	}
	return out
}

func smallOptions(a Algorithm) TrainOptions {
	o := DefaultTrainOptions()
	o.Algorithm = a
	o.VocabSize = 120
	return o
}

// goldenText returns the text that testdata/make_goldens.py trained on: the
// reference skips lines of more than 4,192 bytes.
func goldenText(t testing.TB, files ...string) []string {
	var lines []string
	for _, f := range files {
		lines = append(lines, readLines(t, dataDir(t), f)...)
	}
	return slices.DeleteFunc(lines, func(s string) bool { return len(s) > 4192 })
}

// TestTrainBPELikeReference compares every piece and score with those that
// the reference's trainer makes of the same text.
func TestTrainBPELikeReference(t *testing.T) {
	european := DefaultTrainOptions()
	european.Algorithm, european.VocabSize = BPE, 4000
	japanese := european
	japanese.ByteFallback, japanese.CharacterCoverage, japanese.Normalization = true, 0.995, "identity"
	japanese.UserDefined = []string{"<sep>", "猫", "dog", "<sep>x", "e\u0301", "Ａ"}
	japanese.Control = []string{"<ctl>", "♡"}
	japanese.Special = Special{Unknown: 3, Begin: None, End: 2, Pad: 0}
	for _, c := range []struct {
		model string
		opt   TrainOptions
		files []string
	}{
		{"bpe", european, []string{"multi30k/train.en", "multi30k/train.de"}},
		{"bpe_bytes", japanese, []string{"enja/train.ja", "novels/wagahaiwa_nekodearu.txt"}},
	} {
		t.Run(c.model, func(t *testing.T) {
			got, err := Train(slices.Values(goldenText(t, c.files...)), c.opt)
			if err != nil {
				t.Fatal(err)
			}
			want := loadGoldenModel(t, c.model)
			if diff := cmp.Diff(want.proto.pieces, got.proto.pieces, cmp.AllowUnexported(piece{})); diff != "" {
				t.Errorf("pieces (-reference +got):\n%.2000s", diff)
			}
		})
	}
}

// likelihood returns the natural log probability of text per character, summed
// over all segmentations.
func likelihood(m *SentencePiece, text []string) float64 {
	var l lattice
	sum, chars := 0.0, 0
	for _, s := range text {
		l.build(m.seg.(*unigram), m.norm.appendNormalized(nil, s))
		l.alpha = l.forward(l.alpha, 1)
		sum += l.alpha[l.last()]
		chars += int(l.last())
	}
	return sum / float64(chars)
}

// TestTrainUnigramLikelihood compares how well the models of both trainers
// explain the text that they were trained on.
func TestTrainUnigramLikelihood(t *testing.T) {
	text := goldenText(t, "multi30k/train.en", "multi30k/train.de")
	opt := DefaultTrainOptions()
	opt.VocabSize = 4000
	m, err := Train(slices.Values(text), opt)
	if err != nil {
		t.Fatal(err)
	}
	got, want := likelihood(m, text), likelihood(loadGoldenModel(t, "unigram"), text)
	t.Logf("log-likelihood per character: %.4f; the reference's model has %.4f", got, want)
	if got < want-0.01*math.Abs(want) {
		t.Errorf("log-likelihood per character is %.4f; expected at most 1%% below the reference's %.4f", got, want)
	}
}

func TestTrainDoesNotDependOnThreads(t *testing.T) {
	text := sampleText(500)
	for _, a := range []Algorithm{Unigram, BPE} {
		var first []byte
		for _, threads := range []int{1, 2, 3, 16, 50} {
			opt := smallOptions(a)
			opt.Threads = threads
			m, err := Train(slices.Values(text), opt)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = m.serialized
			}
			if !bytes.Equal(first, m.serialized) {
				t.Errorf("%v: the model of %d threads differs from that of one", a, threads)
			}
		}
	}
}

// hasPiece reports whether a piece other than a symbol satisfies f.
func hasPiece(m *SentencePiece, f func(string) bool) bool {
	return slices.ContainsFunc(m.proto.pieces, func(p piece) bool { return p.kind == pieceNormal && f(p.text) })
}

func TestTrainOptions(t *testing.T) {
	text := sampleText(500)
	number := func(s string) bool { return strings.ContainsAny(s, "0123456789") }
	mixed := func(s string) bool { return number(s) && strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz") }
	innerSpace := func(s string) bool { return strings.LastIndex(s, spaceSymbol) > 0 }
	scripts := func(s string) bool { return strings.Contains(s, "です") && strings.ContainsAny(s, "abcdefghijk") }
	long := func(s string) bool { return len([]rune(s)) > 5 }
	for _, a := range []Algorithm{Unigram, BPE} {
		for _, c := range []struct {
			name           string
			change         func(*TrainOptions)
			piece          func(string) bool
			before, behind bool // whether there is such a piece without and with the change
		}{
			{"split by number", func(o *TrainOptions) { o.SplitByNumber = false; o.VocabSize = 300 }, mixed, false, true},
			{"split digits", func(o *TrainOptions) { o.SplitDigits = true }, func(s string) bool { return number(s) && len(s) > 1 }, true, false},
			{"split by white space", func(o *TrainOptions) { o.SplitByWhitespace = false; o.VocabSize = 400 }, innerSpace, false, true},
			{"split by script", func(o *TrainOptions) { o.SplitByUnicodeScript = false; o.VocabSize = 300 }, scripts, false, true},
			{"length", func(o *TrainOptions) { o.MaxPieceLength = 5 }, long, true, false},
		} {
			t.Run(fmt.Sprint(a, "/", c.name), func(t *testing.T) {
				for _, changed := range []bool{false, true} {
					opt := smallOptions(a)
					opt.HardVocabLimit = false
					want := c.before
					if changed {
						c.change(&opt)
						want = c.behind
					}
					m, err := Train(slices.Values(text), opt)
					if err != nil {
						t.Fatal(err)
					}
					if got := hasPiece(m, c.piece); got != want {
						t.Errorf("option changed: %v; a piece against the default: %v; expected %v", changed, got, want)
					}
				}
			})
		}
	}
}

func TestTrainSymbols(t *testing.T) {
	for _, a := range []Algorithm{Unigram, BPE} {
		opt := smallOptions(a)
		opt.VocabSize = 400
		opt.HardVocabLimit = false
		opt.ByteFallback = true
		opt.Special = Special{Unknown: 3, Begin: 2, End: 0, Pad: 1}
		opt.UserDefined = []string{"<sep>", "walking"}
		opt.Control = []string{"<2de>"}
		m, err := Train(slices.Values(sampleText(300)), opt)
		if err != nil {
			t.Fatal(err)
		}
		if m.Special() != opt.Special {
			t.Errorf("%v: special ids %+v; expected %+v", a, m.Special(), opt.Special)
		}
		for id, want := range map[int32]string{4: "<2de>", 5: "<sep>", 6: "walking", 7: "<0x00>", 262: "<0xFF>"} {
			if got := m.Token(id); got != want {
				t.Errorf("%v: piece %d is %q; expected %q", a, id, got, want)
			}
		}
		ids := m.Encode("x<sep>walkings😀<2de>")
		if !slices.Contains(ids, 5) || !slices.Contains(ids, 6) || slices.Contains(ids, 4) || slices.Contains(ids, 3) {
			t.Errorf("%v: ids %v; expected both user-defined symbols, no control symbol and no unknown", a, ids)
		}
		if got, want := m.Decode(append([]int32{2}, ids...)), "x<sep>walkings😀<2de>"; got != want {
			t.Errorf("%v: decoded %q; expected %q", a, got, want)
		}
	}
}

func TestTrainErrors(t *testing.T) {
	for _, c := range []struct {
		change func(*TrainOptions)
		text   []string
		want   string
	}{
		{func(o *TrainOptions) { o.Algorithm = 3 }, nil, "expected unigram or bpe"},
		{func(o *TrainOptions) { o.VocabSize = 0 }, nil, "vocabulary size is 0"},
		{func(o *TrainOptions) { o.CharacterCoverage = math.NaN() }, nil, "character coverage is NaN"},
		{func(o *TrainOptions) { o.MaxPieceLength = 0 }, nil, "maximal piece length is 0"},
		{func(o *TrainOptions) { o.Threads = -1 }, nil, "threads are -1"},
		{func(o *TrainOptions) { o.Normalization = "nfd" }, nil, `normalization is "nfd"`},
		{func(o *TrainOptions) { o.Special.Unknown = None }, nil, "no id for <unk>"},
		{func(o *TrainOptions) { o.Special.End = 1 }, nil, `id 1 of </s> is outside the vocabulary of 120 or taken by "<s>"`},
		{func(o *TrainOptions) { o.Special.Pad = 120 }, nil, "id 120 of <pad> is outside the vocabulary"},
		{func(o *TrainOptions) { o.UserDefined = []string{"a", "a"} }, nil, `symbol "a" is empty, <unk> or defined twice`},
		{func(o *TrainOptions) { o.Control = []string{""} }, nil, `symbol "" is empty`},
		{func(o *TrainOptions) {}, []string{"", " "}, "the text is empty"},
		{func(o *TrainOptions) {}, []string{"ab"}, "fewer than the vocabulary size of 120"},
		{func(o *TrainOptions) { o.VocabSize = 4 }, []string{"abcdef"}, "for 7 characters and 3 symbols"},
	} {
		for _, a := range []Algorithm{Unigram, BPE} {
			opt := smallOptions(a)
			c.change(&opt)
			_, err := Train(slices.Values(c.text), opt)
			if err == nil || !strings.HasPrefix(err.Error(), "tokenizer: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: error %v; expected one with %q", a, err, c.want)
			}
		}
	}
}

func TestDigamma(t *testing.T) {
	const euler = 0.57721566490153286
	for x, want := range map[float64]float64{1: -euler, 0.5: -euler - 2*math.Ln2, 2: 1 - euler, 10: 2.2517525890667211} {
		if got := digamma(x); math.Abs(got-want) > 1e-9 {
			t.Errorf("digamma(%v) = %v; expected %v", x, got, want)
		}
	}
}

// TestSubstrings compares the suffix tree with a count of all substrings.
func TestSubstrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfNDistinct(rapid.StringOfN(rapid.RuneFrom([]rune("abé")), 1, 9, -1), 1, 8, rapid.ID).Draw(t, "words")
		tr := &trainer{threads: 2}
		for _, c := range "abé" {
			tr.chars = append(tr.chars, charCount{char: c})
		}
		counts, followers := map[string]int64{}, map[string]map[string]bool{}
		const depth = 6
		for i, w := range words {
			n := int64(i%3 + 1)
			tr.fragments = append(tr.fragments, fragment{w, n})
			chars := append([]rune(w), boundary)
			for from := range chars[:len(chars)-1] {
				for to := from + 2; to < len(chars) && to-from <= depth; to++ {
					s := string(chars[from:to])
					counts[s] += n
					if followers[s] == nil {
						followers[s] = map[string]bool{}
					}
					follower := string(chars[to])
					if chars[to] == boundary || to-from == depth {
						follower = fmt.Sprint(i, from) // ends of fragments differ
					}
					followers[s][follower] = true
				}
			}
		}
		want := map[string]int64{}
		for s, n := range counts {
			ended := slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(w, s) })
			if n >= 2 && (len(followers[s]) > 1 || ended || len([]rune(s)) == depth) {
				want[s] = n * int64(len([]rune(s)))
			}
		}
		got := map[string]int64{}
		a := tr.newSuffixArray(depth)
		a.substrings(func(s substring) {
			text := string(a.text[s.at : s.at+s.length])
			if _, twice := got[text]; twice {
				t.Errorf("%q is reported twice", text)
			}
			got[text] = s.covers
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("substrings of %q (-counted +got):\n%s", words, diff)
		}
	})
}

// TestPruneWithUnknownCharacters trains on text of which EM drops most single
// characters: pieces must stay prunable, or training would never end.
func TestPruneWithUnknownCharacters(t *testing.T) {
	u, err := newTrainingModel([]piece{{"ab", -1, pieceNormal}, {"b", -2, pieceNormal}})
	if err != nil {
		t.Fatal(err)
	}
	var l lattice
	got := l.alternative(u, "ab")
	if want := []int32{1, None}; got.better || !slices.Equal(got.ids, want) {
		t.Errorf("alternative to ab: %+v; expected %v, from its end", got, want)
	}
	opt := smallOptions(Unigram)
	opt.HardVocabLimit, opt.SplitByUnicodeScript, opt.Normalization = false, false, "nfkc_cf"
	if _, err := Train(slices.Values(sampleText(1000)), opt); err != nil {
		t.Error(err)
	}
}

func TestMaximize(t *testing.T) {
	pieces := []piece{{"a", 0, pieceNormal}, {"b", 0, pieceNormal}, {"c", 0, pieceNormal}}
	got := maximize(pieces, []float64{2, 0.4, 8})
	want := []piece{
		{"a", float32(digamma(2)) - float32(digamma(10)), pieceNormal},
		{"c", float32(digamma(8)) - float32(digamma(10)), pieceNormal},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(piece{})); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
}
