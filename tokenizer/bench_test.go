package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// BenchmarkEncode encodes real text with each kind of model; MB/s counts the
// bytes of the text. Run it with -cpu 1 for the figure of one core.
func BenchmarkEncode(b *testing.B) {
	for _, c := range []struct{ model, file string }{
		{"unigram", "multi30k/train.en"},
		{"unigram", "multi30k/train.de"},
		{"unigram_bytes", "enja/train.ja"},
		{"bpe", "multi30k/train.en"},
		{"bpe", "multi30k/train.de"},
		{"bpe_bytes", "enja/train.ja"},
	} {
		b.Run(c.model+"/"+strings.ReplaceAll(c.file, "/", "-"), func(b *testing.B) {
			m := loadGoldenModel(b, c.model)
			lines := slices.DeleteFunc(readLines(b, dataDir(b), c.file), func(s string) bool { return s == "" })
			size := 0
			for _, line := range lines {
				size += len(line)
			}
			b.SetBytes(int64(size / len(lines)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				m.Encode(lines[i%len(lines)])
				i++
			}
		})
	}
}

// BenchmarkTrain makes vocabularies of 8,000 pieces from 58,000 lines.
func BenchmarkTrain(b *testing.B) {
	text := slices.Concat(readLines(b, dataDir(b), "multi30k/train.en"), readLines(b, dataDir(b), "multi30k/train.de"))
	for _, a := range []Algorithm{Unigram, BPE} {
		b.Run(a.String(), func(b *testing.B) {
			opt := DefaultTrainOptions()
			opt.Algorithm = a
			for b.Loop() {
				if _, err := Train(slices.Values(text), opt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
