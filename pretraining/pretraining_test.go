package pretraining

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kotoba-nlp/kotoba/internal/tfrecord"
	"github.com/kotoba-nlp/kotoba/tokenizer"
)

// newTokenizer has words w0 to w99, each of which may be followed by ##s.
func newTokenizer(t testing.TB) *tokenizer.WordPiece {
	t.Helper()
	words := strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] ##s")
	for i := range 100 {
		words = append(words, fmt.Sprintf("w%d", i))
	}
	tok, err := tokenizer.NewWordPiece(words, tokenizer.WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// corpus writes documents of which every sentence says where it stands: document d,
// sentence s is wD wS, some words more, and so on.
func corpus(t testing.TB, documents int) string {
	t.Helper()
	var text strings.Builder
	for d := range documents {
		for s := range 20 {
			fmt.Fprintf(&text, "w%d w%[2]d", d%100, s)
			for k := range (d+s)%5 + 1 {
				fmt.Fprintf(&text, " w%ds", (d+k)%100)
			}
			text.WriteString("\n")
		}
		text.WriteString("\n")
	}
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func makeAll(t testing.TB, o Options, threads int, paths ...string) (records []byte, r Result) {
	t.Helper()
	r, err := Make(context.Background(), paths, o, newTokenizer(t), threads, func(b, _ []byte) error {
		records = append(records, b...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, r
}

func parseAll(t testing.TB, records []byte) (all []Instance) {
	t.Helper()
	r := bytes.NewReader(records)
	for {
		record, err := tfrecord.Read(r)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		in, err := Parse(record)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, in)
	}
}

// TestInstancesFollowTheRecipe checks what the paper says of instances, and its shares.
func TestInstancesFollowTheRecipe(t *testing.T) {
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprintf("whole words %v", whole), func(t *testing.T) {
			o := DefaultOptions()
			o.MaxLength, o.MaxPredictions, o.WholeWords = 64, 12, whole
			tok := newTokenizer(t)
			records, result := makeAll(t, o, 2, corpus(t, 300))
			all := parseAll(t, records)
			if len(all) != result.Instances || result.Documents != 300 || result.Sentences != 6000 {
				t.Fatalf("%d instances; %+v", len(all), result)
			}
			var random, masked, kept, tokens, predicted int
			for _, in := range all {
				checkInstance(t, o, tok, in)
				if in.Random {
					random++
				}
				for i, p := range in.Places {
					switch in.IDs[p] {
					case tok.Mask():
						masked++
					case in.Words[i]:
						kept++
					}
				}
				tokens, predicted = tokens+len(in.IDs), predicted+len(in.Places)
			}
			share := func(name string, n, of int, want float64) {
				if got := float64(n) / float64(of); math.Abs(got-want) > 0.02 {
					t.Errorf("%s: a share of %.3f; want %.3f", name, got, want)
				}
			}
			// Half of them, and all of those that begin with the last sentence.
			share("random second segments", random, len(all), 0.56)
			share("masked words", masked, predicted, 0.8)
			share("kept words", kept, predicted, 0.101) // one in a hundred random words is the same
			share("predictions", predicted, tokens, 0.15)
		})
	}
}

// checkInstance checks the form of an instance and returns it without masks.
func checkInstance(t *testing.T, o Options, tok *tokenizer.WordPiece, in Instance) []int32 {
	t.Helper()
	s, restored := tok.Special(), slices.Clone(in.IDs)
	for i, p := range in.Places {
		restored[p] = in.Words[i]
	}
	ends := 0
	for _, id := range restored {
		if id == s.End {
			ends++
		}
	}
	n := len(in.IDs)
	if n > o.MaxLength || restored[0] != s.Begin || restored[in.First-1] != s.End || restored[n-1] != s.End || ends != 2 || in.First < 3 || n-in.First < 2 {
		t.Fatalf("%+v is no pair of segments of at most %d tokens", in, o.MaxLength)
	}
	if len(in.Places) == 0 || len(in.Places) > o.MaxPredictions || !slices.IsSorted(in.Places) || len(slices.Compact(slices.Clone(in.Places))) != len(in.Places) {
		t.Fatalf("%+v: places are none, more than %d, or not in order", in, o.MaxPredictions)
	}
	if o.WholeWords {
		for p := 1; p < n; p++ {
			continues := tok.Token(restored[p]) == "##s" && restored[p-1] != s.Begin && restored[p-1] != s.End
			if continues && slices.Contains(in.Places, int32(p)) != slices.Contains(in.Places, int32(p-1)) {
				t.Fatalf("%+v: place %d and the one before are one word, of which a part is masked", in, p)
			}
		}
	}
	return restored
}

// place is where a sentence stands.
type place struct{ document, sentence int }

// sentencesOf returns which sentences the tokens of a segment are of, in order.
func sentencesOf(tok *tokenizer.WordPiece, ids []int32) (all []place) {
	for _, id := range ids {
		var p place
		_, _ = fmt.Sscanf(tok.Token(id), "d%ds%d", &p.document, &p.sentence)
		if len(all) == 0 || all[len(all)-1] != p {
			all = append(all, p)
		}
	}
	return all
}

// consecutive says whether sentences follow one another in one document.
func consecutive(all []place) bool {
	for i, p := range all[1:] {
		if p.document != all[i].document || p.sentence != all[i].sentence+1 {
			return false
		}
	}
	return true
}

// numbered makes instances, at most 64 tokens long, of documents of which every sentence has
// a word of its own, three times.
func numbered(t *testing.T, documents, sentences int, share, random float64) (o Options, tok *tokenizer.WordPiece, all, held []Instance) {
	t.Helper()
	words := strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK]")
	var text strings.Builder
	for d := range documents {
		for s := range sentences {
			word := fmt.Sprintf("d%ds%d", d, s)
			words = append(words, word)
			fmt.Fprintf(&text, "%[1]s %[1]s %[1]s\n", word)
		}
		text.WriteString("\n")
	}
	tok, err := tokenizer.NewWordPiece(words, tokenizer.WordPieceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	o = DefaultOptions()
	o.MaxLength, o.MaxPredictions, o.Copies, o.ValidShare, o.RandomShare = 64, 12, 1, share, random
	var records, valid []byte
	if _, err := Make(context.Background(), []string{path}, o, tok, 2, func(b, v []byte) error {
		records, valid = append(records, b...), append(valid, v...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return o, tok, parseAll(t, records), parseAll(t, valid)
}

// TestHeldSentencesAreNotTrainedOn holds a tenth of documents, and never the end of one
// alone where there are others.
func TestHeldSentencesAreNotTrainedOn(t *testing.T) {
	for documents, from := range map[int]int{1: 1, 2: 1, 15: 4} {
		_, tok, all, held := numbered(t, documents, 40, 0.1, 0.5)
		places := func(instances []Instance) map[place]bool {
			found := map[place]bool{}
			for _, in := range instances {
				for _, p := range sentencesOf(tok, in.Unmasked()) {
					found[p] = true
				}
			}
			delete(found, place{}) // of [CLS] and [SEP]; that sentence itself is not held
			return found
		}
		trained := places(all)
		validated := places(held)
		for p := range validated {
			if trained[p] {
				t.Errorf("%d documents: sentence %v is trained on and validated on", documents, p)
			}
		}
		if want := documents * 40 / 10; len(validated) != want {
			t.Errorf("%d documents: %d sentences are held; want %d", documents, len(validated), want)
		}
		of := map[int]bool{}
		for p := range validated {
			of[p.document] = true
		}
		if len(of) != from {
			t.Errorf("%d documents: sentences of %d are held; want %d", documents, len(of), from)
		}
	}
}

func TestSegmentsAreConsecutiveSentences(t *testing.T) {
	const documents, sentences = 400, 60
	o, tok, all, _ := numbered(t, documents, sentences, 0, 0.5)
	used := map[place]int{}
	short := map[int]bool{} // documents
	for _, in := range all {
		restored := checkInstance(t, o, tok, in)
		a := sentencesOf(tok, restored[1:in.First-1])
		b := sentencesOf(tok, restored[in.First:len(restored)-1])
		switch same := a[0].document == b[0].document; {
		case !consecutive(a) || !consecutive(b):
			t.Fatalf("%v and %v are not sentences in a row", a, b)
		case in.Random && same, !in.Random && !consecutive(append(slices.Clone(a), b...)):
			t.Fatalf("%v after %v, drawn at random: %v", b, a, in.Random)
		}
		of := a
		if !in.Random {
			of = append(of, b...)
		}
		for _, p := range of {
			used[p]++
		}
		if !in.Random && of[len(of)-1].sentence < sentences-1 && len(in.IDs) < o.MaxLength*3/4 {
			short[a[0].document] = true
		}
	}
	// What a random segment takes the place of begins the next instance, so that no
	// sentence is lost, and none comes twice.
	for d := range documents {
		for s := range sentences {
			if n := used[place{d, s}]; n != 1 {
				t.Fatalf("sentence %d of document %d is in %d instances; want 1", s, d, n)
			}
		}
	}
	// A tenth of the documents have instances of a length drawn from 2 to 61: 4 to 45 are of
	// two sentences or more, and with three tokens that mark segments below 49.
	if share := float64(len(short)) / documents; math.Abs(share-0.07) > 0.03 {
		t.Errorf("a share of %.3f of documents in short instances; want 0.07", share)
	}
}

// TestWithoutRandomSegments wants each sentence of each document once and in order, and of
// those that no other follows one segment.
func TestWithoutRandomSegments(t *testing.T) {
	_, tok, all, _ := numbered(t, 200, 5, 0, 0)
	var places []place
	alone := 0
	for _, in := range all {
		ids := in.Unmasked()
		sentences := sentencesOf(tok, ids[1:in.First-1])
		switch rest := ids[in.First:]; {
		case len(rest) == 0:
			alone++
		default:
			sentences = append(sentences, sentencesOf(tok, rest[:len(rest)-1])...)
		}
		if in.Random || !consecutive(sentences) || ids[len(ids)-1] != tok.Special().End || slices.Contains(ids[1:in.First-1], tok.Special().End) {
			t.Fatalf("%+v is not of sentences that follow each other: %v", in, sentences)
		}
		places = append(places, sentences...)
	}
	slices.SortFunc(places, func(a, b place) int { return 10*(a.document-b.document) + a.sentence - b.sentence })
	if len(places) != 1000 || len(slices.Compact(places)) != 1000 {
		t.Errorf("%d sentences; want each of 1000 once", len(places))
	}
	if alone == 0 || alone > len(all)/4 {
		t.Errorf("%d of %d instances are one segment; want some", alone, len(all))
	}
}

func TestTheSameForAnyNumberOfThreads(t *testing.T) {
	o := DefaultOptions()
	o.Copies = 1
	path := corpus(t, 1200) // twice as much is more than a part
	one, _ := makeAll(t, o, 1, path, path)
	five, r := makeAll(t, o, 5, path, path)
	if !bytes.Equal(one, five) || len(one) == 0 {
		t.Error("one and five threads make different instances")
	}
	if r.Bytes < partBytes {
		t.Fatalf("%d bytes are less than a part", r.Bytes)
	}
	o.Seed = 2
	if other, _ := makeAll(t, o, 1, path, path); bytes.Equal(one, other) {
		t.Error("another seed makes the same instances")
	}
}

func TestRecordsAreReadBack(t *testing.T) {
	want := Instance{IDs: []int32{2, 7, 4, 3, 9, 300, 3}, First: 4, Places: []int32{2, 5}, Words: []int32{8, 30000}, Random: true}
	o := DefaultOptions()
	record := new(record).of(want, o)
	got, err := Parse(record)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for n := range record {
		if _, err := Parse(record[:n]); err == nil {
			t.Fatalf("no error for %d bytes of %d", n, len(record))
		}
	}
}

// TestTokensAreNumbersOfAVocabulary: -5, and what is one in 32 bits only.
func TestTokensAreNumbersOfAVocabulary(t *testing.T) {
	for _, id := range []int64{-5, 1<<32 + 7} {
		for _, feature := range []string{"input_ids", "masked_lm_ids"} {
			ints := map[string][]int64{
				"input_ids": {2, 7, 3, 8, 3}, "input_mask": {1, 1, 1, 1, 1}, "segment_ids": {0, 0, 0, 1, 1},
				featurePlaces: {1}, "masked_lm_ids": {7}, "next_sentence_labels": {0},
			}
			ints[feature][0] = id
			if _, err := instanceOf(ints); err == nil || !strings.Contains(err.Error(), fmt.Sprint(id)) {
				t.Errorf("%s %d: error %v", feature, id, err)
			}
		}
	}
}

// FuzzParse checks that what is read as an instance is one.
func FuzzParse(f *testing.F) {
	o := DefaultOptions()
	o.MaxLength, o.MaxPredictions = 8, 2
	f.Add(new(record).of(Instance{IDs: []int32{2, 7, 4, 3, 9, 300, 3}, First: 4, Places: []int32{2, 5}, Words: []int32{8, 30000}, Random: true}, o))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		in, err := Parse(record)
		if err != nil {
			return
		}
		if in.First > len(in.IDs) || len(in.Places) != len(in.Words) {
			t.Errorf("%+v", in)
		}
		for _, id := range slices.Concat(in.IDs, in.Places, in.Words) {
			if id < 0 {
				t.Errorf("%+v", in)
			}
		}
		for _, p := range in.Places {
			if int(p) >= len(in.IDs) {
				t.Errorf("%+v", in)
			}
		}
	})
}

func TestWhatCannotBeMade(t *testing.T) {
	tok, none := newTokenizer(t), func(_, _ []byte) error { return nil }
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct {
		path   string
		change func(o *Options)
		want   string
	}{
		"no file":     {"nosuch", func(*Options) {}, "nosuch: no such file"},
		"no text":     {write("\n\n"), func(*Options) {}, "there is no text"},
		"bytes":       {write("w1\n\xff\n"), func(*Options) {}, ":2: not valid UTF-8"},
		"long line":   {write(strings.Repeat("w1 ", lineBytes)), func(*Options) {}, ":1: the line is longer"},
		"no room":     {write("w1\n"), func(o *Options) { o.MaxLength = 4 }, "want 5, three of them special"},
		"too long":    {write("w1\n"), func(o *Options) { o.MaxLength = 1 << 30 }, "to 65536"},
		"many masks":  {write("w1\n"), func(o *Options) { o.MaxPredictions = 1 << 30 }, "1 to 65536"},
		"no masks":    {write("w1\n"), func(o *Options) { o.MaskShare = 0 }, "masks are a share of 0"},
		"no copies":   {write("w1\n"), func(o *Options) { o.Copies = 0 }, "0 copies"},
		"all is held": {write("w1\n"), func(o *Options) { o.ValidShare = 1 }, "a share of 1 for validation"},
		"share of it": {write("w1\n"), func(o *Options) { o.ShortShare = math.NaN() }, "short instances of NaN"},
		"more random": {write("w1\n"), func(o *Options) { o.RandomShare = 1.5 }, "a share of 1.5 of random second segments"},
	} {
		o := DefaultOptions()
		test.change(&o)
		if _, err := Make(context.Background(), []string{test.path}, o, tok, 2, none); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want one with %q", name, err, test.want)
		}
	}
	full, o, path := errors.New("full"), DefaultOptions(), corpus(t, 2000)
	o.Copies = 1
	if _, err := Make(context.Background(), []string{path}, o, tok, 2, func(_, _ []byte) error { return full }); !errors.Is(err, full) {
		t.Errorf("error %v; want that of writing", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := Make(ctx, []string{path, path}, o, tok, 2, func(_, _ []byte) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v for the last part of two; want context.Canceled", err)
	}
	if _, err := Make(ctx, []string{path}, o, tok, 2, none); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; want context.Canceled", err)
	}
	if _, err := Make(context.Background(), []string{path}, o, tok, 0, none); err == nil {
		t.Error("no error for 0 threads")
	}
}
